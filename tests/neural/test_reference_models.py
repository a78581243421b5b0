"""The two default models give the numbers of the reference implementation on the same weights and the same tokens."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from alen.models import locate
from alen.neural import KVCache, LoadedModel, load_decoder, load_encoder

pytestmark = pytest.mark.models

# "The barometer is falling, so" and a chat with a system turn, as ids, so that no tokenizer takes part.
PROMPTS = (
    [504, 2753, 10798, 314, 9027, 28, 588],
    [1, 9690, 198, 6077, 5453, 30, 2, 198, 1, 4093, 198, 4898, 314, 260, 6376, 4461, 47, 2, 198, 1, 520, 9531, 198],
)


@pytest.fixture(scope="module")
def gguf_file(models_home: Path) -> Path:
    return locate("smollm2-135m-instruct", models_home).path


@pytest.fixture(scope="module")
def ours(gguf_file: Path) -> LoadedModel:
    return load_decoder(gguf_file)


@pytest.fixture(scope="module")
def reference(gguf_file: Path) -> Any:
    from transformers import AutoModelForCausalLM

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the reference reads the file through arrays that torch warns about
        model = AutoModelForCausalLM.from_pretrained(
            gguf_file.parent, gguf_file=gguf_file.name, dtype=torch.float32, local_files_only=True
        )
    return model.eval()


def logits_of(reference: Any, tokens_BT: Tensor) -> Tensor:
    with torch.no_grad():
        return reference(tokens_BT).logits


@pytest.mark.parametrize("prompt", PROMPTS)
def test_logits_within_a_ten_thousandth(ours: LoadedModel, reference: Any, prompt: list[int]) -> None:
    tokens_BT = torch.tensor([prompt])
    difference = (ours.model(tokens_BT) - logits_of(reference, tokens_BT)).abs().max()
    assert float(difference) <= 1e-4


@pytest.mark.parametrize("prompt", PROMPTS)
def test_sixty_four_greedy_tokens(ours: LoadedModel, reference: Any, prompt: list[int]) -> None:
    """Each token that we chose, one by one from the cache, is the one the reference puts first after the same text."""
    cache = KVCache.allocate(ours.config, batch=1, capacity=len(prompt) + 64)
    chosen: list[int] = []
    step = torch.tensor([prompt])
    for _ in range(64):
        chosen.append(int(ours.model(step, cache=cache, last_only=True)[0, -1].argmax()))
        step = torch.tensor([chosen[-1:]])
    expected = logits_of(reference, torch.tensor([prompt + chosen[:-1]]))[0, len(prompt) - 1 :].argmax(-1)
    assert chosen == expected.tolist()
    assert len(set(chosen)) > 10


def test_truncated_copy_of_the_real_file(gguf_file: Path, tmp_path: Path) -> None:
    from alen.errors import CorruptWeights

    with gguf_file.open("rb") as whole:
        (tmp_path / "cut.gguf").write_bytes(whole.read(5_000_000))
    with pytest.raises(CorruptWeights, match="cut off"):
        load_decoder(tmp_path / "cut.gguf")


def test_sentence_vectors_point_where_the_reference_points(models_home: Path) -> None:
    """Mean-pooled states of a ragged batch, and of each text alone."""
    from transformers import BertModel

    folder = locate("all-minilm-l6-v2", models_home).path
    reference = BertModel.from_pretrained(folder, local_files_only=True).eval()
    model = load_encoder(folder).model
    lengths = torch.tensor([3, 60, 17, 128, 1])
    tokens_BT = torch.randint(1000, 30000, (5, 128), generator=torch.Generator().manual_seed(0))
    valid_BS = torch.arange(128)[None] < lengths[:, None]
    with torch.no_grad():
        theirs_BTD = reference(tokens_BT, attention_mask=valid_BS.long()).last_hidden_state
    theirs_BD = mean(theirs_BTD, valid_BS)
    ours_BD = mean(model.hidden(tokens_BT, mask_BTS=valid_BS[:, None, :]), valid_BS)
    assert float(F.cosine_similarity(ours_BD, theirs_BD).min()) >= 0.9999
    for row, length in enumerate(lengths.tolist()):
        alone_D = model.hidden(tokens_BT[row : row + 1, :length])[0].mean(0)
        assert float(F.cosine_similarity(alone_D, theirs_BD[row], dim=0)) >= 0.9999


def mean(states_BTD: Tensor, valid_BS: Tensor) -> Tensor:
    kept_BTD = states_BTD * valid_BS[..., None]
    return kept_BTD.sum(1) / valid_BS.sum(1, keepdim=True)
