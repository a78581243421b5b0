"""What stands before the tokens counts as tokens do, and a vector says what comes."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from alen.errors import BadInput
from alen.neural.cache import KVCache
from alen.neural.conditioned import ConditionedTransformer
from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer


def small(**changes: object) -> TransformerConfig:
    shape = {"vocab_size": 20, "d_model": 16, "num_layers": 2, "max_seq_len": 12, "attention": {"num_heads": 2}}
    return TransformerConfig.parse({**shape, **changes})


@pytest.mark.parametrize("encoding", ["rope", "learned", "alibi", "sinusoidal"])
def test_a_prefix_of_embeddings_is_as_good_as_tokens(encoding: str) -> None:
    model = Transformer(small(positional={"encoding": encoding})).eval()
    tokens_BT = torch.randint(20, (3, 9))
    whole_BTD = model.hidden(tokens_BT)
    split_BTD = model.hidden(tokens_BT[:, 4:], prefix_BPD=model.embedding(tokens_BT[:, :4]))
    assert torch.allclose(whole_BTD, split_BTD, atol=1e-6)


def test_the_first_token_follows_the_vector_alone() -> None:
    model = ConditionedTransformer(small(), 6, 3).eval()
    condition_BC = F.normalize(torch.randn(2, 6), dim=-1)
    logits_BTV = model(condition_BC, torch.randint(20, (2, 5)))
    assert logits_BTV.shape == (2, 6, 20)
    assert torch.allclose(logits_BTV[:, :1], model(condition_BC, torch.empty(2, 0, dtype=torch.long)), atol=1e-6)
    assert not torch.allclose(logits_BTV[0, 0], logits_BTV[1, 0])
    assert model.room == 9


def test_what_a_cache_has_read_goes_on() -> None:
    model = ConditionedTransformer(small(), 6, 3).eval()
    condition_BC, tokens_BT = F.normalize(torch.randn(2, 6), dim=-1), torch.randint(20, (2, 4))
    cache = KVCache.allocate(model.config, 2, 12)
    first_BTD = model.hidden(condition_BC, tokens_BT[:, :1], cache=cache)
    rest_BTD = model.decoder.hidden(tokens_BT[:, 1:], cache=cache)
    assert torch.allclose(torch.cat([first_BTD, rest_BTD], 1), model.hidden(condition_BC, tokens_BT), atol=1e-5)


@pytest.mark.parametrize(("dim", "prefix", "field"), [(0, 3, "condition_dim"), (6, 0, "prefix")])
def test_nothing_is_no_condition(dim: int, prefix: int, field: str) -> None:
    with pytest.raises(BadInput, match=field):
        ConditionedTransformer(small(), dim, prefix)
