"""Prompts that sides read: as long as they should be, none beginning as another."""

from __future__ import annotations

from alen.benchmark.decoding import prompts


def encode(text: str) -> list[int]:
    return list(text.encode())


def test_pieces_follow_one_another() -> None:
    pieces = prompts.Pieces(range(10))
    assert [pieces.next(3), pieces.next(4), pieces.next(3)] == [[0, 1, 2], [3, 4, 5, 6], [7, 8, 9]]


def test_invented_prompts_are_as_long_as_wanted_and_all_different() -> None:
    for size in (20, 30_000):
        found = prompts.invented(encode, 5, size)
        assert {len(prompt) for prompt in found} == {size}
        assert len({bytes(prompt[:8]) for prompt in found}) == 5
    assert prompts.invented(encode, 5, 20) == prompts.invented(encode, 5, 20)


def test_a_text_after_numbers() -> None:
    found = prompts.numbered(encode, "The kiln.", 3)
    assert [bytes(prompt) for prompt in found] == [b"00000. The kiln.", b"00001. The kiln.", b"00002. The kiln."]
