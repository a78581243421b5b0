"""What computes a model is found by the machine; a GPU is played by the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from alen.errors import BadInput
from alen.generation import loading
from alen.language_model import LargeLanguageModel
from alen.neural.gpu import GpuDecoder
from alen.neural.weights import folder
from alen.text.byte_pairs import train
from tests.kernels import model


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    train(["the kiln fires stoneware " * 30], 300).save(tmp_path / "words")
    folder.save(model(vocab_size=300), tmp_path / "model", tokenizer=tmp_path / "words")
    return tmp_path / "model"


@pytest.mark.parametrize("dtype", ["auto", "int8", "float8", "float32"])
def test_a_gpu_is_used_where_there_is_one(saved: Path, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "find_gpu", lambda: torch.device("cpu"))
    loaded = loading.load(saved, dtype, None)
    assert isinstance(loaded.stepper, GpuDecoder)
    assert loaded.format == {"auto": "bfloat16"}.get(dtype, dtype)
    assert next(loaded.model.model.parameters()).dtype == torch.float32  # what training and reading take
    spoken = LargeLanguageModel.from_pretrained(saved, saved.parent, dtype=dtype)
    assert spoken.generate("the kiln", max_tokens=5, ignore_eos=True)
    assert spoken.info()["dtype"] == loaded.format


def test_what_a_gpu_does_not_know_is_left_to_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "find_gpu", lambda: torch.device("cpu"))
    folder.save(model(positional={"encoding": "alibi"}), tmp_path)
    assert loading.load(tmp_path, "float32", None).stepper is None


@pytest.mark.parametrize(("dtype", "what"), [("int8", "without a GPU"), ("float64", "'float64'")])
def test_a_format_that_cannot_be_is_refused(
    saved: Path, dtype: Any, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "find_gpu", lambda: None)
    with pytest.raises(BadInput, match=what):
        loading.load(saved, dtype, None)
