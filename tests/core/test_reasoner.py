"""The reasoner with five-line fakes: who is asked, what is merged, what is decided."""

from __future__ import annotations

import pytest

from alen.core.abstention import Policy
from alen.core.belief import Belief, Family
from alen.core.energy import Energy, Term
from alen.core.reasoner import Reasoner
from alen.core.situation import Situation, Tools
from alen.thought import ThoughtState
from alen.types import Episode, EpisodeHit, Passage, PassageHit, Reading, Recollection

TEXT = "The Halden kiln was built in 1911. It fires stoneware at 1,240 degrees Celsius."
BELIEF = Belief(
    {
        "compute": Family(Energy(3.0, (Term("symbolic", 1.0, 0.1, 1.0, -3.0),))),
        "recall_exact": Family(Energy(3.0, ())),
        "recall": Family(Energy(0.0, (Term("question_similarity", 0.8, 0.1, 1.0),))),
        "read": Family(Energy(0.0, (Term("answerable", 0.0, 1.0, 1.0),))),
        "extract": Family(Energy(-2.0, ())),
    }
)


class OneSpan:
    """Reads every passage the same way."""

    name, fingerprint, family = "fake", "fake", "read"

    def __init__(self, answerable: float = 2.0, text: str = "1,240 degrees Celsius") -> None:
        self.answerable, self.text, self.asked = answerable, text, 0
        self.read_texts: list[str] = []

    def read(self, question, passages, *, cancel=None):
        self.asked += 1
        self.read_texts += passages
        start = passages[0].find(self.text)
        return [
            Reading(self.text, start, start + len(self.text), -0.5, -0.3, 2.0, self.answerable, 4, 50) for _ in passages
        ]


def _situation(question: str, effort: str = "balanced", *, taught: str | None = None, exact: bool = False) -> Situation:
    episodes = ()
    if taught:
        episodes = (EpisodeHit(Episode("e", taught, "in Halden", None, "gold", "user", 1.0, ""), 0.95, exact),)
    passages = (PassageHit(Passage(1, TEXT, "manual.md"), 0.9, (35, len(TEXT)), {"sentence": 0.7}),)
    return Situation(ThoughtState.from_input(question), Recollection(passages, episodes), effort)


def test_reads_and_answers():
    verdict = Reasoner(BELIEF).answer(_situation("How hot does the kiln get?"), Tools(reader=OneSpan))
    assert verdict.decision == "answer"
    assert verdict.candidates[0].text == "1,240 degrees Celsius"
    assert verdict.candidates[0].confidence == pytest.approx(1 / (1 + 2.718281828**-2), abs=1e-3)
    assert verdict.evidence[0].source == "manual.md"


class Writes(OneSpan):
    """Gives a text that stands nowhere in the passage."""

    def read(self, question, passages, *, cancel=None):
        return [Reading(self.text, 0, 0, -0.5, -0.3, 2.0, self.answerable, 4, 50) for _ in passages]


def test_what_a_reader_writes_itself_claims_no_mind():
    """Only what operators wrote used to be looked at."""
    reader = Writes(text="I think the kiln fires at 1,250 degrees")
    verdict = Reasoner(BELIEF).answer(_situation("How hot does the kiln get?"), Tools(reader=lambda: reader))
    assert verdict.candidates[0].text == "The kiln fires at 1,250 degrees"


def test_what_stands_in_the_passage_is_quoted_as_it_is():
    said = "I think that it is hot"
    passages = (PassageHit(Passage(1, f"{said}, Ada wrote.", "letters.md"), 0.9, None, {}),)
    situation = Situation(ThoughtState.from_input("What did Ada write?"), Recollection(passages))
    verdict = Reasoner(BELIEF).answer(situation, Tools(reader=lambda: OneSpan(text=said)))
    assert verdict.candidates[0].text == said


def test_abstains_when_the_reader_sees_no_answer():
    verdict = Reasoner(BELIEF).answer(_situation("Who sells it?"), Tools(reader=lambda: OneSpan(-3.0)))
    assert verdict.decision == "abstain"
    assert "not stated" in verdict.reason
    assert verdict.candidates[0].confidence < 0.5


def test_a_sum_needs_no_reader():
    reader = OneSpan()
    verdict = Reasoner(BELIEF).answer(_situation("What is 17 + 25?"), Tools(reader=lambda: reader))
    assert (verdict.candidates[0].text, reader.asked) == ("42", 0)
    assert [evidence.kind for evidence in verdict.evidence] == ["derivation"]


def test_an_exact_taught_question_needs_no_reader():
    reader = OneSpan()
    situation = _situation("Where is it?", taught="Where is it?", exact=True)
    verdict = Reasoner(BELIEF).answer(situation, Tools(reader=lambda: reader))
    assert (verdict.candidates[0].text, reader.asked) == ("in Halden", 0)


@pytest.mark.parametrize(("threshold", "asked"), [(0.0, 0), (0.99, 1)])
def test_fast_reads_one_passage_where_nothing_else_would_be_answered(threshold, asked):
    reader = OneSpan()
    reasoner = Reasoner(BELIEF, Policy(threshold=threshold))
    assert reasoner.answer(_situation("How hot does the kiln get?", "fast"), Tools(reader=lambda: reader)).candidates
    assert reader.asked == asked


def test_equivalent_proposals_are_one_candidate():
    verdict = Reasoner(BELIEF).answer(
        _situation("How hot does the kiln get?"), Tools(reader=lambda: OneSpan(text="1,240 degrees"))
    )
    assert verdict.candidates[0].operators == ("conservative", "heuristic")
    assert next(c.value for c in verdict.candidates[0].checks if c.name == "agreement") == 1.0


def test_nothing_remembered():
    situation = Situation(ThoughtState.from_input("Who?"), Recollection())
    verdict = Reasoner(BELIEF).answer(situation, Tools(reader=OneSpan))
    assert (verdict.decision, verdict.candidates) == ("abstain", ())
    assert "nothing stored" in verdict.reason


def test_an_unknown_family_is_never_believed():
    verdict = Reasoner(Belief({})).answer(_situation("How hot does the kiln get?"), Tools(reader=lambda: OneSpan(9.0)))
    assert verdict.candidates[0].confidence == 0.0


class AnotherModel(OneSpan):
    """Reads as well as any, but nothing was fitted to it."""

    family = "read:0123456789ab"


def test_what_an_uncalibrated_model_reads_is_shown_and_not_said():
    verdict = Reasoner(BELIEF).answer(_situation("How hot does the kiln get?"), Tools(reader=lambda: AnotherModel(9.0)))
    assert verdict.decision == "abstain"
    assert verdict.reason.startswith("not calibrated")
    assert verdict.candidates[0].text == "1,240 degrees Celsius"
    assert verdict.candidates[0].confidence == 0.0


def test_what_nobody_calibrated_does_not_silence_what_was_taught():
    situation = _situation("Where is the kiln?", taught="Where is the kiln?")
    verdict = Reasoner(BELIEF).answer(situation, Tools(reader=lambda: AnotherModel(9.0)))
    assert (verdict.decision, verdict.candidates[0].text) == ("answer", "in Halden")


class EachItsOwn:
    """Reads another span in each passage, and is surer of the later one."""

    name, fingerprint, family = "fake", "fake", "read"

    def __init__(self) -> None:
        self.read_texts: list[str] = []

    def read(self, question, passages, *, cancel=None):
        self.read_texts = list(passages)
        return [Reading(text[:8], 0, 8, -0.5, -0.3, 2.0, float(place), 4, 50) for place, text in enumerate(passages)]


def _two(lead: float, effort: str = "balanced") -> Situation:
    hits = tuple(
        PassageHit(Passage(place, f"{name} is what the passage says.", "manual.md"), score, None, {})
        for place, (name, score) in enumerate((("First it", 0.8), ("Other it", 0.8 - lead)))
    )
    return Situation(ThoughtState.from_input("What is it that says?"), Recollection(hits, ()), effort)


def test_a_second_passage_is_read_when_the_first_hardly_leads():
    for lead, effort, count in ((0.05, "fast", 1), (0.5, "balanced", 1), (0.05, "balanced", 2), (0.5, "thorough", 2)):
        reader = EachItsOwn()
        verdict = Reasoner(BELIEF).answer(_two(lead, effort), Tools(reader=lambda reader=reader: reader))
        assert len(reader.read_texts) == count
        assert verdict.candidates[0].text == ("Other it" if count == 2 else "First it")
        assert verdict.evidence[0].text.startswith(verdict.candidates[0].text)


def test_fast_reads_around_the_sentence_that_fits_best():
    text = "Before it. " * 60 + "It says this. " + "After it. " * 60
    start = text.index("It says")
    hit = PassageHit(Passage(1, text, "book.md"), 0.9, (start, start + len("It says this.")), {})
    situation = Situation(ThoughtState.from_input("What does it say?"), Recollection((hit,), ()), "fast")
    reader = OneSpan(text="It says this.")
    (proposal,) = [each for each in Reasoner(BELIEF).propose(situation, Tools(reader=lambda: reader)) if each.tokens]
    (read,) = reader.read_texts
    assert len(read) <= len("It says this.") + 400
    assert read in text
    assert read.split()[0] in ("Before", "it.")
    assert text[slice(*proposal.detail["span"])] == "It says this."


def test_extraction_alone_never_beats_reading():
    sure = Belief({**BELIEF.families, "extract": Family(Energy(9.0, ()))})
    reader = OneSpan(text="stoneware")
    verdict = Reasoner(sure).answer(_situation("How many degrees does the kiln reach?"), Tools(reader=lambda: reader))
    assert [candidate.operators for candidate in verdict.candidates] == [("conservative",)]
    fast = Reasoner(sure).answer(
        _situation("How many degrees does the kiln reach?", "fast"), Tools(reader=lambda: None)
    )
    assert fast.candidates[0].operators == ("heuristic",)
