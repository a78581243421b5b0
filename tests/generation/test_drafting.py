"""What is drafted, from where, and how much of it pays."""

from __future__ import annotations

import pytest

from alen.generation.drafting import NONE, RUNS, DraftCosts, Drafter, Runs

ALWAYS = 30
"""Rounds after which what is always taken is believed to be."""


def sure(costs: DraftCosts, run: int) -> None:
    for _ in range(ALWAYS):
        costs.graded(run, 7, 7)


def test_the_newest_place_of_a_run_is_gone_on_from() -> None:
    text = Runs([1, 2, 3, 4, 1, 2, 9, 8])
    assert text.after((1, 2), 2) == [9, 8]
    assert text.after((2, 3), 5) == [4, 1, 2, 9, 8]
    assert text.after((9, 8), 3) == ()  # nothing came after it yet
    text.extend([5])
    assert text.after((9, 8), 3) == [5]


def test_the_longest_run_counts() -> None:
    costs = DraftCosts()
    for run in RUNS:
        sure(costs, run)
    drafter = Drafter(costs, [1, 2, 3, 50, 51, 7, 2, 3, 60, 61, 1, 2, 3])
    draft = drafter.propose(1, 2)
    assert (draft.tokens, draft.run, draft.source) == ([50, 51], 3, "prompt")


def test_what_memory_recalled_is_quoted_with_its_source() -> None:
    costs = DraftCosts()
    for run in RUNS:
        sure(costs, run)
    drafter = Drafter(costs, [1, 2, 3], {"episode 1": [40, 41, 42, 43, 44], "episode 2": [70, 71]})
    assert drafter.propose(1, 4) == NONE
    drafter.extend([40, 41])
    draft = drafter.propose(1, 2)
    assert (draft.tokens, draft.source) == ([42, 43], "episode 1")


def test_by_hand_how_many_tokens_pay() -> None:
    costs = DraftCosts()
    for rows, seconds in ((1, 1.0), (2, 1.1), (3, 1.2), (4, 1.3), (5, 3.0), (8, 6.0)):
        costs.timed(rows, seconds)
    # Taken with a chance of 0.4: (1 + 0.4) / 1.1 = 1.27, (1 + 0.4 + 0.16) / 1.2 = 1.3, 1.624 / 1.3 = 1.249.
    assert costs.worth(3, rows=1, most=7) == 2
    assert costs.worth(3, rows=1, most=1) == 1
    # Beside three other rows one more costs 3.0 / 1.3, which nothing earns.
    assert costs.worth(3, rows=4, most=7) == 0
    sure(costs, 3)
    assert costs.worth(3, rows=1, most=7) == 3


def test_by_hand_others_wait_for_a_draft() -> None:
    costs = DraftCosts()
    for rows, seconds in ((1, 1.0), (4, 1.3), (5, 1.5), (11, 9.0)):
        costs.timed(rows, seconds)
    # Alone 1.4 tokens for (1.0 + 0.1) / 1.0 of the time; beside three others 4.4 instead of 4 for 1.5 / 1.3 of it.
    assert costs.worth(3, rows=1, most=1) == 1
    assert costs.worth(3, rows=4, most=1) == 0
    sure(costs, 3)
    assert costs.worth(3, rows=4, most=1) == 1  # nearly five instead of four


def test_what_is_never_taken_is_no_longer_drafted_and_comes_back_when_it_is() -> None:
    costs = DraftCosts()
    for rows in range(1, 9):
        costs.timed(rows, 1.0 + 0.1 * (rows - 1))
    assert costs.worth(5, rows=1, most=7) > 0
    for _ in range(60):
        costs.graded(5, 3, 0)
    assert costs.worth(5, rows=1, most=7) == 0
    for _ in range(200):
        costs.graded(5, 1, 1)
    assert costs.worth(5, rows=1, most=7) > 0


def test_times_between_those_that_were_measured() -> None:
    costs = DraftCosts()
    assert costs._estimate(1) == pytest.approx(1.1)
    costs.timed(2, 2.0)
    assert costs._estimate(1) == 2.0
    assert costs._estimate(4) == pytest.approx(2.4)
    costs.timed(6, 4.0)
    assert costs._estimate(4) == pytest.approx(3.0)
    costs.timed(2, 1.0)
    assert costs._estimate(2) == 1.0
    costs.timed(2, 9.0)  # something else ran
    assert costs._estimate(2) < 2.0


def test_a_size_that_was_slow_once_is_tried_again() -> None:
    """Short runs are not: they say too little."""
    costs = DraftCosts()
    sure(costs, 5)
    costs.timed(1, 1.0)
    costs.timed(8, 20.0)
    assert [costs.worth(2, rows=1, most=7) for _ in range(200)] == [0] * 200
    drafted = [costs.worth(5, rows=1, most=7) for _ in range(64)]
    assert drafted == [0] * 63 + [7]
    costs.timed(8, 1.5)
    assert costs.worth(5, rows=1, most=7) == 7
