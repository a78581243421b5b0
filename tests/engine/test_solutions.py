"""Solutions that somebody wrote: judged by their working, believed once some were graded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alen.core.checks.of_working import NAMES
from alen.engine import Engine
from alen.errors import BadInput

QUESTION = "Ann has 32 pears and picks 40 more. How many pears does she have?"
RIGHT = "32 + 40 = 72\nA: 72"
WRONG = "32 + 7 = 41\nA: 41"
KILNS = [f"k{first}{second}" for first in "aeiou" for second in "bdfglmnr"]


def _graded(count: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for a in range(3, 3 + count):
        b = 40 + 2 * a
        question = f"Ann has {a} pears and picks {b} more. How many pears does she have?"
        good, bad = f"{a} + {b} = {a + b}\nA: {a + b}", f"{a} + 7 = {a + 9}\nA: {a + 9}"
        rows += [{"question": question, "reply": text, "right": text == good} for text in (good, bad)]
    return rows


def _written(folder: Path, rows: list[dict[str, object]]) -> Path:
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return file


def test_working_is_shown_and_not_believed_before_solutions_were_graded(engine: Engine) -> None:
    """Nothing was ever taught, either: memory has no say."""
    found = engine.judge(QUESTION, WRONG)
    assert (found.text, found.confidence, found.detail) == ("41", 0.0, {"family": "solution", "uncalibrated": True})
    values = {check.name: check.value for check in found.checks}
    assert tuple(values) == NAMES
    assert (values["equations_hold"], values["numbers_used"]) == (0.0, -1.0)


def test_graded_solutions_tell_right_from_wrong(engine: Engine, tmp_path: Path) -> None:
    before = engine.belief()
    report = engine.calibrate(_written(tmp_path, _graded(40)))
    assert (report["questions"], report["solutions"], report["certificates"]) == (0, 80, [])
    assert (report["groups"], report["certified_on"], report["certified_groups"]) == (0, 0, 0)
    assert report["families"]["solution"]["fitted"]
    right, wrong = engine.judge(QUESTION, RIGHT), engine.judge(QUESTION, WRONG)
    assert right.confidence > 0.8
    assert wrong.confidence < 0.2
    assert "uncalibrated" not in right.detail
    assert sum(check.contribution or 0.0 for check in right.checks) > sum(
        check.contribution or 0.0 for check in wrong.checks
    )
    after = engine.belief()
    assert {name: after.families[name] for name in before.families} == before.families
    assert after.provenance["solutions"] == 80


def test_solutions_and_questions_in_one_file(engine: Engine, tmp_path: Path) -> None:
    """Solutions are not asked, and certify nothing: nobody says them."""
    for n, name in enumerate(KILNS):
        engine.teach(f"Kiln {name} fires at {1000 + n} degrees.", source=name)
    rows: list[dict[str, object]] = [
        {"question": f"At what degrees fires kiln {name}?", "answers": [f"{1000 + n} degrees"]}
        for n, name in enumerate(KILNS)
    ]
    rows += [{"question": f"Who bought oven {name} there?", "unanswerable": True} for name in KILNS[:20]]
    report = engine.calibrate(_written(tmp_path, [*rows, *_graded(40)]))
    assert (report["questions"], report["solutions"]) == (60, 80)
    assert {"read", "solution"} <= set(report["families"])
    assert engine.judge(QUESTION, RIGHT).confidence > 0.8


@pytest.mark.parametrize(
    ("question", "reply", "named"),
    [
        ("", RIGHT, "question"),
        (QUESTION, "It is 72.", "reply"),
        (QUESTION, "", "reply"),
        (QUESTION, None, "reply"),
    ],
)
def test_what_shows_no_working_is_refused(engine: Engine, question: str, reply: str, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        engine.judge(question, reply)


@pytest.mark.parametrize("row", [{"reply": 72, "right": True}, {"reply": RIGHT}, {"reply": RIGHT, "right": "yes"}])
def test_a_row_that_says_no_grade_is_named(engine: Engine, tmp_path: Path, row: dict[str, object]) -> None:
    with pytest.raises(BadInput, match=r"line 1, (reply|right)"):
        engine.calibrate(_written(tmp_path, [{"question": QUESTION, **row}]))


def test_too_few_are_refused(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="solution: 6 answers"):
        engine.calibrate(_written(tmp_path, _graded(3)))
