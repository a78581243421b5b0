"""Calibration from questions with known answers, kept in the namespace."""

from __future__ import annotations

import json

from alen.engine.calibrating import is_right


def _name(number: int) -> str:
    return "k" + chr(97 + number // 26) + chr(97 + number % 26)


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
