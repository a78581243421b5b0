"""Values come back from their JSON as they were, and errors too."""

from __future__ import annotations

import json

import pytest

from alen import errors
from alen.errors import BadInput, Cancelled, RequestError, WorkError
from alen.types import (
    Answer,
    Candidate,
    Check,
    Episode,
    EpisodeHit,
    Evidence,
    Passage,
    PassageDraft,
    PassageHit,
    Skipped,
    TeachReport,
)

EVIDENCE = Evidence("p7", "passage", "It fires at 1,240 degrees.", "kiln.md", 3, 10, 36, 0.91)
CANDIDATE = Candidate(
    "1,240",
    ("span", "vote"),
    (Check("grounded", "pass", 0.97, 1.25, 0.5), Check("computed", "not_applicable")),
    -2.6,
    0.93,
    (0.88, 0.97),
    (EVIDENCE,),
    {"family": "read"},
)
ANSWER = Answer(
    "How hot?", "1,240", 0.93, (0.88, 0.97), "answer", "the evidence supports it", (CANDIDATE,), (EVIDENCE,),
    {"total": 310.125}, 412, "e1", "s1", "How hot is the kiln?",
)  # fmt: skip
EPISODE = Episode("u", "Who?", "Ulla", None, "gold", "user", 1.0, "2026-01-01", "active", ("a", "b"), {"room": [1, 2]})


@pytest.mark.parametrize(
    "value",
    [
        EVIDENCE,
        EPISODE,
        Passage(3, "Text", "kiln.md", page=2, end=4),
        PassageDraft("One. Two.", 4, 13, sentences=((0, 4), (5, 9))),
        PassageHit(Passage(3, "Text", "kiln.md"), 0.5, (0, 4), {"bm25": 1.5}),
        PassageHit(Passage(3, "Text", "kiln.md"), 0.5),
        EpisodeHit(EPISODE, 0.25, True, {"dense": 0.1}),
        TeachReport(1, 2, 3, 0.5, (Skipped("a.md", "empty"),)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values(value: object) -> None:
    told = json.loads(json.dumps(value.to_json()))
    assert type(value).from_json(told) == value
    assert type(value).from_json(told | {"of_a_later_version": 1}) == value


def test_an_answer_and_what_its_short_form_leaves_out() -> None:
    assert Answer.from_json(json.loads(json.dumps(ANSWER.to_json(whole=True)))) == ANSWER
    short = Answer.from_json(ANSWER.to_json())
    assert short.candidates[0].evidence == ()
    assert (short.evidence, short.checks) == (ANSWER.evidence, ANSWER.checks)
    assert short.to_json() == ANSWER.to_json()
    nothing = Answer("?", None, 0.0, (0.0, 1.0), "abstain", "nothing taught says so")
    assert Answer.from_json(nothing.to_json(whole=True)) == nothing


@pytest.mark.parametrize("error", [BadInput("k", "0", "1 to 9", "Ask for more."), Cancelled("Stopped.")])
def test_errors(error: RequestError | WorkError) -> None:
    again = errors.from_json(json.loads(json.dumps(error.to_json())))
    assert type(again) is type(error)
    assert vars(again) == vars(error)
    assert str(again) == str(error)


class Odd(BadInput):
    """Of another room: comes back as the nearest class that everybody knows."""


def test_errors_of_other_rooms_and_other_things() -> None:
    assert type(errors.from_json(Odd("a", "b", "c", "d").to_json())) is BadInput
    for told in ({}, {"type": "Exception"}, {"type": "AlenError"}, {"type": "BadInput", "field": 3}, {"type": "Any"}):
        assert errors.from_json(told) is None
