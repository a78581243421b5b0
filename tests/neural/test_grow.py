"""A vocabulary grows without touching what is there."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from alen.errors import BadInput
from alen.neural.config import TransformerConfig
from alen.neural.grow import grow_vocabulary
from tests.neural.conftest import DECODER, random_model


@pytest.mark.parametrize("tied", [True, False])
def test_old_words_mean_what_they_meant(tied: bool, tokens_BT: Tensor) -> None:
    model = random_model(TransformerConfig.parse({**DECODER.model_dump(), "tie_embeddings": tied}))
    before, rows = model(tokens_BT), model.embedding.weight.clone()
    grown = grow_vocabulary(model, 130)
    assert grown is model
    assert model.config.vocab_size == 130
    assert torch.equal(model.embedding.weight[:97], rows)
    after = model(tokens_BT)
    assert after.shape[-1] == 130
    assert_close(after[..., :97], before, atol=0, rtol=0)
    model(torch.full((1, 3), 129))
    model.embedding.weight.requires_grad_(True)
    model(torch.tensor([[128]])).sum().backward()
    assert model.embedding.weight.grad is not None


def test_it_only_grows(tokens_BT: Tensor) -> None:
    model = random_model(DECODER)
    assert grow_vocabulary(model, 97).config.vocab_size == 97
    with pytest.raises(BadInput, match="at least 97"):
        grow_vocabulary(model, 96)
