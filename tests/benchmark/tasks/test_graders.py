"""Replies that were written by hand, and whether each is right."""

from __future__ import annotations

from fractions import Fraction

import pytest

from alen.benchmark.tasks import Item, grade
from alen.benchmark.tasks.graders import chosen_option, number_in
from alen.benchmark.tasks.item import GraderKind

ANIMALS = ("the cat", "dog", "wild dog", "blue whale")


def item(grader: GraderKind, golds: tuple[str, ...], options: tuple[str, ...] = ()) -> Item:
    return Item("1", "set", "1", "?", "?", ({"role": "user", "content": "?"},), golds, grader, options)


@pytest.mark.parametrize(
    ("reply", "place"),
    [
        ("B", 1),
        ("b.", 1),
        ("(D)", 3),
        ("D. blue whale", 3),
        ("The answer is C.", 2),
        ("Answer: A", 0),
        ("cat", 0),
        ("The Cat!", 0),
        ("it is a wild dog", 2),
        ("a dog", 1),
        ("E", None),
        ("a cat or a dog", None),
        ("A cat and a blue whale", None),
        ("hedgehog", None),
        ("", None),
    ],
)
def test_which_option_a_reply_means(reply: str, place: int | None) -> None:
    assert chosen_option(reply, ANIMALS) == place


def test_only_the_gold_option_is_right() -> None:
    asked = item("choice", ("dog",), ANIMALS)
    assert grade("B", asked)
    assert grade("Dog", asked)
    assert not grade("wild dog", asked)
    assert not grade("C", asked)
    assert not grade("I do not know", asked)


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("18", Fraction(18)),
        ("18 apples", Fraction(18)),
        ("$1,240.50", Fraction("1240.5")),
        ("3 + 4 = 7", Fraction(7)),
        ("There are 3 red and 4 blue, so 7", Fraction(7)),
        ("The answer is 7. That is 2 more than 5.", Fraction(7)),
        ("#### 42", Fraction(42)),
        ("-5", Fraction(-5)),
        ("1/2", Fraction(1, 2)),
        ("seven", Fraction(7)),
        ("1/0", None),
        ("none of them", None),
        ("", None),
    ],
)
def test_which_number_a_reply_ends_with(reply: str, value: Fraction | None) -> None:
    assert number_in(reply) == value


def test_numbers_are_compared_by_value() -> None:
    asked = item("number", ("7",))
    assert grade("7.0 litres", asked)
    assert grade("14/2", asked)
    assert not grade("70", asked)
    assert not grade("unknown", asked)


def test_an_answer_in_words_needs_half_of_the_words() -> None:
    asked = item("f1", ("Denver Broncos", "the Broncos"))
    assert grade("broncos", asked)
    assert grade("The Denver Broncos won", asked)
    assert not grade("Carolina Panthers", asked)
    assert not grade("the team of Denver that won the final game", asked)


def test_the_first_label_counts() -> None:
    asked = item("label", ("no",), ("yes", "no"))
    assert grade("No.", asked)
    assert grade("no, although some say yes", asked)
    assert not grade("yes and no", asked)
    assert not grade("nothing", asked)
    assert not grade("", asked)


def test_the_next_word_is_the_first_one() -> None:
    asked = item("word", ("Congress",))
    assert grade("congress, and", asked)
    assert not grade("the Congress", asked)
    assert not grade("...", asked)
