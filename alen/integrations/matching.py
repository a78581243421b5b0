"""Whether a value fulfils a condition, and whether a path has a beginning or an end, as stores of LangGraph have it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from alen.errors import BadInput

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "$eq": operator.eq,
    "$ne": operator.ne,
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def agrees(value: Any, wanted: Any) -> bool:
    """``wanted`` is the value itself, operators with what they compare to, or an object whose every part agrees.
    Raises BadInput for an operator that there is not."""
    if isinstance(wanted, dict) and any(name.startswith("$") for name in wanted):
        return all(_holds(value, name, bound) for name, bound in wanted.items())
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(agrees(value.get(name), each) for name, each in wanted.items())
    if isinstance(wanted, list | tuple):
        return isinstance(value, list) and len(value) == len(wanted) and all(map(agrees, value, wanted))
    return bool(value == wanted)


def matches(side: str, path: Sequence[str], labels: Sequence[str], *, wild: bool = True) -> bool:
    """Whether ``labels`` have ``path`` at the side ``prefix`` or ``suffix``; "*" in it is any one label."""
    if len(labels) < len(path):
        return False
    end = labels[: len(path)] if side == "prefix" else labels[len(labels) - len(path) :]
    return all(part == label or (wild and part == "*") for part, label in zip(path, end, strict=True))


def _holds(value: Any, name: str, bound: Any) -> bool:
    if name not in OPERATORS:
        raise BadInput("filter", repr(name), ", ".join(OPERATORS), "Use one of these operators.")
    try:
        return bool(OPERATORS[name](value, bound))
    except TypeError:  # a text is neither more nor less than a number
        return False
