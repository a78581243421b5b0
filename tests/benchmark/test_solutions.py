"""Solutions are judged by their working: right ones from wrong ones, on problems that nothing was fitted to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from alen.benchmark import schema
from alen.benchmark.tasks import Item
from tests.benchmark.test_main_job import script


class Made:
    """Problems of one addition; every second pair of solutions adds what the problem does not name."""

    def items(self, folder: Path, part: str, count: int | None = None) -> list[Item]:
        first = 0 if part == "development" else 100
        return [item for number in range(first, first + 60) for item in _four(number)][:count]


def _four(number: int) -> list[Item]:
    a, b = 3 + number, 40 + number * 2
    question = f"Ann has {a} pears and picks {b} more. How many pears does she have?"
    problem = Item(f"p/{number}", "made", f"p{number}", question, "", (), (str(a + b),), "number")
    good, bad = f"{a} + {b} = <<{a}+{b}={a + b}>>{a + b}\nA: {a + b}", f"{a} + 7 = <<{a}+7={a + 9}>>{a + 9}\nA: {a + 9}"
    solutions = ((good, True), (bad, False)) * 2
    return [replace(problem, id=f"p/{number}/{n}", given=text, right=ok) for n, (text, ok) in enumerate(solutions)]


def test_working_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    solutions, out = script("solutions"), tmp_path / "out.json"
    monkeypatch.setattr(solutions, "TASKS", {"check_gsm8k": Made()})
    monkeypatch.setattr(solutions, "DRAWS", 20)
    assert solutions.main([str(tmp_path), "--out", str(out)]) == 0
    result = schema.load(out)
    assert result.row("auroc").ours.value == 1.0
    assert result.row("auroc").ours.n == 240
    assert (result.row("log_loss_gain").ours.low or 0) > 0.3
    assert [row["right"] for row in result.tables["systems"]] == ["100%", "0%", "100%", "0%"]
    assert {row["check"] for row in result.tables["checks"]} == set(solutions.NAMES)
    assert "60 GSM8K problems" in result.title
    capsys.readouterr()


def test_data_that_are_not_there_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script("solutions").main([str(tmp_path / "nowhere")]) == 2
    assert "gsm8k" in capsys.readouterr().err
