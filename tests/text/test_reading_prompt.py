from __future__ import annotations

import random

from alen.text.passage_window import window
from alen.text.reading_prompt import encode_passage
from alen.text.spans import choices_along
from tests.byte_reader import byte_tokenizer


def test_tokens_and_characters_of_a_span_agree() -> None:
    text = "Zoë fired “the kiln” in 1931 — twice."
    passage = encode_passage(byte_tokenizer(), text)
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            tokens = passage.tokens_of(start, end)
            assert tokens is not None
            a, b = passage.characters_of(*tokens)
            assert text[a:b] == text[start:end].strip()


def test_choices_follow_every_place_where_the_run_stands() -> None:
    assert choices_along([5, 6, 5, 7, 5, 6, 8], 0, 2) == [[5, 6, 7, 8], [6, 7], [5, 8]]
    assert choices_along([5, 6], 1, 2) == [[5, 6], []]


def test_window_holds_what_was_asked_for() -> None:
    chance = random.Random(0)
    filler = [chance.choice(["stone", "water", "cloud", "paper"]) for _ in range(400)]
    for place in (0, 137, 399):
        words = list(filler)
        words[place] = "quokka"
        passage = encode_passage(byte_tokenizer(), " ".join(words))
        part = window(passage, "Where does the quokka sleep?", 256)
        assert 248 < len(part.ids) <= 256
        first, last = part.characters_of(0, len(part.ids))
        assert "quokka" in part.text[first:last]
        assert part.text[part.spans[0][0]] == " " or part.spans[0][0] == 0
    short = encode_passage(byte_tokenizer(), "A quokka.")
    assert window(short, "quokka?", 256) is short
