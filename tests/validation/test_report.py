"""The report: one file that needs nothing else, holds what it should, and takes text as text."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from alen.types import Check
from alen.validation.ablation import ablation
from alen.validation.figures import FIGURES, HEADLINE
from alen.validation.graded import Graded, Source
from alen.validation.report import render
from alen.validation.report.charts import all_of
from alen.validation.report.page import interval, number
from alen.validation.validation_metrics import ValidationMetrics
from alen.validation.validator import ValidationResult
from tests.validation.graded_rows import graded

HOSTILE = "</script><script>alert(1)</script>\"'&<b>\u202eyek\u202c\u0007{{ 7 * 7 }}"
VOID = {"meta", "br"}


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alen.validation.sample.DRAWS", 20)
    monkeypatch.setattr("alen.validation.measuring.SIMULATIONS", 20)


class Page(HTMLParser):
    """Reads the page as a browser does: elements in order, their text, and whether each is closed by its own end."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.texts[tag][-1] += data


def result(rows: list[Graded], total: int | None = None) -> ValidationResult:
    metrics, checks = ValidationMetrics.of(rows), tuple(ablation(rows, None))
    return ValidationResult(metrics, checks, tuple(rows), total or len(rows), len(rows), 1.0, {"model": "small"})


def many(n: int = 60) -> list[Graded]:
    generator = np.random.default_rng(0)
    p = generator.random(n)
    right = generator.random(n) < p
    return [
        graded(
            i,
            float(p[i]),
            bool(right[i]),
            question=f"Question {i}?",
            checks=(Check("names_agree", "pass" if p[i] > 0.4 else "fail", float(p[i])),),
            rests_on=(Source("p1", "passage", "The kiln was lit by Rollo in spring.", "kiln.md"),),
            milliseconds=float(i),
        )
        for i in range(n)
    ]


def test_it_needs_no_network_and_no_script() -> None:
    page = Page(render(result(many()), title="Kiln"))
    assert not page.open
    tags = Counter(tag for tag, _ in page.elements)
    assert not {"script", "link", "img", "iframe", "object", "base"} & set(tags)
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "href")], tag
    (style,) = page.texts["style"]
    assert "url(" not in style
    assert "@import" not in style
    assert "prefers-color-scheme: dark" in style


def test_it_has_what_was_asked_for() -> None:
    page = Page(render(result(many()), title="Kiln", facts=[("command", "alen validate --data kiln.jsonl")]))
    assert page.texts["h2"] == [
        "In short",
        "Pictures",
        "Decisions",
        "What can be promised",
        "Checks",
        "All figures",
        "Most confident mistakes",
        "Least confident right answers",
        "Slowest questions",
        "Where it comes from",
    ]
    titles = {figure.name: figure.title for figure in FIGURES}
    assert page.texts["h3"][: len(HEADLINE)] == [titles[name] for name in HEADLINE]
    assert set(titles.values()) <= {text.strip() for text in page.texts["th"]}
    assert len(page.texts["article"]) == 20
    assert "alen validate --data kiln.jsonl" in page.texts["dd"]
    assert "Rollo" in page.texts["mark"]
    assert "names agree" in page.texts["th"]


def test_the_worst_come_first() -> None:
    rows = many()
    page = Page(render(result(rows), title="Kiln"))
    mistakes = sorted((row for row in rows if not row.right), key=lambda row: -row.confidence)[:10]
    unsure = sorted((row for row in rows if row.right), key=lambda row: row.confidence)[:10]
    assert page.texts["h3"][len(HEADLINE) :] == [row.question for row in [*mistakes, *unsure]]
    slowest = page.texts["table"][-1]
    assert re.findall(r"Question \d+\?", slowest) == [f"Question {i}?" for i in range(59, 49, -1)]


def test_pictures_and_tables_can_be_heard() -> None:
    page = Page(render(result(many()), title="Kiln"))
    pictures = [attributes for tag, attributes in page.elements if tag == "svg" and "role" in attributes]
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert len(pictures) == 4
    for picture in pictures:
        assert picture["role"] == "img"
        assert set(str(picture["aria-labelledby"]).split()) <= ids
    assert all("scope" in attributes for tag, attributes in page.elements if tag == "th")
    assert dict(page.elements)["html"] == {"lang": "en"}
    for drawn in all_of(many()).values():
        ElementTree.fromstring(drawn)


def test_text_of_others_stays_text() -> None:
    row = graded(
        0,
        0.9,
        False,
        question=HOSTILE,
        text=HOSTILE,
        answers=(HOSTILE,),
        reason=HOSTILE,
        decision="answer",
        checks=(Check(HOSTILE, "pass", 1.0),),
        rests_on=(Source(HOSTILE, "passage", f"Before {HOSTILE} after", HOSTILE),),
    )
    text = render(result([row]), title=HOSTILE, facts=[("command", HOSTILE)])
    page = Page(text)
    assert not page.open
    assert not {"script", "b"} & {tag for tag, _ in page.elements}
    assert "\u202e" not in text
    assert "\u0007" not in text
    assert "49" not in page.texts["h1"][0]
    shown = HOSTILE.replace("\u202e", "\ufffd").replace("\u202c", "\ufffd").replace("\u0007", "\ufffd")
    assert page.texts["h1"] == [shown]
    assert page.texts["bdi"].count(shown) >= 8
    assert page.texts["mark"] == [shown]
    assert len(page.texts["article"]) == 1


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [graded(0, 0.9, True)],
        [graded(0, 0.0, False, text=None, family="", decision="abstain", reason="no candidate")],
        [graded(i, 0.5, bool(i % 2)) for i in range(30)],
        [graded(i, 1.0, True) for i in range(30)],
        [graded(i, 0.7, False, unanswerable=True, answers=()) for i in range(5)],
    ],
)
def test_odd_samples_have_a_report_too(rows: list[Graded]) -> None:
    page = Page(render(result(rows, total=40), title="Odd"))
    assert not page.open
    assert "Stopped early" in page.texts["main"][0]
    assert not re.search(r"\bnan\b|\binf\b", page.texts["main"][0])


def test_a_question_without_a_candidate_is_no_confident_mistake() -> None:
    page = Page(render(result([graded(0, 0.0, False, text=None)]), title="Kiln"))
    assert "article" not in page.texts
    assert page.texts["p"].count("There are none.") == 2


def test_a_whole_run_was_not_stopped() -> None:
    assert "Stopped early" not in render(result(many()), title="Kiln")


def test_a_quote_holds_the_answer_wherever_it_stands() -> None:
    text = "x" * 1000 + " Rollo " + "y" * 1000
    row = graded(0, 0.9, False, rests_on=(Source("1", "passage", text, "s"), Source("2", "passage", "İ" * 9, "s")))
    (quote, other) = Page(render(result([row]), title="Kiln")).texts["blockquote"]
    assert 400 < len(quote) < 520
    assert " Rollo " in quote
    assert "İİİ" in other


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.6364, "share", "63.6 %"),
        (0.04321, "number", "0.043"),
        (290.4, "milliseconds", "290 ms"),
        (4.26, "milliseconds", "4.3 ms"),
        (1204.0, "milliseconds", "1.20 s"),
        (1204.0, "tokens", "1,204"),
        (float("nan"), "share", "–"),
    ],
)
def test_numbers_are_shown_as_they_are_read(value: float, unit: str, shown: str) -> None:
    found = {figure.unit: figure.unit for figure in FIGURES}
    assert number(value, found[unit]) == shown


def test_an_interval_without_a_low_end() -> None:
    metrics = ValidationMetrics.of(many())
    assert interval(metrics["ece_noise_floor"]).startswith("up to 0.")
    assert " to " in interval(metrics["brier"])
    assert interval(ValidationMetrics.of([])["brier"]) == ""
