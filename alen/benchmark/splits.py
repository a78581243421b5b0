"""Who may be fitted on what: four parts of the questions, by a hash of their group, so that none is ever parted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from alen.core.fitting import unit
from alen.text.grading import normalise_answer

SplitName = Literal["fit", "calibration", "risk", "test"]
SHARES: dict[SplitName, float] = {"fit": 0.4, "calibration": 0.2, "risk": 0.2, "test": 0.2}
SALT = "alen-1"
"""A resplit is another salt."""
TURNS = 5
"""Turns in which every group is in the test part once."""


def merged_groups(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """The group of each line, once groups that share a question (by letters and numbers alone) have become one."""
    first: dict[str, str] = {}
    parent: dict[str, str] = {}

    def root(group: str) -> str:
        while parent.setdefault(group, group) != group:
            group = parent[group]
        return group

    for line in lines:
        # Word problems in which only numbers differ are put into one group by their own set.
        text = re.sub(r"\s+", " ", normalise_answer(f"{line.get('context', '')} {line['question']}"))
        other = root(first.setdefault(f"{line['set']} {text} {sorted(line.get('options', ()))}", line["group"]))
        own = root(line["group"])
        if own != other:
            parent[max(own, other)] = min(own, other)
    return [root(line["group"]) for line in lines]


def split_of(group: str, pool: str = "", salt: str = SALT, turn: int = 0) -> SplitName:
    """The part of a group. ``pool`` "test" is always the test part, and "fit" never: the other three share it in their
    proportions. Each ``turn`` moves every group on by the test part's share."""
    if pool == "test":
        return "test"
    names: list[SplitName] = [name for name in SHARES if not (pool == "fit" and name == "test")]
    edges = np.cumsum([SHARES[name] for name in names])
    spot = (unit(f"{salt} {group}") + turn / TURNS) % 1.0 * edges[-1]
    return names[min(int(np.searchsorted(edges, spot, side="right")), len(names) - 1)]


def splits(lines: Sequence[Mapping[str, Any]], salt: str = SALT, turn: int = 0) -> list[SplitName]:
    """The part of each line. A group with a line of a pool goes where the pool does."""
    groups = merged_groups(lines)
    pools: dict[str, str] = {}
    for group, line in zip(groups, lines, strict=True):
        pool = line.get("pool", "")
        pools[group] = max(pools.get(group, ""), pool)  # "test" comes after "fit", and that after neither
    return [split_of(group, pools[group], salt, turn) for group in groups]
