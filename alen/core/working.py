"""The working in a written reply: its steps, and the equations in them, each worked out exactly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from alen.core.arithmetic import NotArithmetic, evaluate

MOST_CHARACTERS = 8000
"""Of a text that are read: nobody's working is longer."""
MOST_EQUATIONS = 50
_MOST_TOKENS = 40
_MOST = 10**15
_WORDS_BETWEEN = 5
"""Words that may stand between a number and the next sign: "3 red goats * $500"."""

_ANNOTATION = re.compile(r"<<([^<>\n]{1,200})>>")
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d{1,15})(?:\.\d{1,17})?(?!\d)|\.\d{1,17}(?!\d)"
_TOKEN = re.compile(rf"{_NUMBER}|\d+|[a-z]+|[-+*/×÷−=()%]", re.A | re.I)
_SIGNS = {"×": "*", "x": "*", "times": "*", "÷": "/", "−": "-"}
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_MARK = re.compile(r"^[ \t]*(?:A:|####|(?:(?:so|the|final) ){0,3}answer(?: is\b|[ \t]*:))[ \t]*", re.A | re.I | re.M)
_SAID = re.compile(rf"(-?)[$€£]?(-?)({_NUMBER})", re.A)


@dataclass(frozen=True, slots=True)
class Equation:
    """``left`` of "=" comes to ``value``; the text says ``said``, with so many decimal ``places``. ``operands`` are the
    numbers on the left, ``signs`` the operations between them, ``step`` the place of the step it stands in."""

    operands: tuple[float, ...]
    signs: str
    value: Fraction
    said: Fraction
    places: int
    step: int

    @property
    def holds(self) -> bool:
        """Exactly, or rounded or cut to the decimals that are written."""
        return self.value == self.said or (self.places > 0 and abs(self.value - self.said) * 10**self.places < 1)

    @property
    def result(self) -> float:
        return float(self.said)


@dataclass(frozen=True, slots=True)
class Working:
    """``steps`` are lines, or sentences where there is one line, without annotations and the answer's own line;
    ``answer`` is the number that the text ends with."""

    steps: tuple[str, ...]
    equations: tuple[Equation, ...]
    answer: Fraction | None

    @classmethod
    def of(cls, text: str) -> Working:
        """What stands in annotations ("<<3*4=12>>") is read in place of the line around it. Never raises."""
        text = text[:MOST_CHARACTERS]
        marks = list(_MARK.finditer(text))
        body = text[: marks[-1].start()] if marks else text
        lines = [line.strip() for line in body.splitlines() if line.strip()]
        if len(lines) == 1:
            lines = [line.strip() for line in _SENTENCE_END.split(lines[0]) if line.strip()]
        equations: list[Equation] = []
        for step, line in enumerate(lines):
            for part in _ANNOTATION.findall(line) or [line]:
                if len(equations) < MOST_EQUATIONS:
                    equations += _equations(part, step)
        steps = tuple(_ANNOTATION.sub("", line) for line in lines)
        said = _SAID.findall(text[marks[-1].end() :])[:1] if marks else _SAID.findall(steps[-1])[-1:] if steps else []
        answer = Fraction("".join(said[0]).replace(",", "").replace("--", "")) if said else None
        return cls(steps, tuple(equations[:MOST_EQUATIONS]), answer)


def same(one: float, two: float) -> bool:
    """Equal, but for a rounding to three digits or so."""
    return abs(one - two) <= 1e-3 * abs(two)


def _equations(text: str, step: int) -> list[Equation]:
    """Read once from left to right. Before "=" stands a row of numbers and signs; a few words after a number are passed
    over, and anything else begins a new row."""
    found: list[Equation] = []
    row: list[str] = []
    left: list[str] | None = None
    words = 0
    for token in _TOKEN.findall(text):
        token = _SIGNS.get(token.lower(), token.lower())
        ends = bool(row) and (row[-1][-1].isdecimal() or row[-1][-1] == ")")
        if token[-1].isdecimal():
            digits = token.replace(",", "")
            if len(row) >= _MOST_TOKENS or len(digits.partition(".")[0]) > 15:
                row, left = [], None
                continue
            row, words = [digits] if ends else [*row, digits], 0
            if left is not None:
                found += _worked(left, row, step)
                row, left = row[-1:], None
        elif token == "%":
            if ends and row[-1][-1] != ")":
                row[-1] = f"({row[-1]}/100)"
        elif token == "=":
            left = row if ends and any(sign in row for sign in "+-*/") else None
            row, words = [], 0
        elif token in "+-*/" or (token == "of" and ends and not words):
            sign = "*" if token == "of" else token
            row, words = [*row, sign] if ends or sign == "-" else [], 0
        elif token in "()":
            row = [*row, token] if token == ")" or not ends else [token]
        elif row and row[-1] == "/":
            row = row[:-1]  # "$500/goat"
        elif ends and words < _WORDS_BETWEEN:
            words += 1
        else:
            row, left = [], None
        if len(row) > _MOST_TOKENS:
            row = []
    return found


def _worked(left: list[str], right: list[str], step: int) -> list[Equation]:
    try:
        value, said = evaluate("".join(left)), evaluate("".join(right))
        operands = tuple(float(evaluate(token)) for token in left if any(map(str.isdecimal, token)))
    except NotArithmetic:
        return []
    if abs(value) > _MOST:
        return []
    signs = "".join(token for token in left if token in {"+", "-", "*", "/"})
    return [Equation(operands, signs, value, said, len(right[-1].partition(".")[2]), step)]
