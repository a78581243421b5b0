"""Taking turns, and the spread of times."""

from __future__ import annotations

import pytest

from alen.benchmark import harness


def test_turns_begin_with_another_one_every_round() -> None:
    order = list(harness.in_turns(3, ["ours", "plain"]))
    assert order == [(0, "ours"), (0, "plain"), (1, "plain"), (1, "ours"), (2, "ours"), (2, "plain")]


def test_blocks_keep_everything_in_order() -> None:
    assert harness.blocks([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]


def test_spread_by_hand() -> None:
    found = harness.spread([4.0, 1.0, 2.0, 3.0, 5.0])
    assert found == {"p10": 1.4, "p25": 2.0, "median": 3.0, "p75": 4.0, "p90": 4.6, "n": 5}
    assert harness.spread([]) == {}


def test_timed_returns_the_result_and_its_seconds() -> None:
    result, seconds = harness.timed(lambda: 7)
    assert result == 7
    assert 0 <= seconds < 1


def test_progress_in_a_pipe_is_a_few_lines_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with harness.progress() as report:
        for done in range(1001):
            report("ask", done, 1000)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 11
    assert "ask: 1000 of 1000" in printed.err
