"""What checks have in common: words that count, the form an answer should have, and the check itself."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from alen.thought import words
from alen.types import Check

_STOP = frozenset(
    "a an the of in on at to for from by with as is are was were be been being do does did has have had having and or "
    "but if than then that this these those it its they their there he she his her we our you your i my me who whom "
    "whose which what when where why how can could will would shall should may might must about into over under not "
    "no s t name kind type many much".split()
)
NEGATION = re.compile(r"\b(not|never|no|without|neither|nor|isn't|wasn't|didn't|doesn't|aren't|weren't|cannot)\b", re.I)
_YEAR_OR_NUMBER = re.compile(r"\d")
_NUMBER_WORD = re.compile(
    r"\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundred|thousand|million|billion|first|second|"
    r"third|half|century|decade|january|february|march|april|may|june|july|august|september|october|november|december|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|spring|summer|autumn|winter|always|never|annual\w*)\b",
    re.I,
)


def content_words(text: str) -> list[str]:
    """Words that carry the question, cut to their stem-like first six letters so that endings do not matter."""
    return [word[:6] for word in words(text) if word not in _STOP]


def coverage(question: str, text: str) -> float | None:
    """Share of the question's content words that the text holds; None when the question has none."""
    wanted = set(content_words(question))
    return len(wanted & set(content_words(text))) / len(wanted) if wanted else None


def holds(wanted: Iterable[str], text: str) -> float | None:
    """Share of the wanted names or numbers that the text holds; None when nothing is wanted."""
    items = list(wanted)
    lowered = text.lower().replace(",", "")
    return sum(item.lower().replace(",", "") in lowered for item in items) / len(items) if items else None


def type_fits(answer_type: str, answer: str) -> bool | None:
    """Whether an answer has the form its question asks for; None for types without a form."""
    if answer_type == "number":
        return bool(_YEAR_OR_NUMBER.search(answer) or _NUMBER_WORD.search(answer))
    if answer_type in {"human", "location"}:
        return any(word[:1].isupper() for word in answer.split())
    return None


def check(name: str, value: float | None, passes: float = 0.0) -> Check:
    """A check that passes from ``passes`` upwards and does not apply to None."""
    if value is None or not np.isfinite(value):
        return Check(name, "not_applicable", None)
    return Check(name, "pass" if value >= passes else "fail", round(float(value), 5))
