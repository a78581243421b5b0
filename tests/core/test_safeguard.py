"""A sum of checks is taken where it pays, and the best check alone where it does not."""

from __future__ import annotations

import numpy as np

from alen.core.safeguard import choose
from alen.types import Check

NAMES = ("a", "b")


def _chosen(weights_of: dict[str, tuple[float, float]]) -> str | None:
    """What is chosen when in each part an answer is right by these weights of the two checks."""
    rng = np.random.default_rng(0)
    rows, labels, parts = [], [], []
    for part, weights in weights_of.items():
        for _ in range(400):
            values = rng.normal(size=2)
            rows.append([Check(name, "pass", float(value)) for name, value in zip(NAMES, values, strict=True)])
            labels.append(int(rng.random() < 1 / (1 + np.exp(-(values @ weights)))))
            parts.append(part)
    return choose(rows, np.array(labels), parts, NAMES).single


def test_two_that_tell_something_everywhere_are_added_up() -> None:
    assert _chosen({"x": (1.5, 1.5), "y": (1.5, 1.5), "z": (1.5, 1.5)}) is None


def test_one_that_misleads_on_one_part_is_left_out() -> None:
    assert _chosen({"x": (1.5, 1.5), "y": (1.5, 1.5), "z": (1.5, -3.0)}) == "a"


def test_one_that_misleads_on_most_parts_is_left_out() -> None:
    assert _chosen({"x": (1.5, 3.0), "y": (1.5, -3.0), "z": (1.5, 3.0), "v": (1.5, -3.0), "w": (1.5, 0.0)}) == "a"


def test_a_little_better_by_chance_is_not_enough() -> None:
    assert _chosen({"x": (1.5, 0.1), "y": (1.5, -0.1), "z": (1.5, 0.05), "v": (1.5, -0.05)}) is None


def test_a_check_that_often_does_not_apply_cannot_stand_alone() -> None:
    rng = np.random.default_rng(0)
    values, noise = rng.normal(size=(2, 600))
    labels = (rng.random(600) < 1 / (1 + np.exp(-3 * values))).astype(int)
    rows = [
        [
            Check("a", "pass", float(value)) if place % 2 else Check("a", "not_applicable", None),
            Check("b", "pass", float(other)),
        ]
        for place, (value, other) in enumerate(zip(values, noise, strict=True))
    ]
    assert choose(rows, labels, [f"{place % 3}" for place in range(600)], NAMES).single is None
