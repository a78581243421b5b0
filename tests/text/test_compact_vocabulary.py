"""Slots and tokens, there and back."""

from __future__ import annotations

import pytest

from alen.errors import BadInput
from alen.text.compact_vocabulary import END, OTHER, CompactVocabulary


def test_slots_are_of_what_occurs_but_for_the_ends() -> None:
    made = CompactVocabulary.of_texts([[7, 3, 900], [3, 2]], ends=[2])
    assert made.tokens == (3, 7, 900)
    assert len(made) == 5
    assert made.slots([900, 3, 2, 8]) == [4, 2, OTHER, OTHER]
    assert [made.token(slot) for slot in (2, 3, 4)] == [3, 7, 900]


@pytest.mark.parametrize("slot", [END, OTHER, 5, -1])
def test_what_is_no_single_word_has_no_token(slot: int) -> None:
    with pytest.raises(BadInput, match="slot"):
        CompactVocabulary((3, 7, 900)).token(slot)


@pytest.mark.parametrize("tokens", [(3, 3), (7, 3), (-1, 2)])
def test_order_is_kept(tokens: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match="tokens"):
        CompactVocabulary(tokens)
