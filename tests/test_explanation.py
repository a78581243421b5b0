"""The explanation of an answer, whole, and that its numbers add up."""

from __future__ import annotations

import re
from dataclasses import replace
from textwrap import dedent

import pytest

from alen.core.abstention import Policy
from alen.core.belief import Belief, Family
from alen.core.energy import Energy, Term
from alen.core.reasoner import Reasoner
from alen.core.situation import Proposal, Situation
from alen.thought import ThoughtState
from alen.types import Answer, Candidate, Check, Evidence, Recollection

MANUAL = Evidence("p7", "passage", "It fires stoneware\nat 1,240 degrees.", "manual.md", 3, 100, 135, 0.9)
LONG = Evidence("e2", "episode", "word " * 60, "user", None, 0, 0, 0.5)
BEST = Candidate(
    "1,240 degrees",
    ("conservative", "heuristic"),
    (
        Check("answerable", "pass", 2.0, 1.5, 0.75),
        Check("names_in_passage", "fail", 0.25, -0.6, 0.2),
        Check("numbers_in_passage", "not_applicable", None, -0.1, 0.3),
        Check("type", "pass", 1.0, 0.0, 0.4),
        Check("brevity", "pass", -2.0, 0.0),
        Check("lead_in_meaning", "not_applicable", None, 0.0, 0.5),
    ),
    -1.3,
    0.786,
    (0.7, 0.85),
    (MANUAL, LONG),
)
OTHER = Candidate(
    "1,911 degrees",
    ("intuitive",),
    (Check("answerable", "fail", -1.0, -0.75, 0.75), Check("type", "pass", 1.0, 0.0, 0.4)),
    1.9,
    0.13,
)
ANSWER = Answer(
    "How hot does it get?",
    "1,240 degrees",
    0.786,
    (0.7, 0.85),
    "answer",
    "confident: 0.79 reaches the threshold 0.50",
    (BEST, OTHER),
    (MANUAL,),
)


def test_the_whole_text() -> None:
    cited = ("word " * 40).strip()
    assert ANSWER.explain() == dedent(f"""\
        Question: How hot does it get?
        Answer: 1,240 degrees
        Decision: answer. confident: 0.79 reaches the threshold 0.50
        Probability of being right: 0.786, between 0.700 and 0.850

        Proposed by: conservative, heuristic
        Log-odds of being right: +1.30, the sum of
          +0.50  before any check
          +1.50  + answerable 2.00, weight 0.75
          -0.60  - names in passage 0.25, weight 0.20
          -0.10  . numbers in passage does not apply
          +0.00  + type 1.00, weight 0.40
        Looked at, and of no weight: + brevity -2.00, . lead in meaning does not apply

        Evidence:
          [passage p7] manual.md, page 3, characters 100 to 135: It fires stoneware at 1,240 degrees.
          [episode e2] user, characters 0 to 0: {cited} …

        Refused:
          1,911 degrees (intuitive): probability 0.130. Most against it: - answerable -1.00""")


def test_where_nothing_was_proposed() -> None:
    nothing = replace(ANSWER, text=None, confidence=0.0, interval=(0.0, 1.0), decision="abstain", candidates=())
    assert nothing.explain().splitlines()[1:] == [
        "Answer: (none)",
        "Decision: abstain. confident: 0.79 reaches the threshold 0.50",
        "Probability of being right: 0.000, between 0.000 and 1.000",
        "No operator proposed anything.",
    ]


TERMS = (
    Term("answerable", 1.0, 2.0, 3.0),
    Term("words_shared", 0.0, 1.0, 0.5, missing=-0.25),
    Term("near", 0.5, 0.1, 0.4),
)
ENERGY = Energy(0.5, TERMS)


def _explained(*values: tuple[str, float | None]) -> tuple[Candidate, list[str]]:
    checks = tuple(Check(name, "not_applicable" if value is None else "pass", value) for name, value in values)
    proposal = Proposal("Oslo", "conservative", "taken", checks, ())
    situation = Situation(ThoughtState.from_input("Where is it?"), Recollection())
    verdict = Reasoner(Belief({"taken": Family(ENERGY)}), Policy()).judge(situation, [proposal])
    [best] = verdict.candidates
    answer = Answer("q", best.text, best.confidence, best.interval, verdict.decision, verdict.reason, (best,))
    return best, answer.explain().splitlines()


@pytest.mark.parametrize("near", [0.5, 0.31, 0.97])
def test_what_is_printed_sums_to_the_log_odds(near: float) -> None:
    best, lines = _explained(("answerable", 2.0), ("words_shared", None), ("near", near), ("unknown", 9.0))
    [total] = [float(line.split()[4].rstrip(",")) for line in lines if line.startswith("Log-odds")]
    added = [float(found[1]) for line in lines if (found := re.match(r"  ([+-]\d+\.\d\d)  ", line))]
    # Bias, answerable, agreement, and near even where it adds nothing.
    assert len(added) == 4
    assert sum(added) == pytest.approx(total, abs=0.005 * 5)
    assert total == pytest.approx(0.5 + 1.5 - 0.25 + 0.4 * (near - 0.5) / 0.1, abs=0.006)
    assert added[0] == ENERGY.bias
    assert total == pytest.approx(-best.energy, abs=0.006)


def test_weights_are_those_of_the_energy() -> None:
    best, lines = _explained(("answerable", 2.0), ("words_shared", 0.5), ("near", 0.7), ("unknown", 9.0))
    assert {check.name: check.weight for check in best.checks} == {
        "answerable": 3.0,
        "words_shared": 0.5,
        "near": 0.4,
        "unknown": None,
        "agreement": None,
    }
    assert "  +1.50  + answerable 2.00, weight 3.00" in lines
    assert "  +0.80  + near 0.70, weight 0.40" in lines
    assert "Looked at, and of no weight: + unknown 9.00, . agreement does not apply" in lines
    for check, term in zip(best.checks, TERMS, strict=False):
        assert check.contribution == pytest.approx(term.log_odds(check.value), abs=1e-4)
