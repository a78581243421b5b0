"""The comparison with what people judged: rows by hand on a small file, ties at the cut by lot."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from alen.benchmark import schema
from tests.benchmark.test_main_job import script

ROWS = [
    ("how many geese", ["6 geese a-laying"], ["six geese a-laying"], ["epiphany", "a hammered nutcracker"]),
    ("what is the capital of France", ["Paris"], ["paris"], ["Lyon"]),
]


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    file = tmp_path / "judged.jsonl"
    lines = [
        {"question": q, "answer": golds, "def_correct_predictions": right, "def_incorrect_predictions": wrong}
        for q, golds, right, wrong in ROWS
    ]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return file


def test_rows_by_hand(judged: Path, tmp_path: Path) -> None:
    assert script("equivalence").main([str(judged), "--out", str(tmp_path / "out.json")]) == 0
    result = schema.load(tmp_path / "out.json")
    assert "5 predictions to 2 questions" in result.title
    accepted = result.row("recall")
    assert (accepted.ours.value, accepted.plain and accepted.plain.value) == (1.0, 1.0)
    assert result.row("false_accepts").ours.value == 0.0
    assert result.row("auroc").ours.value == 1.0


def test_what_ties_at_the_cut_is_accepted_by_lot() -> None:
    scores, right = np.array([1.0, 0.5, 0.5, 0.5, 0.0]), np.array([True, True, False, False, False])
    share = script("equivalence").FALSE_ACCEPTS
    assert script("equivalence")._recall_at(scores, right) == pytest.approx((1 + share / (2 / 3)) / 2)


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script("equivalence").main([str(tmp_path / "nowhere.jsonl")]) == 2
    assert "nowhere.jsonl" in capsys.readouterr().err
