"""What was right near a question, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from alen.core.record import PRIOR, WIDTH, Record, mark_of


def _record() -> Record:
    vectors_ND = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    return Record.of_answers(vectors_ND, np.array([1.0, 0.0, 0.0]), ("Paris", "Rome", "Oslo"))


def test_near_answers_count_by_their_nearness() -> None:
    near, said, familiar = _record().of(np.array([1, 0, 0], dtype=np.float32), ["the Paris"])[0]
    rate = 2 / 5
    far = np.exp(-1 / WIDTH)
    right, wrong = 1 + PRIOR * rate, 2 * far + PRIOR * (1 - rate)
    base = np.log(rate / (1 - rate))
    assert near.value == pytest.approx(np.log(right / wrong) - base, abs=1e-4)
    assert said.value == pytest.approx(np.log((1 + PRIOR * rate) / (PRIOR * (1 - rate))) - base, abs=1e-4)
    assert familiar.value == pytest.approx(1 / 3, abs=1e-4)


def test_nothing_graded_is_not_applicable() -> None:
    checks = Record().of(np.zeros(3, dtype=np.float32), ["x", "y"])
    assert {check.status for found in checks for check in found} == {"not_applicable"}
    assert all(check.value is None for check in _record().of(np.zeros(8, dtype=np.float32), ["x"])[0])


def test_a_graded_answer_does_not_judge_itself() -> None:
    record = _record()
    with_it = record.of(record.vectors_ND[0], ["Paris"])[0][0].value or 0.0
    without = record.of(record.vectors_ND[0], ["Paris"], without=[0])[0][0].value or 0.0
    assert without == pytest.approx(0.0, abs=0.01)
    assert with_it > without + 0.3
    nothing = record.of(record.vectors_ND[0], ["Paris"], without=range(len(record)))[0]
    assert all(check.value is None for check in nothing)


def test_the_newest_stay() -> None:
    record = _record().with_one(np.array([0, 1, 0], dtype=np.float32), "Bern", True).newest(2)
    assert record.answers == (mark_of("Oslo"), mark_of("the Bern."))
    assert record.right_N.tolist() == [0.0, 1.0]
    assert Record().with_one(np.array([0, 1], dtype=np.float32), "Bern", True).vectors_ND.tolist() == [[0, 1]]


def test_round_trip() -> None:
    again = Record.from_json(_record().to_json())
    assert again.answers == _record().answers
    np.testing.assert_allclose(again.vectors_ND, _record().vectors_ND, atol=1e-3)
