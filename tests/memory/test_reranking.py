"""Words in one sentence, by hand."""

from __future__ import annotations

import math

import pytest

from alen.memory.reranking import rerank, shares


def test_shares_by_hand() -> None:
    candidates = [["The copper kiln is hot.", "It stands in the yard."], ["A kiln."], ["Copper. A yard.", "No kilns."]]
    kiln, copper, yard = (math.log1p((3 - n + 0.5) / (n + 0.5)) for n in (2, 2, 2))
    rim = math.log1p(3.5 / 0.5)
    found = shares("Where is the rim of the copper kiln in the yard?", candidates)
    total = kiln + copper + yard + rim
    assert found == pytest.approx([(copper + kiln) / total, kiln / total, (copper + yard) / total])


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    candidates = [["The kiln of the guild."], ["The kiln."], ["The kiln of clay."], ["The guild."], ["A kiln."]]
    common, rare = shares("kiln clay", [["kiln"], ["clay"], ["kiln"], ["kiln"]])[:2]
    assert rare > common
    assert max(shares("kiln clay", candidates)) == shares("kiln clay", candidates)[2] == pytest.approx(1.0)


def test_endings_do_not_matter() -> None:
    found = shares("Which governors colonised?", [["The governor of the colony.", "Their government colonises."]])
    assert found == pytest.approx([1.0])


def test_nothing_to_weigh_is_no_share() -> None:
    assert shares("kiln", []) == []
    assert shares("kiln", [[], [""]]) == [0.0, 0.0]
    assert shares("?!", [["kiln"]]) == [0.0]


def test_what_was_not_read_stays_behind() -> None:
    assert rerank([(7, 1.0), (3, 0.9), (5, 0.8)], {7: 0.0, 3: 1.0}, 0.25) == [
        (3, pytest.approx(0.925)),
        (7, pytest.approx(0.75)),
        (5, pytest.approx(0.6)),
    ]
