"""A question that needs two facts, as sub-questions: who is meant first, then what is asked of them; or the same asked
of two, then compared. By the form of the sentence; what has none of these forms is not taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

SLOT = "{1}"

_ROLES = (
    "founder co-founder author inventor director producer composer painter architect builder designer maker "
    "owner leader head chief president king queen emperor ruler mayor chairman chair manager editor captain "
    "discoverer creator writer husband wife mother father son daughter brother sister successor predecessor "
    "teacher student capital birthplace headquarters supplier winner host singer publisher "
).split()
_ROLE = "|".join(_ROLES)
_THING = r"(?:the|a|an)\s+(?P<noun>[\w'’-]+(?:\s+[\w'’-]+){0,3}?)"
_LAST = (
    r"(?:born|founded|built|made|written|published|located|situated|buried|established|introduced|opened|closed|"
    r"killed|crowned|elected|invented|discovered|painted|composed|released|based|kept|fired|sold|used|called|named|"
    r"die|live|work|come from|open|close|begin|start|end|cost|weigh)"
)
_CLAUSE = re.compile(
    rf"^(?P<before>.+?)\b{_THING}\s+(?P<link>that|which|who)\s+(?P<clause>.+?)(?P<after>\s+{_LAST})?\s*\?*$",
    re.I | re.S,
)
_NESTED = re.compile(
    rf"^(?P<before>.+?\bof\s+)(?P<inner>the\s+(?P<noun>(?:[\w'’-]+\s+)?(?:{_ROLE}))\s+of\s+(?P<rest>.+?))"
    rf"(?P<after>\s+{_LAST})?\s*\?*$",
    re.I | re.S,
)
_ROLE_ASKED = re.compile(
    rf"^(?P<before>(?:when|where|how\s+\w+|in\s+(?:which|what)\s+\w+|at\s+(?:which|what)\s+\w+|what\s+\w+)\s+"
    rf"(?:was|were|is|are|did|does)\s+)(?P<inner>the\s+(?P<noun>(?:[\w'’-]+\s+)?(?:{_ROLE}))\s+of\s+(?P<rest>.+?))"
    rf"(?P<after>\s+{_LAST})\s*\?*$",
    re.I | re.S,
)
_PLACES = frozenset("capital birthplace headquarters".split())

_MORE = {
    "older": ("How old is {}?", "When was {} built?"),
    "taller": ("How tall is {}?", "How high is {}?"),
    "higher": ("How high is {}?", "How tall is {}?"),
    "longer": ("How long is {}?",),
    "larger": ("How large is {}?",),
    "bigger": ("How big is {}?", "How large is {}?"),
    "heavier": ("How heavy is {}?", "How much does {} weigh?"),
    "deeper": ("How deep is {}?",),
    "faster": ("How fast is {}?",),
    "hotter": ("How hot is {}?", "How hot does {} get?"),
    "more expensive": ("How much does {} cost?", "What is the price of {}?"),
}
_LESS = {
    "younger": _MORE["older"],
    "smaller": _MORE["larger"],
    "shorter": (*_MORE["longer"], *_MORE["taller"]),
    "lighter": _MORE["heavier"],
    "slower": _MORE["faster"],
    "colder": _MORE["hotter"],
    "cooler": _MORE["hotter"],
    "cheaper": _MORE["more expensive"],
}
_COMPARED = re.compile(
    rf"^(?:which|who|what)(?:\s+(?:one|of these|of the two))?\s+(?:is|was|are|were)\s+(?:the\s+)?"
    rf"(?P<degree>{'|'.join(map(re.escape, [*_MORE, *_LESS]))})\s*[,:]?\s+(?P<one>.+?),?\s+or\s+(?P<other>.+?)\s*\?*$",
    re.I | re.S,
)
LONGEST = 300
"""Characters of a question that is looked at: longer ones are not of these forms."""


@dataclass(frozen=True)
class Chain:
    """``first`` says who or what is meant; its answer goes into the slot of ``then``."""

    first: str
    then: str


@dataclass(frozen=True)
class Comparison:
    """The same ``questions`` (worded in several ways) asked of ``one`` and ``other``; the answer is the one whose
    number is the ``sign`` (more or less)."""

    one: str
    other: str
    questions: tuple[str, ...]
    sign: Literal["more", "less"]


def decompose(question: str) -> Chain | Comparison | None:
    """None when the question has none of the forms."""
    text = " ".join(question.split())
    if len(text) > LONGEST:
        return None
    compared = _COMPARED.match(text)
    if compared:
        degree = compared["degree"].lower()
        sign: Literal["more", "less"] = "more" if degree in _MORE else "less"
        return Comparison(compared["one"], compared["other"], (_MORE | _LESS)[degree], sign)
    clause = _CLAUSE.match(text)
    if clause and len(clause["clause"].split()) > 1:
        asked = "Who" if clause["link"].lower() == "who" else f"Which {clause['noun']}"
        return Chain(f"{asked} {clause['clause']}?", f"{clause['before']}{SLOT}{clause['after'] or ''}?")
    nested = _NESTED.match(text) or _ROLE_ASKED.match(text)
    if nested:
        asked = "What" if nested["noun"].lower().split()[-1] in _PLACES else "Who"
        return Chain(f"{asked} is {nested['inner']}?", f"{nested['before']}{SLOT}{nested['after'] or ''}?")
    return None


def filled(then: str, answer: str) -> str:
    """The second question of a chain, with the answer to the first in its place."""
    return then.replace(SLOT, answer)
