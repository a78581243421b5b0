"""Calibration from questions with known answers, kept in the namespace."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from alen.core.belief import Belief
from alen.engine.calibrating import Labelled, fit, is_right
from alen.errors import BadInput
from alen.types import Check


def _rows(n: int) -> list[Labelled]:
    rng = np.random.default_rng(0)
    rows = []
    for place in range(n):
        value = float(rng.normal())
        right = int(rng.random() < 1 / (1 + np.exp(-2 * value)))
        rows.append(Labelled("read", (Check("answerable", "pass", value),), right, f"group {place // 4}"))
    return rows


def _name(number: int) -> str:
    return "k" + chr(97 + number // 26) + chr(97 + number % 26)


def test_probabilities_come_out_as_they_were_made():
    belief, report = fit(_rows(1000), Belief({}), {"fitted_on": "dice"})
    for value in (-1.0, 0.0, 1.0):
        _, p, (low, high) = belief.weigh("read", [Check("answerable", "pass", value)])
        assert p == pytest.approx(1 / (1 + np.exp(-2 * value)), abs=0.08)
        assert low <= p <= high
    read = report["families"]["read"]
    assert read["log_loss"] < read["log_loss_of_constant"]
    assert any(certificate["threshold"] is not None for certificate in read["certificates"])


def test_the_best_of_several_is_believed_as_often_as_it_is_right():
    rng = np.random.default_rng(1)
    rows = []
    for question in range(800):
        place = int(rng.integers(0, 8))  # Half the questions have no answer among the four.
        for number in range(4):
            right = int(number == place)
            checks = (Check("answerable", "pass", float(rng.normal(2.0 * right))),)
            rows.append(Labelled("read", checks, right, f"group {question}", question))
    belief, _ = fit(rows, Belief({}), {})
    best = [max(rows[at : at + 4], key=lambda row: row.checks[0].value or 0.0) for at in range(0, len(rows), 4)]
    said = np.mean([belief.weigh("read", row.checks)[1] for row in best])
    assert said == pytest.approx(np.mean([row.right for row in best]), abs=0.01)
    alone, _ = fit([replace(row, question=None) for row in rows], Belief({}), {})
    assert np.mean([alone.weigh("read", row.checks)[1] for row in best]) < said - 0.02


def test_a_family_with_too_few_answers_keeps_what_it_had():
    before, _ = fit(_rows(200), Belief({}), {})
    few = [Labelled("extract", (), 1, str(place)) for place in range(20)]
    after, report = fit([*_rows(200), *few], before, {})
    assert report["families"]["extract"] == {"rows": 20, "right": 20, "fitted": False}
    assert "extract" not in after.families


def test_nothing_to_fit():
    with pytest.raises(BadInput, match="at least 50"):
        fit(_rows(20), Belief({}), {})


def test_calibrate_changes_this_namespace_alone(engine, tmp_path):
    for number in range(60):
        engine.teach(f"Kiln {_name(number)} fires at {1000 + number} degrees.", source=_name(number))
    data = tmp_path / "questions.jsonl"
    rows = [
        {"id": n, "question": f"At what degrees fires kiln {_name(n)}?", "answers": [f"{1000 + n} degrees"]}
        for n in range(60)
    ]
    rows += [{"id": 100 + n, "question": f"Who bought oven {_name(n)} there?", "unanswerable": True} for n in range(40)]
    data.write_text("\n".join(json.dumps(row) for row in rows))
    stages: list[tuple[str, int, int]] = []
    report = engine.calibrate(data, progress=lambda *stage: stages.append(stage))
    assert report["questions"] == 100
    assert report["families"]["read"]["fitted"]
    assert stages[-1] == ("asking", 100, 100)
    assert engine.belief().provenance["fitted_on"] == "questions.jsonl"
    assert engine.memory.load_state("core.belief", namespace="other") is None


def test_right_is_answerable_and_half_the_tokens():
    assert is_right("1,240 degrees Celsius", ["1240 degrees"], False) == 1
    assert is_right("1,240 degrees", ["1240 degrees"], True) == 0
    assert is_right("Marta", ["Marta Hald the second king"], False) == 0
