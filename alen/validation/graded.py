"""A question with what was answered to it, graded. The known answers label; nothing that answers ever sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alen.text.questions import group_of, is_answered
from alen.types import Answer, Check

SHORTEST_TEXT = 20
"""Characters of a context that may be the text of a passage; a shorter one could stand in a passage by chance."""


@dataclass(frozen=True, slots=True)
class Source:
    """What the best candidate rests on: as Evidence, only what is shown and compared."""

    id: str
    kind: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Graded:
    """``text`` is the best candidate's, None without one; ``right`` grades it, whether or not it was given as answer.
    ``grounded`` says whether it rests on the right grounds, None where the data do not tell."""

    id: Any
    question: str
    answers: tuple[str, ...]
    unanswerable: bool
    group: str
    text: str | None
    right: bool
    grounded: bool | None
    decision: str
    reason: str
    confidence: float
    interval: tuple[float, float]
    family: str
    checks: tuple[Check, ...]
    rests_on: tuple[Source, ...]
    tokens: int
    milliseconds: float

    @property
    def answered(self) -> bool:
        """Verified: the engine stood by its answer."""
        return self.decision == "answer"


def record(answer: Answer, milliseconds: float) -> dict[str, Any]:
    """An answer as a line of the answers file: all that grading, ablation and report need, and nothing about the row.
    ``milliseconds`` is what the question took; time for loading a model is taken off."""
    best = answer.candidates[0] if answer.candidates else None
    loading = answer.timings_ms.get("load", 0.0)
    return {
        **answer.to_json(),
        "family": str(best.detail.get("family", "")) if best else "",
        "rests_on": [{name: getattr(each, name) for name in _SOURCE} for each in best.evidence] if best else [],
        "milliseconds": round(max(0.0, milliseconds - loading), 3),
    }


def grade(row: Mapping[str, Any], line: Mapping[str, Any]) -> Graded:
    """A checked row of the data with its line of the answers file."""
    best = line["candidates"][0] if line["candidates"] else None
    text = str(best["text"]) if best else None
    answers, unanswerable = tuple(row.get("answers") or ()), bool(row.get("unanswerable"))
    checks = tuple(Check(check["name"], check["status"], check["value"]) for check in best["checks"]) if best else ()
    sources = tuple(Source(**source) for source in line["rests_on"])
    context = row.get("context")
    return Graded(
        id=row["id"],
        question=row["question"],
        answers=answers,
        unanswerable=unanswerable,
        group=group_of(row),
        text=text,
        right=text is not None and is_answered(text, row),
        grounded=_grounded(context, sources, checks),
        decision=line["decision"],
        reason=line["reason"],
        confidence=float(line["confidence"]),
        interval=(float(line["interval"][0]), float(line["interval"][1])),
        family=line["family"],
        checks=checks,
        rests_on=sources,
        tokens=int(line["tokens"]),
        milliseconds=float(line["milliseconds"]),
    )


def _grounded(context: object, sources: tuple[Source, ...], checks: tuple[Check, ...]) -> bool | None:
    """A derivation stands on its symbolic check; anything else on the passage that the row names, by id or by text."""
    if any(source.kind == "derivation" for source in sources):
        return any(check.name == "symbolic" and check.status == "pass" for check in checks)
    if context in (None, ""):
        return None
    wanted = _plain(str(context))
    return any(source.id == str(context) or _same_text(_plain(source.text), wanted) for source in sources)


def _same_text(text: str, wanted: str) -> bool:
    """A passage may be a piece of the row's context, or the context a piece of the passage. What is short is an id."""
    return min(len(text), len(wanted)) >= SHORTEST_TEXT and (text in wanted or wanted in text)


_SOURCE = tuple(Source.__dataclass_fields__)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
