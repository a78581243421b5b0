"""The engine's verbs over a real database: what is taught comes back with its source, and nothing else does."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest

from alen.core.belief import Family
from alen.core.energy import Energy
from alen.errors import BadInput, UnknownEpisode, UnknownNamespace
from alen.settings import Costs
from alen.validation.provenance import provenance

KILN = "The Halden kiln fires stoneware at 1,240 degrees. It was built by Marta Hald."


def test_teach_the_same_twice_stores_nothing_twice(engine):
    first, second = engine.teach(KILN), engine.teach(KILN)
    assert (first.stored, first.duplicates) == (1, 0)
    assert (second.stored, second.duplicates) == (0, 1)


def test_an_edited_file_retires_what_it_no_longer_says(engine, tmp_path):
    note = tmp_path / "note.md"
    note.write_text("# Kiln\n\nIt fires at 1,240 degrees.\n\n# Oven\n\nIt bakes at 200 degrees.\n")
    engine.teach(paths=[note])
    note.write_text("# Kiln\n\nIt fires at 1,260 degrees.\n\n# Oven\n\nIt bakes at 200 degrees.\n")
    report = engine.teach(paths=[note])
    assert (report.stored, report.duplicates, report.retired) == (1, 1, 1)
    texts = [evidence.text for evidence in engine.ask("At what degrees does it fire?").evidence]
    assert not any("1,240" in text for text in texts)
    assert any("1,260" in text for text in texts)


def test_every_input_is_checked_before_anything_is_stored(engine, tmp_path):
    good, bad = tmp_path / "good.md", tmp_path / "bad.bin"
    good.write_text(KILN)
    bad.write_bytes(b"\x00\x01\x02" * 50)
    with pytest.raises(BadInput, match=r"bad\.bin"):
        engine.teach(paths=[good, bad])
    assert engine.stats()["passages"] == 0


def test_a_folder_is_taught_file_by_file(engine, tmp_path):
    for name in ("a.md", "b.txt"):
        (tmp_path / "notes").mkdir(exist_ok=True)
        (tmp_path / "notes" / name).write_text(f"{name} holds 5 kilns.")
    assert engine.teach(paths=[tmp_path / "notes"]).stored == 2


def test_ask_reads_cites_and_stores(engine, reader):
    engine.teach(KILN, source="manual")
    answer = engine.ask("At what degrees does the Halden kiln fire stoneware?")
    assert reader.read_passages == [KILN]
    assert answer.candidates[0].text == "1,240 degrees"
    assert answer.evidence[0].source == "manual"
    assert KILN[answer.evidence[0].start : answer.evidence[0].end] == answer.evidence[0].text
    assert engine.memory.show(answer.episode)["question"] == answer.question
    json.dumps(answer.to_json())


def test_costs_say_when_an_answer_is_given(engine):
    """What is given at a probability p is declined where a wrong answer costs so much that it pays from above p on."""
    engine.teach("The Halden kiln fires stoneware at 1,240 degrees.", source="manual")
    question = "How many degrees does the Halden kiln fire stoneware at?"
    p = engine.ask(question, private=True).confidence
    assert 0.5 < p < 0.999
    plain = provenance(engine)["settings"]
    for threshold, decision in ((p - 1e-3, "answer"), (p + 1e-3, "abstain")):
        costs = Costs(right=1 - threshold, wrong=threshold, abstain=0.0)  # it pays from ``threshold`` on
        engine.settings = engine.settings.model_copy(update={"costs": costs})
        assert engine.ask(question, private=True).decision == decision
        assert provenance(engine)["settings"] != plain


def test_answers_under_another_bound_on_errors_are_of_another_setting(engine):
    plain = provenance(engine)["settings"]
    engine.settings = engine.settings.model_copy(update={"risk": 0.1})
    assert provenance(engine)["settings"] == f"{plain}, wrong at most 0.1"


def test_one_belief_judges_a_question_and_its_parts(engine, monkeypatch):
    """It used to be read again for every part."""
    engine.teach("A kiln by Ostlin holds 12 pots.")
    known = replace(engine.belief(), families={**engine.belief().families, "steps": Family(Energy(0.0, ()))})
    asked, parts = [], []
    monkeypatch.setattr(engine, "belief", lambda: asked.append(1) or known)
    think = engine.think
    monkeypatch.setattr(engine, "think", lambda text: parts.append(text) or think(text))
    engine.ask("In which town is the foundry that supplies the capsules?")
    assert len(parts) > 1
    assert len(asked) == 1


def test_private_stores_nothing(engine):
    engine.teach(KILN)
    before = engine.stats()["episodes"]
    assert engine.ask("How hot is the kiln?", private=True).episode is None
    assert engine.stats()["episodes"] == before


def test_a_sum_needs_no_model(engine, reader):
    engine.teach(KILN)
    answer = engine.ask("What is 17 + 25?")
    assert (answer.text, reader.read_passages) == ("42", [])
    assert answer.confidence > 0.99


def test_an_answer_given_is_no_evidence_until_a_person_confirms_it(engine):
    engine.teach(KILN)
    question = "At what degrees does the Halden kiln fire stoneware?"
    first = engine.ask(question)
    again = engine.ask(question)
    assert all(evidence.kind == "passage" for evidence in again.evidence)
    assert engine.feedback(first.episode, correct=True)["status"] == "gold"
    assert engine.ask(question).candidates[0].operators[0] == "heuristic"


def test_wrong_answers_are_corrected(engine):
    engine.teach(KILN)
    first = engine.ask("At what degrees does the Halden kiln fire stoneware?")
    engine.feedback(first.episode, correct=False, answer="1,300 degrees")
    answer = engine.ask("At what degrees does the Halden kiln fire stoneware?")
    assert answer.text == "1,300 degrees"


def test_courtesies_around_a_question_change_no_answer(engine, reader):
    engine.teach(qa=[{"question": "Which hall holds the gauge?", "answer": "Hall four"}])
    plain = engine.ask("Which hall holds the gauge?")
    said = "Hello! Could you please tell me which hall holds the gauge, if you know?"
    polite = engine.ask(said)
    assert (polite.text, polite.confidence) == (plain.text, plain.confidence) == ("Hall four", plain.confidence)
    assert reader.read_passages == []
    assert polite.question == said
    engine.feedback(polite.episode, correct=False, answer="Hall five")
    assert engine.ask(said).text == "Hall five"


def test_feedback_on_an_unknown_episode(engine):
    engine.teach(KILN)
    with pytest.raises(UnknownEpisode):
        engine.feedback("nothing", correct=True)


@pytest.mark.parametrize("question", ["", "   ", "?!", "x" * 5000])
def test_questions_that_are_none(engine, question):
    engine.teach(KILN)
    with pytest.raises(BadInput, match="question"):
        engine.ask(question)


def test_an_unknown_namespace(engine):
    with pytest.raises(UnknownNamespace, match="default"):
        engine.ask("How hot?")


def test_chat_keeps_both_sides_in_one_session(engine):
    engine.teach(KILN)
    stages: list[str] = []
    first = engine.chat("How hot does the kiln fire?", on_stage=stages.append)
    second = engine.chat("Who built it?", session=first.session)
    assert second.session == first.session
    assert [message["role"] for message in engine.memory.messages(first.session)] == ["user", "assistant"] * 2
    assert stages == ["recalling", "reading", "checking"]


def test_many_threads(engine):
    engine.teach(KILN)
    found: list[str] = []
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            engine.teach(f"Shelf {number} holds {number} vases.")
            found.append(engine.ask("At what degrees does the Halden kiln fire stoneware?").candidates[0].text)
        except BaseException as error:  # handed to the test, which fails on it
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert found == ["1,240 degrees"] * 8


def test_think(engine):
    thought = engine.think("Who built the Halden kiln?")
    assert (thought.dim, thought.answer_type) == (64, "human")
