"""Bounds of forgetting are told before anything is forgotten."""

from __future__ import annotations

import pytest

from alen.errors import BadInput
from alen.upkeep import ForgettingPolicy


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("grace_days", -1.0),
        ("grace_days", 1e242),  # once an OverflowError out of the calendar
        ("grace_days", float("nan")),
        ("half_life_days", float("inf")),
        ("keep", -1),
        ("least_retention", 1.0),
    ],
)
def test_bounds(field: str, value: float) -> None:
    with pytest.raises(BadInput, match=field):
        ForgettingPolicy(**{field: value})
    assert ForgettingPolicy(grace_days=100_000.0).grace_days == 100_000.0
