"""Answers as people see them: the right sentence, the right numbers, and nothing that could harm a terminal."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from alen.cli.answer_lines import QUOTE_CHARACTERS, answer_lines, citation, confidence_line, percent, quote
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


def test_what_the_answer_rests_on_comes_first_and_the_rest_is_only_cited() -> None:
    other = Evidence("p9", "passage", "Something about clay.", "clay.md", None, 0, 21, 0.4)
    text = answer_plain(replace(known(), evidence=(other, *known().evidence)))
    assert "Something about clay" not in text
    assert text.index("kiln.md") < text.index("also looked at:\n  clay.md · characters 0–21")


def test_a_taught_answer_is_quoted_with_its_question() -> None:
    taught = Evidence("01a1fccc-521f-7", "episode", "Who lights it? — Only Ulla", "user", None, 0, 0, 0.8)
    candidate = replace(known().candidates[0], text="only Ulla", evidence=(taught,))
    text = answer_plain(replace(known(), text="only Ulla", candidates=(candidate,), evidence=(taught,)))
    assert "taught answer · user · 01a1fccc-521\n  Who lights it? — Only Ulla\n" in text


def test_a_hopeless_guess_is_not_shown() -> None:
    candidate = replace(unknown().candidates[0], confidence=0.004)
    assert "Lloyds" not in answer_plain(replace(unknown(), confidence=0.004, candidates=(candidate,)))


def test_many_pieces_of_evidence_are_cut_and_it_says_so() -> None:
    others = tuple(Evidence(f"o{n}", "passage", "Clay.", "clay.md", None, n, n + 5, 0.4) for n in range(9))
    text = answer_plain(replace(known(), evidence=known().evidence + others))
    assert text.count("clay.md") == 3
    assert "and 6 more (--json shows all)" in text


def test_a_sentence_may_be_broken_over_lines() -> None:
    text = "First.\n\nThe capsule is annealed\nat 315 degrees. Then it rests."
    assert "".join(piece for piece, _ in quote(text, "315")) == "… The capsule is annealed at 315 degrees. …"


def test_a_file_below_this_folder_is_cited_as_it_is_typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    evidence = replace(known().evidence[0], source=f"{tmp_path}/notes/kiln.md · Kiln")
    assert citation(evidence).startswith("notes/kiln.md · Kiln · page 3")
    assert citation(replace(evidence, source=f"{tmp_path}else/kiln.md")).startswith(f"{tmp_path}else/kiln.md")


@pytest.mark.parametrize("width", [20, 40, 200])
def test_any_width_keeps_every_word(width: int) -> None:
    shown = on_screen(known(), width)
    assert all(word in shown for word in ("1,240", "grounded", "kiln.md", "e1"))
    assert max(len(line.plain) for line in answer_lines(known())) > 20
