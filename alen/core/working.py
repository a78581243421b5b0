"""The working in a written reply: its steps, the equations in them, and the answer that it ends with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from alen.core.equations import MOST_CHARACTERS, Equation, equations
from alen.core.notation import ANNOTATION, SENTENCE_END, plain

MOST_EQUATIONS = 50
_MARK = re.compile(r"^[ \t]*(?:A:|####|(?:(?:so|the|final) ){0,3}answer(?: is\b|[ \t]*:))[ \t]*", re.A | re.I | re.M)
_NUMBER = re.compile(r"-?(?<![\d.])(?:\d{1,15}(?:\.\d{1,17})?|\.\d{1,17})(?!\d)", re.A)


@dataclass(frozen=True, slots=True)
class Working:
    """``steps`` are lines, or sentences where there is one line, without annotations and the answer's own line; the
    ``line`` of an equation is its step. ``answer`` is the number that the text ends with."""

    steps: tuple[str, ...]
    equations: tuple[Equation, ...]
    answer: Fraction | None

    @classmethod
    def of(cls, text: str) -> Working:
        """The first equations, without those that cannot be read. Never raises."""
        text = text[:MOST_CHARACTERS]
        marks = list(_MARK.finditer(text))
        body = text[: marks[-1].start()] if marks else text
        lines = [line.strip() for line in body.splitlines() if line.strip()]
        if len(lines) == 1:
            lines = [line.strip() for line in SENTENCE_END.split(lines[0]) if line.strip()]
        steps = tuple(ANNOTATION.sub("", line) for line in lines)
        numbers = _NUMBER.findall(plain(text[marks[-1].end() :] if marks else steps[-1] if steps else ""))
        answer = Fraction(numbers[0 if marks else -1]) if numbers else None
        found = [equation for equation in equations("\n".join(lines)) if equation is not None]
        return cls(steps, tuple(found[:MOST_EQUATIONS]), answer)
