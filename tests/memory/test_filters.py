"""A recall with conditions finds the nearest of those that fulfil them, whichever way it takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from alen.memory import EpisodicMemory
from alen.memory.filters import Where
from tests.memory.brute_force import Spread
from tests.memory.conftest import BOTH

pytestmark = BOTH

COUNT = 300
CONDITIONS: list[dict[str, Any]] = [
    {"tags": "all"},
    {"tags": "third"},
    {"tags": ["third", "seldom"]},
    {"tags": "seldom"},
    {"tags": "nobody has it"},
    {"sources": ["log"]},
    {"tags": "third", "min_confidence": 0.5},
    {"min_confidence": 0.1},
    {"min_confidence": 0.99},
    {"as_of": "2999-01-01"},
]


def row(number: int) -> dict[str, Any]:
    tags = ["all"] + ["third"] * (number % 3 == 0) + ["seldom"] * (number % 50 == 0)
    source = "log" if number % 20 == 0 else "person"
    return {"tags": tags, "source": source, "confidence": (number % 100) / 100}


def fulfils(number: int, where: dict[str, Any]) -> bool:
    own, wanted = row(number), Where.of(where)
    return (
        set(wanted.tags) <= set(own["tags"])
        and own["source"] in (wanted.sources or (own["source"],))
        and own["confidence"] >= wanted.min_confidence
    )


WAYS = {"all compared": (20_000, 1), "by the index": (0, 100), "deeper and deeper": (0, 2), "both": (40, 10)}
"""``COMPARED`` and ``LOOKED_AT``."""


def test_the_nearest_of_those_that_fulfil_the_conditions(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Spread()
    questions = [f"What does gauge {number} show?" for number in range(COUNT)]
    rows = [{"question": text, "answer": f"{number} bar", **row(number)} for number, text in enumerate(questions)]
    query_D = encoder.encode(["What do they show?"])[0]
    scores_N = encoder.encode(questions).astype(np.float16).astype(np.float32) @ query_D
    with EpisodicMemory.open(url, encoder=encoder) as memory:
        memory.remember_many(rows)
        for way, (compared, looked_at) in WAYS.items():
            monkeypatch.setattr("alen.memory.nearest.COMPARED", compared)
            monkeypatch.setattr("alen.memory.nearest.LOOKED_AT", looked_at)
            for where in CONDITIONS:
                hits = memory.recall("What do they show?", 7, mode="dense", vector=query_D, where=where)
                allowed = [number for number in range(COUNT) if fulfils(number, where)]
                best = sorted(allowed, key=lambda number: -scores_N[number])[:7]
                found = [int((hit.episode.answer or "").split()[0]) for hit in hits]
                assert found == best, (way, where)
                assert [hit.score for hit in hits] == pytest.approx(np.maximum(scores_N[best], 0.0), abs=1e-4)


def test_what_was_superseded_is_found_in_its_time(memory: EpisodicMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in no index any more, so that what fulfils the condition is compared whatever the index finds."""
    monkeypatch.setattr("alen.memory.nearest.LOOKED_AT", 1)
    old = memory.remember(question="Who leads the guild?", answer="Ilse Brandt")
    memory.remember(question="Who leads the guild now, and who led it?", answer="Nobody knows.")
    before = memory.get(old).created_at
    memory.supersede(old, memory.remember(question="Who leads the guild?", answer="Tomas Reyk"))
    [hit] = memory.recall("Who leads the guild?", 1, mode="dense", where={"as_of": before})
    assert hit.episode.answer == "Ilse Brandt"
