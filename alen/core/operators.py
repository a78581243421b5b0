"""Operators propose candidates; they never judge them. Each sees the question and what memory recalled."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from alen.core import checks as look
from alen.core.arithmetic import NotArithmetic, evaluate, expression_of, recomputed, written
from alen.core.units import convert
from alen.thought import ThoughtState
from alen.types import CancelToken, Candidate, Check, Effort, Evidence, PassageHit, Reader, Recollection

PASSAGES_READ: dict[Effort, int] = {"fast": 0, "balanced": 2, "thorough": 3}
"""How many recalled passages the language model reads at most."""

CLEAR_LEAD = 0.1
"""With balanced effort a passage that leads the next by this much is read alone. On the calibration articles that is
the case for seven questions in ten, and reading a second passage for the others gains as much as for all."""

_SPANS = {
    "number": re.compile(r"(?:[$£€]\s?)?\d[\d,.]*(?:\s?(?:%|percent|[a-zA-Z°]+))?"),
    "human": re.compile(r"\b[A-Z][\w'’-]+(?:\s+[A-Z][\w'’-]+)+|\b[A-Z][\w'’-]+"),
}
_SPANS["location"] = _SPANS["entity"] = _SPANS["abbreviation"] = _SPANS["human"]


@dataclass(frozen=True)
class Situation:
    """What an operator may look at."""

    thought: ThoughtState
    recollection: Recollection
    effort: Effort = "balanced"
    cancel: CancelToken | None = None


@dataclass(frozen=True)
class Proposal:
    """A candidate before it is weighed. ``family`` names the energy that weighs it."""

    text: str
    operator: str
    family: str
    checks: tuple[Check, ...]
    evidence: tuple[Evidence, ...]
    tokens: int = 0
    detail: dict[str, object] = field(default_factory=dict)

    def weighed(self, energy: float, confidence: float, interval: tuple[float, float]) -> Candidate:
        detail = {**self.detail, "family": self.family}
        return Candidate(self.text, (self.operator,), self.checks, energy, confidence, interval, self.evidence, detail)


def compute(situation: Situation) -> list[Proposal]:
    """Arithmetic and unit conversion, executed exactly, then recomputed by an independent parser."""
    question = situation.thought.text
    converted = convert(question)
    if converted is not None:
        value, unit, derivation = converted
        text = f"{written(value, 10)} {unit}"
        found = Evidence("units", "derivation", f"{derivation} {text}", "exact unit table", None, 0, 0, 1.0)
        return [Proposal(text, "compute", "compute", (look.check("symbolic", 1.0, 1.0),), (found,))]
    try:
        expression = expression_of(question)
        value = evaluate(expression)
    except NotArithmetic:
        return []
    again = recomputed(expression)
    agrees = None if again is None else float(abs(again - float(value)) <= 1e-9 * max(1.0, abs(float(value))))
    text = written(value)
    found = Evidence("arithmetic", "derivation", f"{expression} = {text}", "exact arithmetic", None, 0, 0, 1.0)
    return [Proposal(text, "compute", "compute", (look.check("symbolic", agrees, 1.0),), (found,))]


def recall_taught(situation: Situation) -> list[Proposal]:
    """The answers of the taught questions nearest to this one."""
    hits = situation.recollection.episodes
    proposals = []
    for index, hit in enumerate(hits[:3]):
        episode = hit.episode
        if not episode.answer:
            continue
        found = Evidence(
            episode.id, "episode", f"{episode.question} — {episode.answer}", episode.source, None, 0, 0, hit.score
        )
        family = "recall_exact" if hit.exact else "recall"
        checks = tuple(look.of_episode(situation.thought, hits, index))
        proposals.append(Proposal(episode.answer, "recall", family, checks, (found,)))
    return proposals


def read_passages(situation: Situation, reader: Reader | None) -> list[Proposal]:
    """The language model reads the best passages and points at a span in each."""
    hits = situation.recollection.passages[: PASSAGES_READ[situation.effort]]
    if situation.effort == "balanced" and len(hits) > 1 and hits[0].score - hits[1].score >= CLEAR_LEAD:
        hits = hits[:1]
    if reader is None or not hits:
        return []
    readings = reader.read(situation.thought.text, [hit.passage.text for hit in hits], cancel=situation.cancel)
    proposals = []
    for index, reading in enumerate(readings):
        if not reading.text:
            continue
        span = (reading.start, reading.end)
        checks = look.of_reading(reading) + look.of_passage(
            situation.thought, situation.recollection.passages, index, span, reading.text
        )
        proposals.append(
            Proposal(
                reading.text,
                "read",
                reader.family,
                tuple(checks),
                (as_evidence(hits[index]),),
                reading.tokens + reading.prompt_tokens,
                {"span": span, "passage": hits[index].passage.id},
            )
        )
    return proposals


def extract(situation: Situation) -> list[Proposal]:
    """The span of the best sentence that has the form the question asks for; no language model."""
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
    return [Proposal(best.group().strip(), "extract", "extract", checks, (as_evidence(hits[0]),), 0, detail)]


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


def as_evidence(hit: PassageHit) -> Evidence:
    """A recalled passage as evidence, cited by source, page and characters."""
    passage = hit.passage
    source = passage.source if not passage.title else f"{passage.source} · {passage.title}"
    return Evidence(
        str(passage.external_id or passage.id),
        "passage",
        passage.text,
        source,
        passage.page,
        passage.start,
        passage.end or passage.start + len(passage.text),
        round(hit.score, 5),
    )
