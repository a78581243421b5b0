"""Answers as people see them: the right sentence, the right numbers, and nothing that could harm a terminal."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from alen.cli.answer_lines import QUOTE_CHARACTERS, answer_lines, confidence_line, percent, quote
from alen.cli.printable import printable
from alen.cli.rendering import answer_plain, answer_text
from alen.types import Answer, Candidate, Evidence
from tests.cli.scripted_engine import KILN, known, unknown


def on_screen(answer: Answer, width: int = 80) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, force_terminal=True, highlight=False, legacy_windows=False).print(
        answer_text(answer)
    )
    return stream.getvalue()


def test_control_characters_become_visible_one_for_one() -> None:
    nasty = "a\x1b[31mb\x00c\x7fd\x9be\u202ef\u2066g\ud800h\ti"
    safe = printable(nasty)
    assert safe == "a␛[31mb␀c␡d\ufffde\ufffdf\ufffdg\ufffdh i"
    assert len(safe) == len(nasty)
    assert printable("one\r\ntwo\u2028three") == "one \ntwo three"
    assert printable("one\ntwo", keep_lines=False) == "one two"
    assert printable("Füße 中文 👩‍🔬 “x”") == "Füße 中文 👩‍🔬 “x”"


def test_markup_and_escapes_from_a_file_are_shown_as_they_are() -> None:
    text = "[bold]Press[/bold] \x1b]0;title\x07[link=http://x]here[/link] at 1,240 degrees Celsius."
    evidence = Evidence("p1", "passage", text, "[red]\x1b[2Jfile.md", None, 0, len(text), 0.5)
    answer = replace(known(), evidence=(evidence,), text="[/] \x1b[5m1,240", reason="[x]\x1b[1m")
    for shown in (on_screen(answer), answer_plain(answer)):
        assert "\x1b]0;" not in shown
        assert "\x1b[2J" not in shown
        assert "\x1b[5m" not in shown
        assert "[red]␛[2Jfile.md" in shown
        assert "[/] ␛[5m1,240" in shown


def test_the_quote_is_the_sentence_with_the_answer() -> None:
    before, span, after = quote(KILN, "1,240 DEGREES celsius")
    assert before == ("… It fires stoneware at ", "dim")
    assert span == ("1,240 degrees Celsius", "bold green")
    assert after == (". …", "dim")


def test_a_span_inside_a_word_is_no_match() -> None:
    assert quote("The artist drew art.", "art")[0][0] == "The artist drew "


def test_a_quote_without_the_answer_begins_at_the_beginning_and_is_short() -> None:
    text = "word " * 400
    assert "".join(piece for piece, _ in quote(text, "absent")) == text[:QUOTE_CHARACTERS].rstrip() + " …"
    assert len("".join(piece for piece, _ in quote(text + "needle " + text, "needle"))) <= QUOTE_CHARACTERS + 4
    assert "".join(piece for piece, _ in quote("", "x")) == ""


@pytest.mark.parametrize(
    ("confidence", "interval", "cells"),
    [
        (0.0, (0.0, 0.0), "─" * 24),
        (1.0, (1.0, 1.0), "━" * 24),
        (0.5, (0.25, 0.75), "━" * 12 + "╍" * 6 + "─" * 6),
        (0.5, (0.1, 0.2), "━" * 12 + "─" * 12),
    ],
)
def test_the_bar_is_as_long_as_the_probability(confidence: float, interval: tuple[float, float], cells: str) -> None:
    assert confidence_line(confidence, interval, "green").plain.startswith(cells + "  ")


def test_certainty_is_never_claimed_by_rounding() -> None:
    assert [percent(value) for value in (1.0, 0.996, 0.99, 0.006, 0.004)] == [">99 %", ">99 %", "99 %", "1 %", "<1 %"]


def test_candidates_are_listed_when_it_is_not_sure() -> None:
    guesses = tuple(Candidate(name, ("span",), (), 0.0, value) for name, value in [("Kiln", 0.45), ("Oven", 0.3)])
    answer = replace(unknown(), decision="candidates", reason="two places disagree", candidates=guesses)
    text = answer_plain(answer)
    assert text.startswith("I am not sure. Two places disagree.\nit may be one of these:\n  Kiln\n")
    assert "  Oven\n" in text


def test_nothing_found_at_all_still_reads_well() -> None:
    answer = Answer("Which bank?", None, 0.0, (0.0, 0.0), "abstain", "", ())
    assert answer_plain(answer) == "I don't know.\n\n0.0 ms · not stored"


def test_many_pieces_of_evidence_are_cut_and_it_says_so() -> None:
    many = replace(known(), evidence=known().evidence * 9)
    assert answer_plain(many).count("kiln.md") == 4
    assert "and 5 more (--json shows all)" in answer_plain(many)


@pytest.mark.parametrize("width", [20, 40, 200])
def test_any_width_keeps_every_word(width: int) -> None:
    shown = on_screen(known(), width)
    assert all(word in shown for word in ("1,240", "grounded", "kiln.md", "e1"))
    assert max(len(line.plain) for line in answer_lines(known())) > 20
