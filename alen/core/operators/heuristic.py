"""Heuristic: the answer of the nearest taught question, or the span of the best sentence that has the right form; no
language model."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from alen.core import checks as look
from alen.core.situation import Proposal, Situation, as_evidence, taught_evidence
from alen.types import Check

_SPANS = {
    "number": re.compile(r"(?:[$£€]\s?)?\d[\d,.]*(?:\s?(?:%|percent|[a-zA-Z°]+))?"),
    "human": re.compile(r"\b[A-Z][\w'’-]+(?:\s+[A-Z][\w'’-]+)+|\b[A-Z][\w'’-]+"),
}
_SPANS["location"] = _SPANS["entity"] = _SPANS["abbreviation"] = _SPANS["human"]


def recall_taught(situation: Situation) -> list[Proposal]:
    """The answers of the taught questions nearest to this one."""
    hits = situation.recollection.episodes
    proposals = []
    for index, hit in enumerate(hits[:3]):
        if not hit.episode.answer:
            continue
        family, checks = _judged(situation, index)
        proposals.append(Proposal(hit.episode.answer, "heuristic", family, checks, (taught_evidence(hit),)))
    return proposals


def _judged(situation: Situation, index: int) -> tuple[str, tuple[Check, ...]]:
    """An answer that ALEN gave and committed is worth what it was worth then, and for the same question alone: said
    again it is no second witness."""
    hit = situation.recollection.episodes[index]
    if hit.episode.source == "model" and hit.episode.tier != "gold":
        p = min(max(hit.episode.confidence, 1e-6), 1 - 1e-6)
        then = math.log(p / (1 - p)) if hit.exact else None
        return "own", (look.check("confidence_then", then), look.check("own_question", float(hit.exact), 1.0))
    family = "recall_exact" if hit.exact else "recall"
    return family, tuple(look.of_episode(situation.thought, situation.recollection.episodes, index))


def extract(situation: Situation) -> list[Proposal]:
    """The span of the best sentence that has the form the question asks for."""
    hits = situation.recollection.passages[:1]
    if not hits or hits[0].sentence is None:
        return []
    start, end = hits[0].sentence
    pattern = _SPANS.get(situation.thought.answer_type)
    sentence = hits[0].passage.text[start:end]
    asked = situation.thought.text.lower()
    spans = [match for match in pattern.finditer(sentence) if match.group().lower() not in asked] if pattern else []
    if not spans:
        return []
    best = _nearest(spans, sentence, asked)
    span = (start + best.start(), start + best.end())
    checks = tuple(look.of_passage(situation.thought, situation.recollection.passages, 0, span))
    detail = {"span": span, "passage": hits[0].passage.id}
    return [Proposal(best.group().strip(), "heuristic", "extract", checks, (as_evidence(hits[0]),), 0, detail)]


def _nearest(spans: Sequence[re.Match[str]], sentence: str, asked: str) -> re.Match[str]:
    wanted = set(look.content_words(asked))
    places = [
        m.start()
        for m in re.finditer(r"\w+", sentence)
        if look.content_words(m.group()) and look.content_words(m.group())[0] in wanted
    ]
    if not places:
        return spans[0]
    return min(spans, key=lambda span: min(abs(span.start() - place) for place in places))
