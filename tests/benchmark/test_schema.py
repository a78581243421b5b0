"""Result files: what is written is read back, targets are judged, values are shown as people read them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from alen.benchmark.schema import Measured, Result, Row, Target, load, shown
from alen.errors import BadInput


def result(*rows: Row) -> Result:
    return Result(
        name="main_job",
        title="t",
        created="2024-01-01T00:00:00+00:00",
        seconds=1.0,
        command="python x.py",
        commit="abc",
        machine={},
        versions={},
        settings={},
        rows=rows,
    )


def row(value: float, low: float | None, target: Target | None) -> Row:
    return Row(name="n", label="N", unit="number", ours=Measured(value=value, low=low, n=9), target=target)


@pytest.mark.parametrize(
    ("value", "low", "target", "reached"),
    [
        (0.74, None, Target(relation="at least", value=0.74), True),
        (0.739, None, Target(relation="at least", value=0.74), False),
        (0.07, None, Target(relation="at most", value=0.07), True),
        (0.071, None, Target(relation="at most", value=0.07), False),
        (0.05, 0.001, Target(relation="above", value=0.0, bound="low"), True),
        (0.05, 0.0, Target(relation="above", value=0.0, bound="low"), False),
        (0.05, None, Target(relation="above", value=0.0, bound="low"), False),
        (0.05, None, None, None),
    ],
)
def test_reached(value: float, low: float | None, target: Target | None, reached: bool | None) -> None:
    assert row(value, low, target).reached is reached


def test_a_saved_result_is_read_back(tmp_path: Path) -> None:
    saved = result(row(0.7, 0.6, Target(relation="at least", value=0.74)))
    saved.save(tmp_path / "results" / "r.json")
    assert load(tmp_path / "results" / "r.json") == saved
    assert json.loads((tmp_path / "results" / "r.json").read_text("utf-8"))["rows"][0]["reached"] is False
    assert saved.row("n").ours.value == 0.7


def test_numbers_that_do_not_exist_are_null() -> None:
    assert Measured(value=math.nan, low=math.inf, n=0) == Measured(value=None, low=None, n=0)
    assert not Target(relation="at most", value=1.0).reached_by(Measured(value=None, n=0))


@pytest.mark.parametrize("text", ["", "[]", '{"name": "x"}', '{"rows": [{}]}'])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.json").write_text(text, "utf-8")
    with pytest.raises(BadInput, match=r"r.json"):
        load(tmp_path / "r.json")
    with pytest.raises(BadInput, match="missing"):
        load(tmp_path / "missing.json")


def test_shown() -> None:
    measured = Measured(value=0.8213, low=0.8, high=0.84, n=800)
    assert shown(measured, "percent") == "82.1 %"
    assert shown(measured, "number", interval=True) == "0.821 (0.800 to 0.840)"
    assert [shown(measured, unit) for unit in ("seconds", "times", "per second")] == ["0.82 s", "0.82×", "1/s"]
    assert shown(Measured(value=None, n=0), "percent") == "–"
