"""Stop strings are found however the text is cut into pieces, and never shown in part."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alen.generation.stopping import StopScanner


def shown(stop, pieces):
    scanner = StopScanner(stop)
    out = [scanner.feed(piece) for piece in pieces]
    stopped = scanner.stopped
    return "".join(out) + scanner.finish(), stopped, out


def test_without_stop_strings_text_passes_through():
    assert shown([], ["a", "b"]) == ("ab", False, ["a", "b"])


@pytest.mark.parametrize("cuts", list(itertools.combinations(range(1, 9), 3)))
def test_a_stop_string_may_span_pieces(cuts):
    text = "ab<end>cd"
    pieces = [text[i:j] for i, j in itertools.pairwise([0, *cuts, len(text)])]
    assert shown(["<end>"], pieces)[:2] == ("ab", True)


def test_text_that_could_be_a_stop_string_is_held_back():
    scanner = StopScanner(["<end>", "\n\n"])
    assert scanner.feed("one <") == "one "
    assert scanner.feed("en") == ""
    assert scanner.feed("ter>\n") == "<enter>"
    assert scanner.finish() == "\n"
    assert not scanner.stopped


def test_nothing_follows_a_stop():
    scanner = StopScanner(["."])
    assert scanner.feed("a. b") == "a"
    assert scanner.feed("more") == ""
    assert scanner.finish() == ""


@given(st.lists(st.text("ab<>", max_size=4), max_size=12), st.sampled_from(["<ab>", "aa", "<", "abab"]))
def test_the_same_as_cutting_the_whole_text(pieces, stop):
    text, stopped, _ = shown([stop], pieces)
    whole = "".join(pieces)
    assert stopped == (stop in whole)
    assert text == whole.split(stop, 1)[0]
