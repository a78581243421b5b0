"""The benchmark of the transformer: both sides hold the same model, and a run that was stopped goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from alen.benchmark.schema import load
from alen.benchmark.step_models import build, targets_of
from alen.benchmark.stepping import worker
from alen.errors import BadInput, WorkError
from benchmarks import transformer

TINY = ["--models", "alen-small", "--shapes", "1x24", "--dtypes", "float32", "--steps", "train", "--no-compile"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["alen-small", "bert-base"])
def test_both_sides_are_the_same_model(name: str) -> None:
    ours, theirs = build(name, "alen"), build(name, "transformers")
    tokens_BT = torch.randint(0, ours.config.vocab_size, (2, 20))
    targets_BT = targets_of(name, tokens_BT)
    for model in (ours, theirs):
        model.module.eval()
    with torch.no_grad():
        assert_close(ours.logits(tokens_BT), theirs.logits(tokens_BT), atol=1e-4, rtol=1e-4)
        assert_close(ours.loss(tokens_BT, targets_BT), theirs.loss(tokens_BT, targets_BT), atol=1e-4, rtol=1e-4)


def test_masked_targets_are_a_share_and_next_tokens_all_but_one() -> None:
    tokens_BT = torch.randint(0, 99, (4, 200))
    masked = targets_of("bert-base", tokens_BT)
    assert 0.1 < float((masked != -100).float().mean()) < 0.2
    following = targets_of("gpt2-small", tokens_BT)
    assert torch.equal(following[:, :-1], tokens_BT[:, 1:])


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    common = [*TINY, "--rounds", "2", "--cells", str(tmp_path / "cells.jsonl")]
    assert transformer.main([*common, "--out", str(tmp_path / "one.json")]) == 0
    cells = [json.loads(line) for line in (tmp_path / "cells.jsonl").read_text().splitlines()]
    assert [len(cell["seconds"]["alen"]) for cell in cells] == [2]
    assert cells[0]["entry"]["alen_memory_mb"] > 0
    monkeypatch.setattr(transformer, "choose", lambda *_, **__: pytest.fail("measured again"))
    assert transformer.main([*common, "--out", str(tmp_path / "two.json")]) == 0
    one, two = load(tmp_path / "one.json"), load(tmp_path / "two.json")
    assert one.rows == two.rows
    assert one.tables == two.tables
    assert "alen-small 1x24 float32 train" in capsys.readouterr().out


def test_another_model_is_refused() -> None:
    with pytest.raises(BadInput, match="gpt2-small"):
        build("gpt5", "alen")


@pytest.mark.slow
def test_a_process_that_ends_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WorkError, match="ended with code"), worker(model="gpt5", side="alen", precision="float32"):
        pass
    assert "gpt2-small" in capfd.readouterr().err
