"""Memory into weights: what holds is learned, what was taken back is not, and an erasure leaves nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from alen.engine import Engine, consolidating
from alen.engine.consolidating import LATENT_KEY
from alen.errors import BadInput, WorkError
from alen.text.tokenizer import Tokenizer
from tests.language_model.test_model import byte_metadata

PAIRS = {
    "Who keeps the spare key?": "Ann",
    "How hot does the Halden kiln burn?": "1,240 degrees",
    "Where lies the old ferry?": "at the quay",
    "Which colour has the mill door?": "blue",
}


@pytest.fixture
def taught(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(consolidating, "tokenizer_of", lambda engine: Tokenizer.from_gguf(byte_metadata()))
    monkeypatch.setattr(consolidating, "WIDTH", 32)
    monkeypatch.setattr("alen.latent_decoder.steps_for", lambda texts: 160)
    engine.teach(qa=[{"question": question, "answer": answer} for question, answer in PAIRS.items()])
    return engine


def said(engine: Engine, question: str) -> str:
    decoder = engine.consolidated()
    assert decoder is not None
    return decoder.generate(engine.think(question))


def uid_of(engine: Engine, question: str) -> str:
    return engine.memory.recall(question)[0].episode.id


def test_what_holds_is_learned(taught: Engine) -> None:
    assert taught.consolidated() is None
    stages: list[tuple[str, int, int]] = []
    report = taught.consolidate(progress=lambda *stage: stages.append(stage))
    assert (report["pairs"], report["left_out"], report["kept"]) == (4, 0, "new")
    assert report["recalled"] == 1.0
    assert report["reworded"] >= 0.5
    assert stages[-1] == ("training", 160, 160)
    assert [said(taught, question) for question in PAIRS] == list(PAIRS.values())
    folder = taught.memory.weights_folder()
    assert folder is not None
    assert folder.is_relative_to(f"{taught.memory._store.file}.index")


def test_answers_of_alen_count_once_they_are_verified(taught: Engine) -> None:
    episode = taught.ask("What is 17 + 4?").episode
    assert taught.consolidate()["pairs"] == 4
    taught.feedback(episode, correct=True)
    assert taught.consolidate()["pairs"] == 5
    assert said(taught, "What is 17 + 4?") == "21"


def test_what_was_taken_back_is_gone_after_the_next(taught: Engine) -> None:
    taught.consolidate()
    taught.feedback(uid_of(taught, "Who keeps the spare key?"), correct=False, answer="Tom")
    assert said(taught, "Who keeps the spare key?") == "Ann"
    # Only the old one knows all of what is asked: it goes all the same.
    report = taught.consolidate()
    assert report["kept"] == "new"
    assert said(taught, "Who keeps the spare key?") == "Tom"
    decoder = taught.consolidated()
    assert decoder is not None
    assert not set(decoder.fitted.tokenizer.encode("A")) & set(decoder.fitted.vocabulary.tokens)


def test_an_erasure_takes_the_weights_along(taught: Engine) -> None:
    taught.consolidate()
    folder = taught.memory.weights_folder()
    assert folder is not None
    assert folder.exists()
    taught.memory.erase([uid_of(taught, "Who keeps the spare key?")])
    assert not folder.exists()
    assert taught.consolidated() is None
    assert taught.memory.load_state(LATENT_KEY) is None
    assert taught.consolidate()["pairs"] == 3
    assert taught.consolidated() is not None


def test_weights_that_an_erasure_could_not_reach_are_not_used(taught: Engine, tmp_path: Path) -> None:
    """As on another machine of the same database."""
    taught.consolidate()
    folder = taught.memory.weights_folder()
    assert folder is not None
    copy = folder.rename(tmp_path / "elsewhere")
    taught.memory.erase([uid_of(taught, "Who keeps the spare key?")])
    copy.rename(folder)
    assert taught.consolidated() is None


def test_what_is_erased_meanwhile_is_never_kept(taught: Engine) -> None:
    uid = uid_of(taught, "Who keeps the spare key?")

    def erase(stage: str, done: int, total: int) -> None:
        if done == total:
            taught.memory.erase([uid])

    with pytest.raises(WorkError, match="taken back"):
        taught.consolidate(progress=erase)
    folder = taught.memory.weights_folder()
    assert folder is not None
    assert not folder.exists()
    assert taught.consolidated() is None


def test_a_better_one_stays(taught: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    taught.consolidate()
    before = taught.memory.load_state(LATENT_KEY)
    monkeypatch.setattr("alen.latent_decoder.steps_for", lambda texts: 1)
    report = taught.consolidate()
    assert report["kept"] == "old"
    assert report["reworded_before"] > report["reworded"]
    assert taught.memory.load_state(LATENT_KEY) == before
    assert said(taught, "Who keeps the spare key?") == "Ann"
    taught.memory.retract(uid_of(taught, "Where lies the old ferry?"))
    assert taught.consolidate()["kept"] == "new"


def test_damage_is_no_answer(taught: Engine) -> None:
    taught.consolidate()
    folder = taught.memory.weights_folder()
    assert folder is not None
    (folder / "model.safetensors").write_bytes(b"nothing")
    assert taught.consolidated() is None
    assert taught.consolidate()["kept"] == "new"


def test_when_nothing_holds_there_is_no_decoder(taught: Engine) -> None:
    taught.consolidate()
    for question in PAIRS:
        taught.memory.retract(uid_of(taught, question))
    report = taught.consolidate()
    assert (report["pairs"], report["kept"]) == (0, "none")
    assert taught.consolidated() is None


def test_answers_too_long_are_counted(taught: Engine) -> None:
    taught.teach(qa=[{"question": "What does the whole letter say?", "answer": "Dear Ann, " * 60}])
    report = taught.consolidate()
    assert (report["pairs"], report["left_out"]) == (4, 1)


def test_one_at_a_time(taught: Engine) -> None:
    folder = taught.memory.weights_folder()
    assert folder is not None
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(folder.name + ".lock")), pytest.raises(WorkError, match="Another process"):
        taught.consolidate()


@pytest.mark.parametrize("minutes", [0.0, -1.0, 1e6, float("nan")])
def test_absurd_times_are_refused(taught: Engine, minutes: float) -> None:
    with pytest.raises(BadInput, match="minutes"):
        taught.consolidate(minutes=minutes)


def test_a_namespace_that_nobody_taught_is_refused(engine: Engine) -> None:
    with pytest.raises(BadInput, match="memory"):
        engine.consolidate()


@pytest.mark.models
@pytest.mark.slow
def test_with_the_models_other_wordings_are_answered(linked_home: Path) -> None:
    from alen.benchmark.facts import facts

    some: list[Any] = facts()[:40]
    with Engine.open(home=linked_home) as engine:
        engine.teach(qa=[{"question": fact.question, "answer": fact.answer} for fact in some])
        report = engine.consolidate(minutes=1)
        assert report["recalled"] >= 0.9
        decoder = engine.consolidated()
        assert decoder is not None
        asked = [(other, fact.answer) for fact in some for other in fact.paraphrases]
        written = decoder.fitted.write([engine.think(question) for question, _ in asked])
        right = sum(text == answer for text, (_, answer) in zip(written, asked, strict=True))
        assert right >= 0.5 * len(asked)
