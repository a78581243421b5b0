"""Answers that exclude each other share the probability: by hand, bounded whatever they are, and seen in the whole."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alen.core import judging
from alen.core.abstention import Policy
from alen.core.belief import Belief, Family, default
from alen.core.contradiction import NAME, lost_by, of_rivals, shared
from alen.core.energy import Energy, Term
from alen.core.fitting import Labelled, fit
from alen.core.reasoner import Reasoner, Verdict
from alen.core.situation import Proposal, Situation, Tools
from alen.thought import ThoughtState
from alen.types import Check, Episode, EpisodeHit, Recollection

QUESTION = "Who owns the kiln?"
P = 0.989
"""Of a taught answer alone, nearly."""


def _situation(
    *taught: str, question: str = QUESTION, source: str = "user", refused: tuple[str, ...] = ()
) -> Situation:
    hits = tuple(
        EpisodeHit(Episode(f"e{place}", question, answer, None, "gold", source, 1.0, ""), 1.0, True)
        for place, answer in enumerate(taught)
    )
    return Situation(ThoughtState.from_input(question), Recollection((), hits, refused))


def _verdict(*taught: str, **more: str) -> Verdict:
    return Reasoner(default()).answer(_situation(*taught, **more), Tools())


def test_by_hand() -> None:
    """Odds of 9 and 3: of thirteen parts the one has nine, the other three, and one is left for neither."""
    found = of_rivals(["Marta", "Ilse"], [0.9, 0.75], [True, True], question=QUESTION)
    assert [check.value for check in found] == pytest.approx([-math.log(4), -math.log(10)], abs=1e-5)
    assert [check.status for check in found] == ["fail", "fail"]
    assert shared(0.9, found[:1]) == pytest.approx(9 / 13, abs=1e-4)
    assert shared(0.75, found[1:]) == pytest.approx(3 / 13, abs=1e-4)
    assert shared(0.9, ()) == 0.9


def test_a_rival_that_is_hardly_likely_costs_little() -> None:
    likely, unlikely = of_rivals(["Marta", "Ilse"], [0.9, 0.1], [True, True], question=QUESTION)
    assert (likely.status, unlikely.status) == ("pass", "fail")
    assert shared(0.9, [likely]) == pytest.approx(9 / (1 + 9 + 1 / 9), abs=1e-4)


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=6))
@settings(max_examples=100, deadline=None)
def test_together_they_are_never_more_than_one_nor_one_more_than_alone(alone: list[float]) -> None:
    texts = ["Marta", "Ilse", "Otto", "Bruno", "Karin", "Leif"][: len(alone)]
    found = of_rivals(texts, alone, [True] * len(alone), question=QUESTION)
    left = [shared(p, [check]) for p, check in zip(alone, found, strict=True)]
    assert sum(left) <= 1.0
    assert all(0.0 <= now <= before + 1e-12 for now, before in zip(left, alone, strict=True))
    # Whoever was likelier stays at least as likely.
    for (p, a), (q, b) in itertools.combinations(zip(alone, left, strict=True), 2):
        assert (p - q) * (a - b) >= -1e-4


@pytest.mark.parametrize("count", [2, 3])
def test_taught_answers_that_contradict_each_other_share_the_probability(count: int) -> None:
    verdict = _verdict(*("Marta", "Ilse", "Otto")[:count])
    assert verdict.decision == "abstain"
    assert verdict.reason.startswith("contradicted")
    p = [candidate.confidence for candidate in verdict.candidates]
    odds = P / (1 - P)
    assert p == [pytest.approx(odds / (1 + count * odds), abs=1e-3)] * count
    for candidate in verdict.candidates:
        low, high = candidate.interval
        assert low < candidate.confidence < high < 0.95
        assert candidate.energy == pytest.approx(math.log(1 / candidate.confidence - 1), abs=1e-3)
        [check] = [check for check in candidate.checks if check.name == NAME]
        assert (check.status, check.contribution) == ("fail", pytest.approx(check.value, abs=1e-4))


@pytest.mark.parametrize("certain", [30.0, 700.0])
def test_however_sure_each_is_alone_none_is_said(certain: float) -> None:
    """Two that are certain are one half each, less the chance that neither is right."""
    belief = Belief({"recall_exact": Family(Energy(certain, ()))})
    verdict = Reasoner(belief).answer(_situation("Marta", "Ilse"), Tools())
    assert (verdict.decision, verdict.candidates[0].confidence) == ("abstain", pytest.approx(0.5, abs=2e-4))


@pytest.mark.parametrize(
    ("question", "taught"),
    [
        (QUESTION, ("Marta Hald", "marta hald.")),
        ("When was it built?", ("in 1911", "1911")),
        ("How many kilns are there?", ("12", "twelve", "a dozen")),
        # One says less than the other: both may be right.
        ("When was it?", ("1066", "14 October 1066")),
    ],
)
def test_what_does_not_contradict_stays_as_sure_as_it_was(question: str, taught: tuple[str, ...]) -> None:
    verdict = _verdict(*taught, question=question)
    assert (verdict.decision, verdict.candidates[0].confidence) == ("answer", pytest.approx(P, abs=1e-3))
    assert not any(check.name == NAME for candidate in verdict.candidates for check in candidate.checks)


def test_one_witness_more_in_the_same_words_decides_nothing() -> None:
    """Who was told twice may have been told by one: answers that say the same count once."""
    one, other = _verdict("Marta", "Marta", "Ilse").candidates
    assert one.confidence == other.confidence


def test_a_model_does_not_decide_between_what_people_taught() -> None:
    def reader() -> None:
        raise AssertionError("loaded")

    for threshold in (0.5, 0.999):
        reasoner = Reasoner(default(), Policy(threshold=threshold))
        assert len(reasoner.answer(_situation("Marta", "Ilse"), Tools(reader=reader)).candidates) == 2


def _proposal(text: str, family: str, p: float, **checks: float) -> Proposal:
    made = [Check("p", "pass", math.log(p / (1 - p)))]
    made += [Check(name, "pass" if value else "fail", value) for name, value in checks.items()]
    return Proposal(text, "heuristic", family, tuple(made), (), interval=(p - 0.05, p + 0.05))


_AS_SAID = Belief(
    {
        name: Family(Energy(0.0, (Term("p", 0.0, 1.0, 1.0),)))
        for name in ("compute", "recall_exact", "own", "steps", "read")
    }
)


def test_what_else_was_proposed_shares_too_and_so_does_its_own_interval() -> None:
    proposals = [
        _proposal("Marta", "recall_exact", 0.9),
        _proposal("Ilse", "own", 0.75),
        _proposal("Otto", "steps", 0.5),
    ]
    verdict = Reasoner(_AS_SAID).judge(_situation(), proposals)
    assert [candidate.confidence for candidate in verdict.candidates] == [
        pytest.approx(parts / 14, abs=1e-4) for parts in (9, 3, 1)
    ]
    for candidate in verdict.candidates:
        assert 0.0 <= candidate.interval[0] <= candidate.confidence <= candidate.interval[1] <= 1.0


def test_without_two_last_words_nobody_is_disputed() -> None:
    """What was read and what follows from parts was fitted beside other answers; ALEN's answer to another question says
    nothing of this one."""
    for rival in (
        _proposal("Ilse", "read", 0.9),
        _proposal("Ilse", "steps", 0.9),
        _proposal("Ilse", "own", 0.9, own_question=0.0),
    ):
        verdict = Reasoner(_AS_SAID).judge(_situation(), [_proposal("Marta", "recall_exact", 0.95), rival])
        assert [candidate.confidence for candidate in verdict.candidates] == [0.95, 0.9]
    own = _proposal("Ilse", "own", 0.9, own_question=1.0)
    verdict = Reasoner(_AS_SAID).judge(_situation(), [_proposal("Marta", "recall_exact", 0.95), own])
    assert verdict.candidates[0].confidence < 0.7


def test_what_was_called_wrong_is_no_rival() -> None:
    proposals = [
        _proposal("Marta", "recall_exact", 0.9),
        _proposal("Karin", "recall_exact", 0.5),
        _proposal("Ilse", "own", 0.9),
    ]
    among = Reasoner(_AS_SAID).judge(_situation(refused=("Ilse",)), proposals).candidates
    alone = Reasoner(_AS_SAID).judge(_situation(), proposals[:2]).candidates
    assert [c.confidence for c in among] == [*(c.confidence for c in alone), 0.0]


def test_nothing_is_fitted_to_disputed_answers() -> None:
    """An answer that was wrong because another was right says nothing of those that nobody disputes."""

    def rows(disputed: float | None) -> list[Labelled]:
        contradicted = () if disputed is None else (Check(NAME, "fail", disputed),)
        plain = [Labelled("recall_exact", (Check("a", "pass", n % 7),), int(n % 5 > 0), f"g{n}") for n in range(100)]
        return plain + [
            Labelled("recall_exact", (Check("a", "pass", 3.0), *contradicted), 0, f"h{n}") for n in range(60)
        ]

    with_disputed, _ = fit(rows(-4.5), Belief({}), {})
    without, _ = fit(rows(None)[:100], Belief({}), {})
    drawn, _ = fit(rows(None), Belief({}), {})
    asked = (Check("a", "pass", 3.0),)
    p = [belief.probability("recall_exact", asked) for belief in (with_disputed, without, drawn)]
    assert p[0] == p[1]
    assert p[2] < p[1] - 0.1


def test_checks_see_what_the_belief_makes_of_it() -> None:
    """What certificates are told from is what is said."""
    situation = _situation("Marta", "Ilse")
    reasoner = Reasoner(default())
    complete = judging.completed(situation, reasoner.propose(situation, Tools()), default(), Tools())
    said = {candidate.text: candidate.confidence for candidate in reasoner.answer(situation, Tools()).candidates}
    for proposal in complete:
        assert default().probability(proposal.family, proposal.checks) == said[proposal.text]
        assert lost_by(proposal.checks) < -4.0
    assert lost_by([replace(check, name="other") for check in complete[0].checks]) == 0.0
