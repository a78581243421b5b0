"""Checks of an answer that was taught for another question."""

from __future__ import annotations

from collections.abc import Sequence

from alen.core.checks.looking import NEGATION, check, content_words
from alen.core.equivalence import normalise
from alen.thought import ThoughtState, entities, numbers
from alen.types import Check, EpisodeHit


def of_episode(thought: ThoughtState, hits: Sequence[EpisodeHit], index: int) -> list[Check]:
    """How surely a taught question asks the same as this one."""
    hit = hits[index]
    taught, asked = hit.episode.question, thought.text
    here, there = set(content_words(asked)), set(content_words(taught))
    rival = max(
        (
            other.score
            for place, other in enumerate(hits)
            if place != index and normalise(other.episode.answer or "") != normalise(hit.episode.answer or "")
        ),
        default=None,
    )
    either = [*thought.numbers, *numbers(taught)]
    names = {*thought.entities, *entities(taught)}
    return [
        check("question_similarity", hit.score, 0.8),
        check("similarity_lead", None if rival is None else hit.score - rival, 0.1),
        check("words_shared", len(here & there) / len(here | there) if here | there else None, 0.5),
        check("words_answered", len(here & there) / len(here) if here else None, 0.7),
        check("numbers_agree", float(set(thought.numbers) == set(numbers(taught))) if either else None, 1.0),
        check("names_agree", _shared_names(names, asked, taught), 1.0),
        check("negation_agrees", float(bool(NEGATION.search(asked)) == bool(NEGATION.search(taught))), 1.0),
    ]


def _shared_names(names: set[str], asked: str, taught: str) -> float | None:
    if not names:
        return None
    return sum(name.lower() in asked.lower() and name.lower() in taught.lower() for name in names) / len(names)
