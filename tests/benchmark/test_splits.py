"""No group is ever on two sides, the parts have their sizes, and a pool keeps to its side."""

from __future__ import annotations

from collections import Counter

import pytest

from alen.benchmark.splits import SHARES, TURNS, merged_groups, split_of, splits


def lines(count: int, group_of: int = 3) -> list[dict[str, str]]:
    return [{"set": "s", "group": f"s/{n // group_of}", "question": f"Question {n}?", "pool": ""} for n in range(count)]


def test_a_group_is_never_parted() -> None:
    made = lines(900)
    for salt in ("one", "two"):
        seen: dict[str, set[str]] = {}
        for line, part in zip(made, splits(made, salt), strict=True):
            seen.setdefault(line["group"], set()).add(part)
        assert all(len(parts) == 1 for parts in seen.values())


def test_the_same_question_in_two_groups_makes_them_one() -> None:
    made = lines(30)
    made[4]["question"] = "the question, 17!"  # of group 1; as question 17, of group 5
    groups = merged_groups(made)
    assert groups[4] == groups[17] == groups[5] == groups[15]
    assert groups[4] != groups[0]
    assert len(set(groups)) == 9
    for salt in map(str, range(20)):
        parts = splits(made, salt)
        assert parts[3] == parts[4] == parts[16] == parts[17]


def test_parts_have_their_shares() -> None:
    found = Counter(split_of(f"group {n}") for n in range(20_000))
    for name, share in SHARES.items():
        assert found[name] / 20_000 == pytest.approx(share, abs=0.015)


def test_a_pool_keeps_to_its_side() -> None:
    groups = [f"group {n}" for n in range(8000)]
    assert {split_of(group, "test") for group in groups} == {"test"}
    fit = Counter(split_of(group, "fit") for group in groups)
    assert set(fit) == {"fit", "calibration", "risk"}
    assert fit["fit"] / 8000 == pytest.approx(0.5, abs=0.02)


def test_a_resplit_is_another_one() -> None:
    made = lines(900)
    assert splits(made) == splits(made)
    assert sum(a != b for a, b in zip(splits(made), splits(made, "again"), strict=True)) > 300


def test_in_turns_every_group_is_tested_once() -> None:
    found = [[split_of(f"group {n}", turn=turn) for turn in range(TURNS)] for n in range(2000)]
    assert all(parts.count("test") == 1 and parts.count("fit") == 2 for parts in found)
    held = [[split_of(f"group {n}", "fit", turn=turn) for turn in range(TURNS)] for n in range(2000)]
    assert not any("test" in parts for parts in held)
