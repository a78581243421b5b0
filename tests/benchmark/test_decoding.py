"""Other programs are timed with the same weights: what they write is what the model finds likely."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from alen.benchmark.decoding.converted import converted
from alen.benchmark.decoding.peers import CTranslate2
from alen.neural.weights.hugging_face import save_folder
from tests.benchmark.tiny_model import tiny_model

PROMPTS = [list(b"what is the sea"), list(b"a stone"), list(b"who swims")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model, root = tiny_model(), tmp_path_factory.mktemp("peers")
    save_folder(model.model, root / "model")
    return converted(root / "model", model.tokenizer, root / "converted")


def test_ctranslate2_writes_what_the_model_finds_likely(folder: Path) -> None:
    side, model = CTranslate2(str(folder), threads=1), tiny_model().model
    for prompt in PROMPTS:
        seconds, written = side.write(prompt, 12)
        assert seconds > 0
        assert len(written) == 12
        with torch.inference_mode():
            best = model(torch.tensor([[*prompt, *written]]))[0].topk(3).indices
        ranks = [token in best[len(prompt) - 1 + n] for n, token in enumerate(written)]
        assert sum(ranks) >= 10


def test_ctranslate2_reads_and_writes_many(folder: Path) -> None:
    side = CTranslate2(str(folder), threads=1)
    assert side.read(PROMPTS[0]) > 0
    assert side.streams(PROMPTS, 9) > 0
    assert [len(text) for text in side._written(PROMPTS, 9)] == [9, 9, 9]


def test_what_was_converted_is_kept(folder: Path) -> None:
    before = (folder / "model.bin").stat().st_mtime_ns
    assert converted(folder / "absent", tiny_model().tokenizer, folder) == folder
    assert (folder / "model.bin").stat().st_mtime_ns == before
    assert [path.name for path in folder.parent.iterdir() if "partial" in path.name or "exported" in path.name] == []
