"""ModelValidator over engines that follow a script: what it asks, what it keeps, what it refuses to mix."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import alen
from alen.core.belief import Belief, Family, default
from alen.core.energy import Energy, Term
from alen.errors import BadInput, Cancelled
from alen.types import Answer, Check
from alen.validation.provenance import provenance
from alen.validation.validator import SCORER, ModelValidator
from tests.validation.graded_rows import answer, passage

ROWS: list[dict[str, Any]] = [
    {"id": number, "question": f"Question {number}?", "answers": [f"stone{number}"], "context": f"p{number % 3}"}
    for number in range(6)
]
ROWS += [{"id": "none", "question": "Which bank?", "answers": [], "unanswerable": True}]


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals are not what is tested here."""
    monkeypatch.setattr("alen.validation.sample.DRAWS", 20)
    monkeypatch.setattr("alen.validation.measuring.SIMULATIONS", 20)


class Script:
    """Right on even questions, sure of all it answers; declines what has no answer."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.taught: list[Any] = []
        self.weight = 1.0
        self.cancels = -1

    def ask(self, question: str, *, private: bool, cancel: threading.Event | None = None) -> Answer:
        assert private
        if len(self.asked) == self.cancels:
            raise Cancelled("The answer was stopped.")
        self.asked.append(question)
        if question == "Which bank?":
            return answer(question, "Lloyds", 0.1)
        number = int(question.split()[1].rstrip("?"))
        said = f"stone{number}" if number % 2 == 0 else "brass"
        checks = (Check("good", "pass", 1.0 - number),)
        return answer(question, said, 0.9 - number / 100, evidence=(passage(f"p{number % 3}", said),), checks=checks)

    def teach(self, *, passages: Any, progress: Any) -> None:
        self.taught.append(passages)

    def belief(self) -> Belief:
        return Belief({"read": Family(Energy(0.0, (Term("good", 0.0, 1.0, self.weight),)))})


def test_every_question_is_asked_once_and_measured() -> None:
    engine, heard = Script(), []
    result = ModelValidator(engine).validate(ROWS, progress=lambda *event: heard.append(event))
    assert engine.asked == [row["question"] for row in ROWS]
    assert result.complete
    assert result.metrics.answer_accuracy == pytest.approx(4 / 7)
    assert result.metrics.reasoning_accuracy == pytest.approx(3 / 6)
    assert result.metrics.verification_rate == pytest.approx(6 / 7)
    assert [row.right for row in result.rows] == [True, False, True, False, True, False, False]
    assert [check.name for check in result.checks] == ["good"]
    assert result.checks[0].log_loss.n == 7
    assert ("asking", 0, 7) in heard
    assert ("measuring", 33, 33) in heard
    summary = json.loads(json.dumps(result.to_json(), allow_nan=True))
    assert (summary["questions"], summary["answered"], summary["asked"], summary["skipped"]) == (7, 6, 7, 0)


def test_the_gold_answers_never_reach_the_engine() -> None:
    engine = Script()
    ModelValidator(engine).validate(
        [{**row, "answers": ["planted gold"]} for row in ROWS[:3]], passages=[{"text": "x"}]
    )
    assert "gold" not in json.dumps([engine.asked, engine.taught])


def test_passages_are_taught_before_anything_is_asked(tmp_path: Path) -> None:
    engine, passages = Script(), [{"id": "p0", "text": "The kiln."}]
    ModelValidator(engine).validate(ROWS, passages=passages, resume=tmp_path / "a.jsonl")
    assert engine.taught == [passages]
    ModelValidator(engine).validate(ROWS, passages=passages, resume=tmp_path / "a.jsonl")
    assert len(engine.taught) == 1  # nothing was left to ask


def test_an_engine_that_cannot_be_taught_says_so() -> None:
    class Bare:
        def ask(self, question: str, *, private: bool) -> Answer:
            return answer(question, "x")

    with pytest.raises(BadInput, match="cannot be taught"):
        ModelValidator(Bare()).validate(ROWS, passages=[{"text": "x"}])
    assert ModelValidator(Bare()).validate(ROWS).checks == ()


@pytest.mark.parametrize("done", range(7))
def test_a_stopped_run_goes_on_to_the_same_end(tmp_path: Path, done: int) -> None:
    whole = ModelValidator(Script()).validate(ROWS)
    engine, file = Script(), tmp_path / "answers.jsonl"
    engine.cancels = done
    part = ModelValidator(engine).validate(ROWS, resume=file)
    assert (len(part.rows), part.complete) == (done, False)
    again = Script()
    result = ModelValidator(again).validate(ROWS, resume=file)
    assert again.asked == [row["question"] for row in ROWS[done:]]
    assert (result.asked, result.complete) == (7 - done, True)
    timeless = {"median_milliseconds", "p90_milliseconds"}
    assert {name: value for name, value in result.metrics.to_json().items() if name not in timeless} == {
        name: value for name, value in whole.metrics.to_json().items() if name not in timeless
    }


def test_a_cancel_token_stops_between_questions() -> None:
    stop = threading.Event()
    stop.set()
    engine = Script()
    assert ModelValidator(engine).validate(ROWS, cancel=stop).rows == ()
    assert not engine.asked


def test_a_limit_is_a_beginning(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    assert len(ModelValidator(Script()).validate(ROWS, limit=2, resume=file).rows) == 2
    engine = Script()
    result = ModelValidator(engine).validate(ROWS, limit=5, resume=file)
    assert (result.asked, len(result.rows), result.complete) == (3, 5, True)


def test_answers_of_another_run_are_not_mixed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "answers.jsonl"
    ModelValidator(Script()).validate(ROWS[:3], resume=file)
    before = file.read_bytes()
    other = [{**ROWS[0], "answers": ["another"]}, *ROWS[1:3]]
    with pytest.raises(BadInput, match=r"another data\b"):
        ModelValidator(Script()).validate(other, resume=file)
    with pytest.raises(BadInput, match=r"another passages\b"):
        ModelValidator(Script()).validate(ROWS[:3], passages=[{"text": "x"}], resume=file)
    monkeypatch.setattr("alen.validation.validator.provenance", lambda engine: {**provenance(engine), "model": "new"})
    with pytest.raises(BadInput, match=r"another model\b"):
        ModelValidator(Script()).validate(ROWS[:3], resume=file)
    assert file.read_bytes() == before


def test_answers_that_no_validation_wrote_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text(json.dumps({"id": 0, **answer("Question 0?", "x").to_json()}) + "\n")
    with pytest.raises(BadInput, match="no data"):
        ModelValidator(Script()).validate(ROWS, resume=file)


def test_a_question_that_the_engine_refuses_is_named() -> None:
    class Strict(Script):
        def ask(self, question: str, *, private: bool, cancel: threading.Event | None = None) -> Answer:
            raise BadInput("question", "9,000 characters", "4,000", "Shorten it.")

    with pytest.raises(BadInput) as found:
        ModelValidator(Strict()).validate(ROWS)
    assert found.value.field == "id 0, question"


def test_what_was_said_is_judged_by_the_scorer_given() -> None:
    result = ModelValidator(Script(), safe=lambda text: text != "Lloyds").validate(ROWS)
    assert result.metrics.safe_first_person_rate == pytest.approx(6 / 7)


def test_without_one_the_shipped_scorer_judges_or_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    class Scorer:
        @classmethod
        def load(cls) -> Scorer:
            return cls()

        def claims(self, texts: list[str]) -> np.ndarray:
            return np.array([text == "brass" for text in texts])

    monkeypatch.setitem(sys.modules, SCORER, SimpleNamespace(FirstPersonScorer=Scorer))
    assert ModelValidator(Script()).validate(ROWS).metrics.safe_first_person_rate == pytest.approx(4 / 7)
    monkeypatch.setitem(sys.modules, SCORER, None)
    assert ModelValidator(Script()).validate(ROWS).metrics["safe_first_person_rate"].n == 0


def test_text_that_utf8_cannot_hold_is_kept(tmp_path: Path) -> None:
    class Broken(Script):
        def ask(self, question: str, *, private: bool, cancel: threading.Event | None = None) -> Answer:
            return answer(question, "half a pair \ud83d")

    file = tmp_path / "answers.jsonl"
    assert ModelValidator(Broken()).validate(ROWS[:2], resume=file).complete
    assert ModelValidator(Broken()).validate(ROWS[:2], resume=file).asked == 0


def test_it_is_a_public_name() -> None:
    assert alen.ModelValidator is ModelValidator
    assert provenance(Script()) == {"alen": alen.__version__, "model": "Script"}
    assert default().families
