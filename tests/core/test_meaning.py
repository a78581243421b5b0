"""How near question and answer are in meaning: by hand, with vectors that are known."""

from __future__ import annotations

import numpy as np
import pytest

from alen.core.checks.of_meaning import of_meaning
from alen.thought import stem

QUESTION = "Which of these is a colour? A) red B) seven"
ANGLES = {"Which of these is a colour?": 0.0, "red": 0.3, "seven": 1.2, "blue": 0.5}


class _Angles:
    """Unit vectors by their angle."""

    name = fingerprint = "angles"
    dim = 2

    def encode(self, texts: list[str]) -> np.ndarray:
        angles = np.array([ANGLES.get(text, 0.9) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def _values(answers: list[str], options: tuple[str, ...]) -> list[dict[str, float | None]]:
    return [{check.name: check.value for check in found} for found in of_meaning(QUESTION, answers, _Angles(), options)]


def test_the_lead_of_the_option_that_was_chosen_by_hand() -> None:
    red, seven, letter = _values(["red", "seven", "B"], ("red", "seven"))
    assert red == {
        "near_in_meaning": pytest.approx(np.cos(0.3), abs=1e-4),
        "lead_in_meaning": pytest.approx(np.cos(0.3) - np.cos(1.2), abs=1e-4),
    }
    assert seven["lead_in_meaning"] == pytest.approx(np.cos(1.2) - np.cos(0.3), abs=1e-4)
    assert letter == seven


def test_what_chooses_nothing_has_no_lead() -> None:
    assert _values(["blue"], ("red", "seven"))[0]["lead_in_meaning"] is None
    assert _values(["blue"], ())[0] == {
        "near_in_meaning": pytest.approx(np.cos(0.5), abs=1e-4),
        "lead_in_meaning": None,
    }


def test_the_options_are_no_part_of_what_is_asked() -> None:
    assert stem(QUESTION) == "Which of these is a colour?"
    assert stem("Plan A) or plan C) then?") == "Plan A) or plan C) then?"
    assert stem("A) red B) seven") == "A) red B) seven"
