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
