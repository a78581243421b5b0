"""Equations that stand in a text, worked out: whoever wrote "32 + 40 = 62" knew what to compute and miscomputed it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from alen.core.arithmetic import NotArithmetic, evaluate, written

LONGEST = 300
"""Characters of a side of an equation; a longer one is not read."""

MOST = 30
"""Equations of a text, the last ones. What comes before them is not looked at."""

_SIGNS = "0123456789.+-*/^()% "
_PLAIN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"[^\S\n]+", " "),
        (r"[$£€¥]", ""),
        (r"(?<=\d),(?=\d{3}(?!\d))", ""),
        (r"\.(?!\d)", "\n"),
        (r"\n[ \n]*", "\n"),
        (r"[−–]", "-"),
        (r"(?<=[\d)]) ?\*\* ?(?=[\d(])", "^"),
        (r"\*\*", ""),
        (r"(?<=[\d)%]) ?(?:[xX×·]|\\times|\\cdot) ?(?=[\d(.-])", " * "),
        (r"(?<=[\d)%]) ?(?:÷|\\div) ?(?=[\d(.-])", " / "),
        (r"% of (?=[\d(.])", "% * "),
        # Up to three words of a unit: "9 days * 14 pages a day".
        (r"(?<=[\d)%]) [^\W\d_]{2,20}(?: [^\W\d_]{1,20}){0,2}(?= ?[-+*/=])", ""),
        (r" ?\n?(?:≈|=+)[ \n]?", "="),
    )
)
_OPERATION = re.compile(r"[*/^+]|[\d)%] ?-")
_BEGINS_EARLIER = re.compile(r"[\w,](?:[^ ]| - )")
_LIST_SIGN = re.compile(r"^ ?[-*+] ")
_RESULT = re.compile(r" ?(-?(?:\d+(?:\.(\d+))?|\.(\d+)))( ?%)?")
_NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_OPERAND = re.compile(r"(?<![\d.])(?:\d+(?:\.\d+)?|\.\d+)(?![\d.]| ?%)")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?|\.\d+) ?%")
_PLUS_PERCENT = re.compile(r"[\d)] ?[+-] ?[\d.]+ ?%(?! ?[*/])")
_HUNDRED = re.compile(r"(?<![\d.])100(?!\d|\.\d| ?%)")


@dataclass(frozen=True, slots=True)
class Equation:
    """The last equation of a text. ``result`` is its value as people write it, ``shown`` the equations that it rests on
    and itself, worked out; ``holds`` whether the text says the same; ``operands`` are the numbers in them that none of
    them came to."""

    result: str
    shown: str
    holds: bool
    operands: tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """``value`` is what ``left`` comes to, ``said`` what the text says."""

    left: str
    operands: tuple[Fraction, ...]
    value: Fraction
    said: Fraction = Fraction(0)
    result: str = ""
    holds: bool = False

    @property
    def comes_to(self) -> set[Fraction]:
        """What stands for its result in later equations: the value, and the one that was rounded."""
        return {self.value, self.said} if self.holds else {self.value}


def executed(reply: str) -> tuple[str, bool] | None:
    """What the last equation of a reply comes to when its left side is worked out, and whether the reply says so; None
    without an equation."""
    found = worked_out(reply)
    return None if found is None else (found.result, found.holds)


def worked_out(text: str) -> Equation | None:
    """The last equation of a text; None without one, or when it cannot be worked out. A number in it that is a wrong
    result of an equation before it counts as the right one; a result with decimals may be rounded."""
    for pattern, replacement in _PLAIN:
        text = pattern.sub(replacement, text)
    try:
        steps = _rested_on(_steps(text.split("=")[-MOST - 1 :]))
    except NotArithmetic:
        return None
    operands: list[Fraction] = []
    known: set[Fraction] = set()
    for step in steps:
        operands += [number for number in step.operands if number not in known]
        known |= step.comes_to
    shown = ", ".join(f"{step.left} = {step.result}" for step in steps)
    return Equation(steps[-1].result, shown, steps[-1].holds, tuple(operands))


def _steps(parts: list[str]) -> list[_Step]:
    """The equations of a text that was parted at each "=". Raises NotArithmetic when the last one cannot be read."""
    steps: list[_Step] = []
    right_of: dict[Fraction, Fraction] = {}
    problem: NotArithmetic | None = NotArithmetic("no equation")
    begun: _Step | None = None
    for left, right in itertools.pairwise(parts):
        try:
            step = begun or _calculation(left, right_of)
            if step is None:
                continue
            begun = step if _goes_on(step, right, right_of) else None
            if begun is None:
                steps.append(_ended(step, right, right_of))
            problem = None if begun is None else NotArithmetic("a result is missing")
        except NotArithmetic as found:
            begun, problem = None, found
    if problem is not None:
        raise problem
    return steps


def _calculation(part: str, right_of: dict[Fraction, Fraction]) -> _Step | None:
    """What a part ends with, or None when that is no calculation. Raises NotArithmetic when it cannot be read."""
    part = part[-LONGEST - 1 :]
    words = part.rstrip(_SIGNS)
    run = part[len(words) :]
    if not _OPERATION.search(run):
        return None
    if len(run) > LONGEST or (words and _BEGINS_EARLIER.match(words[-1] + run)):
        raise NotArithmetic("the calculation begins earlier")
    if words[-1:] in {"", "\n"}:
        run = _LIST_SIGN.sub("", run)
    run = _balanced(run)
    return _worked(run, right_of) if _OPERATION.search(run) else None


def _balanced(run: str) -> str:
    """What stands right of the last bracket that has no partner: "1) 3 + 4", "(3 + 4"."""
    closing: list[int] = []
    for place in reversed(range(len(run))):
        if run[place] == ")":
            closing.append(place)
        elif run[place] == "(" and closing:
            closing.pop()
        elif run[place] == "(":
            return run[place + 1 :]
    return run[closing[0] + 1 :] if closing else run


def _worked(left: str, right_of: dict[Fraction, Fraction]) -> _Step:
    """Raises NotArithmetic."""
    if _PLUS_PERCENT.search(left):
        raise NotArithmetic("of what the percentage is taken is not said")
    left = " ".join(left.split())

    def righted(form: Callable[[Fraction], str]) -> str:
        return _OPERAND.sub(
            lambda match: form(right_of[number]) if (number := Fraction(match[0])) in right_of else match[0], left
        )

    value = evaluate(_PERCENT.sub(r"(\1 / 100)", righted("({})".format)))
    operands = tuple(right_of.get(number, number) for number in map(Fraction, _NUMBER.findall(left)))
    return _Step(righted(written), operands, value)


def _goes_on(step: _Step, right: str, right_of: dict[Fraction, Fraction]) -> bool:
    """Whether what follows is the same calculation put otherwise ("2 * (3 + 4) = 2 * 7 = 14", also with a slip), and
    not its result, with which a new one begins ("3 + 4 = 7 * 2 = 14")."""
    run = right[: len(right) - len(right.lstrip(_SIGNS))].strip()
    if len(run) > LONGEST or not _OPERATION.search(run):
        return False
    try:
        again = _worked(run, right_of)
    except NotArithmetic:
        return False
    return again.value == step.value or (again.operands[0] != step.value and again.operands[0] in step.operands)


def _ended(step: _Step, right: str, right_of: dict[Fraction, Fraction]) -> _Step:
    """The equation with its result; a wrong one is noted in ``right_of``. Raises NotArithmetic without a result."""
    told = _RESULT.match(right)
    if told is None or len(told[0]) > LONGEST:
        raise NotArithmetic("a result is missing")
    said, decimals = Fraction(told[1]), len(told[2] or told[3] or "")
    # "20 / 80 = 25%", but also "20 / 80 * 100 = 25%"
    value = step.value * 100 if told[4] and not _HUNDRED.search(step.left) else step.value
    holds = value == said or (decimals > 0 and abs(value - said) * 2 * 10**decimals <= 1)
    if not told[4]:
        right_of.pop(said, None)
        if not holds:
            right_of[said] = value
    return replace(step, said=said, result=written(value) + ("%" if told[4] else ""), holds=holds)


def _rested_on(steps: list[_Step]) -> list[_Step]:
    """The last equation after those whose results it uses."""
    kept, used = [steps[-1]], set(steps[-1].operands)
    for step in reversed(steps[:-1]):
        if step.comes_to & used:
            kept.append(step)
            used |= set(step.operands)
    return kept[::-1]
