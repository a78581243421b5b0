"""The clock goes back: nothing runs out early, and what came later still counts as later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alen.memory import EpisodicMemory, identity
from alen.upkeep import ForgettingPolicy
from tests.memory.conftest import BOTH
from tests.memory.torture import life

pytestmark = BOTH

HOUR = 3600.0


class Clock:
    """What every module of memory takes for the time."""

    def __init__(self, patched: pytest.MonkeyPatch) -> None:
        self.moment = datetime(2031, 5, 1, 12, 0, tzinfo=UTC)
        patched.setattr(identity, "datetime", self)
        patched.setattr("alen.memory.forgetting.datetime", self)
        patched.setattr(identity.time, "time_ns", lambda: int(self.moment.timestamp() * 1e9))

    def now(self, zone: object = None) -> datetime:
        return self.moment

    def fromisoformat(self, text: str) -> datetime:
        return datetime.fromisoformat(text)

    def go(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def ask(memory: EpisodicMemory) -> list[str | None]:
    return [hit.episode.answer for hit in memory.recall("Who has the watch?", 5)]


def test_nothing_runs_out_early(url: str, clock: Clock) -> None:
    with EpisodicMemory.open(url, encoder=life.OLD) as memory:
        memory.remember(question="Who has the watch?", answer="Ilse", ttl=HOUR)
        clock.go(-2 * HOUR)
        assert ask(memory) == ["Ilse"]
        assert memory.forget(dry_run=False) == []
        clock.go(2.9 * HOUR)
        assert ask(memory) == ["Ilse"]
        clock.go(0.2 * HOUR)
        assert ask(memory) == []
        assert [each.reason for each in memory.forget(dry_run=False)] == ["expired"]
        clock.go(-5 * HOUR)
        assert ask(memory) == []
        assert memory.forget(ForgettingPolicy(grace_days=1.0), dry_run=False) == []


def test_what_came_later_is_later(url: str, clock: Clock) -> None:
    """The order of episodes is that in which they were stored, not that of a clock."""
    with EpisodicMemory.open(url, encoder=life.OLD) as memory:
        first = memory.remember(question="Who has the watch?", answer="Ilse")
        clock.go(-HOUR)
        second = memory.remember(question="Who has the watch?", answer="Tomas")
        assert ask(memory) == ["Tomas", "Ilse"]
        clock.go(-HOUR)
        memory.update(first, answer="Ilse Brandt")
        assert [version["answer"] for version in memory.history(first)] == ["Ilse", "Ilse Brandt"]
        memory.supersede(first, second)
        assert ask(memory) == ["Tomas"]


def test_other_processes_still_see_every_change(url: str, clock: Clock) -> None:
    with EpisodicMemory.open(url, encoder=life.OLD) as memory, EpisodicMemory.open(url, encoder=life.OLD) as reader:
        uids = []
        for number in range(10):
            uids.append(memory.remember(question="Who has the watch?", answer=f"Watch {number}"))
            clock.go(-HOUR)
            assert reader.recall("Who has the watch?", 1)[0].episode.id == uids[-1]
        assert len(set(uids)) == 10
        memory.delete(uids[-1])
        assert reader.recall("Who has the watch?", 1)[0].episode.id == uids[-2]
        assert reader.verify("deep").problems == ()


def test_what_has_run_out_takes_nothing_with_it_when_questions_are_merged(url: str, clock: Clock) -> None:
    with EpisodicMemory.open(url, encoder=life.OLD) as memory:
        memory.remember(question="Who has the watch?", answer="Ilse", context="on Monday", ttl=HOUR)
        memory.remember(question="Who has the watch?", answer="Ilse", context="on Tuesday")
        clock.go(2 * HOUR)
        assert memory.merge(dry_run=False) == []
        assert ask(memory) == ["Ilse"]


def test_what_holds_longest_is_kept_when_questions_are_merged(url: str, clock: Clock) -> None:
    with EpisodicMemory.open(url, encoder=life.OLD) as memory:
        for day, ttl in (("Monday", HOUR), ("Tuesday", None), ("Wednesday", 2 * HOUR)):
            memory.remember(question="Who has the watch?", answer="Ilse", context=f"on {day}", ttl=ttl)
        assert len(memory.merge(dry_run=False)[0].folded) == 2
        clock.go(3 * HOUR)
        assert ask(memory) == ["Ilse"]
