"""Exact arithmetic from plain questions: a recursive-descent parser over fractions, never ``eval``."""

from __future__ import annotations

import ast
import math
import operator
import re
from decimal import Decimal
from fractions import Fraction

from alen.core.spelt import in_digits

MAX_DIGITS = 400
"""Longer results are refused, so that a question cannot make the machine work for hours."""

_OPENING = re.compile(
    r"^\s*(?:please\s+)?(?:(?:can|could) you\s+)?(?:(?:tell me|work out|calculate|compute|evaluate|solve|add up)\s+)?"
    r"(?:what(?:'s| is| are| does| do)|how much (?:is|are))?\s*(?:the (?:value|result) of\s+)?",
    re.I,
)
_CLOSING = re.compile(r"\s*(?:(?:equal|make|come)s?(?: to)?|=)?\s*[?.!]*\s*$", re.I)
_PHRASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.I), replacement)
    for pattern, replacement in (
        (r"(?<=\d),(?=\d{3}\b)", ""),
        (r"\bthe (?=sum|product|difference|square|cube)", ""),
        (r"\bsquare root of\s+", " sqrt "),
        (r"√", " sqrt "),
        (r"\bsum of\s+(-?[\d.]+) and (-?[\d.]+)", r"(\1 + \2)"),
        (r"\bproduct of\s+(-?[\d.]+) and (-?[\d.]+)", r"(\1 * \2)"),
        (r"\bdifference between\s+(-?[\d.]+) and (-?[\d.]+)", r"(\1 - \2)"),
        (r"([\d.]+)\s*(?:%|percent|per cent)\s+of\s+", r"(\1 / 100) * "),
        (r"\bhalf of\s+", "(1 / 2) * "),
        (r"\b(?:multiplied by|times)\b|[×·]", "*"),
        (r"(?<=\d)\s*x\s*(?=\d)", "*"),
        (r"\b(?:divided by|over)\b|÷", "/"),
        (r"\bplus\b", "+"),
        (r"\bminus\b|[−–]", "-"),
        (r"\b(?:to the power of|raised to)\b|\*\*", "^"),
        (r"\bsquared\b", "^ 2"),
        (r"\bcubed\b", "^ 3"),
    )
)
_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?|\.\d+)|(sqrt)|(.))", re.S)


class NotArithmetic(ValueError):
    """The text is not an arithmetic question (or its value is undefined or too large)."""


def expression_of(question: str) -> str:
    """The arithmetic expression a question asks for, e.g. "17 + 25". Raises NotArithmetic."""
    text = in_digits(_CLOSING.sub("", _OPENING.sub("", question, count=1)))
    for pattern, replacement in _PHRASES:
        text = pattern.sub(replacement, text)
    text = " ".join(text.split())
    if not re.fullmatch(r"[\d.+\-*/^() ]*(?:sqrt[\d.+\-*/^() ]*)*", text) or not re.search(r"\d", text):
        raise NotArithmetic("words that are not arithmetic")
    if not re.search(r"[+*/^]|sqrt|(?<=[\d)])\s*-", text):
        raise NotArithmetic("no operation to carry out")
    return text


def evaluate(expression: str) -> Fraction:
    """Exact value of an expression over + - * / ^ ( ) and sqrt. Raises NotArithmetic when undefined."""
    tokens = [next(part for part in match.groups() if part is not None) for match in _TOKEN.finditer(expression)]
    try:
        value, rest = _sum(tokens)
    except RecursionError:
        raise NotArithmetic("too many brackets or signs inside each other") from None
    if rest:
        raise NotArithmetic(f"unexpected {rest[0]!r}")
    return value


def _sum(tokens: list[str]) -> tuple[Fraction, list[str]]:
    value, tokens = _product(tokens)
    while tokens and tokens[0] in "+-":
        sign, (right, rest) = tokens[0], _product(tokens[1:])
        value, tokens = _bounded(value + right if sign == "+" else value - right), rest
    return value, tokens


def _product(tokens: list[str]) -> tuple[Fraction, list[str]]:
    value, tokens = _signed(tokens)
    while tokens and tokens[0] in "*/":
        sign, (right, rest) = tokens[0], _signed(tokens[1:])
        if sign == "/" and right == 0:
            raise NotArithmetic("division by zero is undefined")
        value, tokens = _bounded(value * right if sign == "*" else value / right), rest
    return value, tokens


def _signed(tokens: list[str]) -> tuple[Fraction, list[str]]:
    if tokens and tokens[0] == "-":
        value, tokens = _signed(tokens[1:])
        return -value, tokens
    return _power(tokens)


def _power(tokens: list[str]) -> tuple[Fraction, list[str]]:
    base, tokens = _atom(tokens)
    if tokens and tokens[0] == "^":
        exponent, tokens = _signed(tokens[1:])
        return _raise(base, exponent), tokens
    return base, tokens


def _atom(tokens: list[str]) -> tuple[Fraction, list[str]]:
    if not tokens:
        raise NotArithmetic("the expression ends too early")
    head, rest = tokens[0], tokens[1:]
    if head == "(":
        value, rest = _sum(rest)
        if not rest or rest[0] != ")":
            raise NotArithmetic("a bracket is not closed")
        return value, rest[1:]
    if head == "sqrt":
        value, rest = _atom(rest)
        return _exact_root(value), rest
    try:
        return Fraction(head), rest
    except ValueError:
        raise NotArithmetic(f"unexpected {head!r}") from None


def _raise(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise NotArithmetic("a power that is not a whole number")
    power = int(exponent)
    if base == 0 and power < 0:
        raise NotArithmetic("division by zero is undefined")
    size = max(len(str(abs(base.numerator))), len(str(base.denominator)))
    if abs(power) * size > MAX_DIGITS:
        raise NotArithmetic("the result is too large")
    return _bounded(base**power)


def _exact_root(value: Fraction) -> Fraction:
    if value < 0:
        raise NotArithmetic("the square root of a negative number is not real")
    top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
    if top * top == value.numerator and bottom * bottom == value.denominator:
        return Fraction(top, bottom)
    return Fraction(math.isqrt(value.numerator * value.denominator * 10**40), value.denominator * 10**20)


def _bounded(value: Fraction) -> Fraction:
    if value.numerator.bit_length() > MAX_DIGITS * 4 or value.denominator.bit_length() > MAX_DIGITS * 4:
        raise NotArithmetic("the result is too large")
    return value


_OPERATIONS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def recomputed(expression: str) -> float | None:
    """The value by an independent route: Python's own grammar, walked in floating point. None when out of range."""
    source = re.sub(r"sqrt\s*([\d.]+)", r"(\1 ^ 0.5)", expression)
    source = re.sub(r"sqrt\s*\(([^()]*)\)", r"((\1) ^ 0.5)", source).replace("^", "**")
    try:
        value = _walk(ast.parse(source, mode="eval").body)
    except (SyntaxError, ValueError, OverflowError, ZeroDivisionError, TypeError, RecursionError, MemoryError):
        return None
    return value if math.isfinite(value) else None


def _walk(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_walk(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        return float(_OPERATIONS[type(node.op)](_walk(node.left), _walk(node.right)))
    raise ValueError(ast.dump(node))


def written(value: Fraction, digits: int = 12) -> str:
    """A number as people write it: whole, terminating decimal, or rounded to ``digits`` significant digits."""
    if value.denominator == 1:
        return str(value.numerator)
    rest = value.denominator
    for factor in (2, 5):
        while rest % factor == 0:
            rest //= factor
    if rest == 1 and len(str(value.denominator)) <= 12:
        places = next(n for n in range(1, 64) if value.denominator and (value * 10**n).denominator == 1)
        scaled = str(abs(int(value * 10**places))).rjust(places + 1, "0")
        return ("-" if value < 0 else "") + scaled[:-places] + "." + scaled[-places:]
    try:
        return f"{float(value):.{digits}g}"
    except OverflowError:
        return f"{Decimal(value.numerator) / value.denominator:.{digits}g}"
