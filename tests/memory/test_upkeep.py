"""Changing, forgetting, merging, erasing, checking and moving, on both databases."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from alen.errors import BadInput, CorruptWeights, EmbeddingMismatch, UnknownEpisode
from alen.memory import EpisodicMemory
from alen.upkeep import ForgettingPolicy
from tests.memory.conftest import BOTH, HashEncoder, drafts

pytestmark = BOTH


def questions(memory: EpisodicMemory, text: str, **options: object) -> list[str]:
    return [hit.episode.question for hit in memory.recollect(text, **options).episodes]  # type: ignore[arg-type]  # options of any kind


def test_an_episode_changes_and_its_history_stays(memory: EpisodicMemory) -> None:
    uid = memory.remember(question="Where is the spare key?", answer="Under the mat.", tags=["house"])
    changed = memory.update(uid, answer="In the blue pot.", tags=["house", "key"], confidence=0.8)
    assert (changed.answer, changed.tags, changed.confidence) == ("In the blue pot.", ("house", "key"), 0.8)
    assert memory.recollect("Where is the spare key?").episodes[0].episode.answer == "In the blue pot."
    past = memory.history(uid)
    assert [each["answer"] for each in past] == ["Under the mat.", "In the blue pot."]
    assert past[-1]["until"] is None
    with pytest.raises(BadInput, match="colour"):
        memory.update(uid, colour="red")
    with pytest.raises(BadInput):
        memory.update(uid)


def test_a_changed_question_is_found_by_its_new_words(memory: EpisodicMemory) -> None:
    uid = memory.remember(question="Where is the spare key?", answer="In the blue pot.")
    memory.update(uid, question="Who repaired the ferry engine?")
    assert questions(memory, "Who repaired the ferry engine?")[0] == "Who repaired the ferry engine?"
    assert memory.recollect("Who repaired the ferry engine?").episodes[0].exact


def test_deleted_is_gone(memory: EpisodicMemory) -> None:
    uid = memory.remember(question="Where is the spare key?", answer="In the blue pot.")
    with pytest.raises(UnknownEpisode):
        memory.delete([uid, "nobody"])
    assert memory.get(uid).answer == "In the blue pot."
    assert memory.delete(uid) == 1
    assert questions(memory, "Where is the spare key?") == []
    with pytest.raises(UnknownEpisode):
        memory.get(uid)
    assert memory.remember(question="Where is the spare key?", answer="In the blue pot.") != uid


def test_superseded_is_found_only_in_its_time(memory: EpisodicMemory) -> None:
    old = memory.remember(question="Who leads the guild?", answer="Ilse Brandt")
    before = memory.get(old).created_at
    new = memory.remember(question="Who leads the guild?", answer="Tomas Reyk")
    memory.supersede(old, new)
    assert [hit.episode.answer for hit in memory.recollect("Who leads the guild?").episodes] == ["Tomas Reyk"]
    then = memory.recollect("Who leads the guild?", where={"as_of": before}).episodes
    assert "Ilse Brandt" in [hit.episode.answer for hit in then]
    with pytest.raises(BadInput):
        memory.supersede(new, new)


def test_conditions_narrow_what_is_recalled(memory: EpisodicMemory) -> None:
    for number in range(30):
        memory.remember(
            question=f"What does gauge {number} show?",
            answer=f"{number} bar",
            tags=["north"] if number % 10 == 0 else ["south"],
            confidence=number / 30,
            source="log" if number % 2 else "user",
        )
    found = memory.recollect("What does the gauge show?", episodes=30, where={"tags": "north"}).episodes
    assert {hit.episode.answer for hit in found} == {"0 bar", "10 bar", "20 bar"}
    sure = memory.recollect("What does the gauge show?", episodes=30, where={"min_confidence": 0.9}).episodes
    assert {hit.episode.answer for hit in sure} == {"27 bar", "28 bar", "29 bar"}
    logged = memory.recollect("What does the gauge show?", episodes=30, where={"sources": ["log"]}).episodes
    assert len(logged) == 15
    assert not memory.recollect("gauge", where={"until": "2001-01-01"}).episodes
    with pytest.raises(BadInput, match="colour"):
        memory.recollect("gauge", where={"colour": "red"})
    with pytest.raises(BadInput, match="ISO 8601"):
        memory.recollect("gauge", where={"since": "yesterday"})


def test_nearly_the_same_is_merged_and_taken_apart(memory: EpisodicMemory) -> None:
    first = memory.remember(question="Where is the spare key kept?", answer="In the blue pot.")
    twin = memory.remember(question="Where is the spare key kept", answer="in the  blue pot", context="asked again")
    other = memory.remember(question="Where is the spare key kept?", answer="Under the mat.")
    plan = memory.merge()
    assert [(each.kept, each.folded) for each in plan] == [(first, (twin,))]
    assert len(memory.recollect("Where is the spare key kept?").episodes) == 3
    memory.merge(dry_run=False)
    assert {hit.episode.id for hit in memory.recollect("Where is the spare key kept?").episodes} == {first, other}
    assert memory.merge() == []
    assert memory.unmerge(first) == [twin]
    assert len(memory.recollect("Where is the spare key kept?").episodes) == 3


def test_what_has_run_out_is_forgotten_in_two_steps(memory: EpisodicMemory) -> None:
    short = memory.remember(question="Is the ferry late?", answer="Yes, today.", ttl=-1.0)
    kept = memory.remember(question="Where is the spare key?", answer="In the blue pot.")
    assert questions(memory, "Is the ferry late?") == ["Where is the spare key?"]
    assert [(each.uid, each.action, each.reason) for each in memory.forget()] == [(short, "archive", "expired")]
    memory.forget(dry_run=False)
    assert memory.get(short).status == "archived"
    assert memory.forget(ForgettingPolicy(grace_days=0.0), dry_run=False)[0].action == "purge"
    with pytest.raises(UnknownEpisode):
        memory.get(short)
    assert memory.get(kept).status == "active"


def test_what_people_taught_and_what_is_pinned_does_not_fade(memory: EpisodicMemory) -> None:
    gold = memory.remember(question="Where is the spare key?", answer="In the blue pot.")
    faint = memory.remember(question="Who rang?", answer="The post.", tier="certified", confidence=0.2)
    pinned = memory.remember(question="Who rang twice?", answer="The guild.", tier="certified", confidence=0.2)
    memory.update(pinned, pinned=True)
    policy = ForgettingPolicy(half_life_days=1e-9)
    assert [each.uid for each in memory.forget(policy, dry_run=False)] == [faint]
    assert {memory.get(uid).status for uid in (gold, pinned)} == {"active"}
    crowd = [memory.remember(question=f"Note {n}?", answer="x", tier="certified") for n in range(5)]
    too_many = memory.forget(ForgettingPolicy(keep=4), dry_run=False)
    assert len(too_many) == 3
    assert {each.uid for each in too_many} <= set(crowd)


def test_erased_bytes_are_nowhere(memory: EpisodicMemory, tmp_path: Path, url: str) -> None:
    secret = "Zanzibar-quintessence-4711"
    kept = memory.remember(question="Where is the spare key?", answer="In the blue pot.")
    uid = memory.remember(question=f"Who knows {secret}?", answer=f"Only {secret} knows.", tags=[secret])
    memory.update(uid, answer=f"{secret} and nobody else.")
    memory.teach_passages("book", drafts(f"The {secret} was sealed.", "The kiln is hot."), content_hash="1")
    memory.record_answer({"question": "Who?", "answer": secret, "confidence": 0.5,
                          "evidence": [{"kind": "episode", "id": uid}]}, memory.session("s"))  # fmt: skip
    receipt = memory.erase([uid])
    assert receipt.episodes == 2
    assert memory.erase(source="book").passages == 2
    assert len(memory.receipts()) == 2
    assert memory.get(kept).answer == "In the blue pot."
    assert questions(memory, "Where is the spare key?") == ["Where is the spare key?"]
    if url.startswith("sqlite"):
        memory.close()
        for file in tmp_path.rglob("*"):
            if file.is_file():
                content = file.read_bytes().lower()
                assert secret.lower().encode() not in content, file.name
                assert b"quintess" not in content, file.name


def test_a_whole_namespace_is_erased_and_the_others_stay(memory: EpisodicMemory) -> None:
    memory.remember(question="Where is the spare key?", answer="In the blue pot.", namespace="a")
    memory.remember(question="Where is the spare key?", answer="Under the mat.", namespace="b")
    assert memory.erase(whole=True, namespace="a").episodes == 1
    assert memory.recollect("Where is the spare key?", namespace="a").episodes == ()
    assert memory.recollect("Where is the spare key?", namespace="b").episodes[0].episode.answer == "Under the mat."
    with pytest.raises(BadInput, match="erase"):
        memory.erase(namespace="b")


@pytest.mark.parametrize("level", ["quick", "normal", "deep"])
def test_a_sound_memory_is_found_sound(memory: EpisodicMemory, level: str) -> None:
    memory.teach_passages("book", drafts(*(f"Kiln {n} is hot. It glows." for n in range(40))), content_hash="1")
    memory.remember(question="Where is the spare key?", answer="In the blue pot.")
    report = memory.verify(level)  # type: ignore[arg-type]  # options of any kind
    assert report.ok, report.problems
    assert report.checked["passage"] == 40


def test_lost_vectors_are_noticed_and_made_again(memory: EpisodicMemory) -> None:
    memory.teach_passages("book", drafts(*(f"Kiln {n} is hot." for n in range(40))), content_hash="1")
    with memory._store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM embedding WHERE item_id < 10")
        connection.exec_driver_sql("UPDATE embedding SET item_id = item_id + 5000 WHERE item_id > 35")
    report = memory.verify("quick")
    assert not report.ok
    assert {problem.part for problem in report.problems} >= {"embeddings"}
    assert memory.verify("quick", repair=True).ok
    assert memory.verify("deep").ok


def test_export_and_import_are_the_same_memory(memory: EpisodicMemory, tmp_path: Path, encoder: HashEncoder) -> None:
    old = memory.remember(question="Who leads the guild?", answer="Ilse Brandt", tags=["guild"])
    new = memory.remember(question="Who leads the guild?", answer="Tomas Reyk", detail={"page": 4})
    memory.supersede(old, new)
    memory.teach_passages("book", drafts(*(f"Kiln {n} is hot." for n in range(9))), content_hash="1")
    manifest = memory.export(tmp_path / "out")
    assert manifest["files"]["episodes.jsonl"]["rows"] == 2
    with EpisodicMemory.open(f"sqlite:///{tmp_path / 'other.db'}", encoder=encoder) as other:
        assert other.import_(tmp_path / "out").stored == 11
        assert other.import_(tmp_path / "out").stored == 0
        assert other.get(new) == memory.get(new)
        assert other.get(old).status == "superseded"
        assert [hit.passage.text for hit in other.recollect("Kiln 3").passages][:1] == ["Kiln 3 is hot."]
        assert other.verify("deep").ok
    lines = (tmp_path / "out" / "episodes.jsonl").read_text().replace("Tomas", "Thomas")
    (tmp_path / "out" / "episodes.jsonl").write_text(lines)
    with pytest.raises(CorruptWeights, match="changed"):
        memory.import_(tmp_path / "out")
    with pytest.raises(BadInput, match="empty folder"):
        memory.export(tmp_path / "out")


def test_another_encoder_takes_over_while_memory_serves(memory: EpisodicMemory, url: str) -> None:
    memory.teach_passages("book", drafts(*(f"Kiln {n} is hot." for n in range(600))), content_hash="1")
    memory.remember(question="Where is the spare key?", answer="In the blue pot.")
    new = HashEncoder(128, "other")
    with pytest.raises(EmbeddingMismatch, match="--encoder"):
        EpisodicMemory.open(url, encoder=new)

    class Interrupted(HashEncoder):
        def encode(self, texts: list[str]) -> np.ndarray:
            if len(self.encoded) > 1000:
                raise KeyboardInterrupt
            return super().encode(texts)

    with pytest.raises(KeyboardInterrupt):
        memory.reembed(Interrupted(128, "other"))
    assert memory.recollect("Kiln 3").passages[0].passage.text == "Kiln 3 is hot."
    before = len(new.encoded)
    assert memory.reembed(new) < 601
    assert len(new.encoded) > before
    assert memory.recollect("Kiln 3").passages[0].passage.text == "Kiln 3 is hot."
    assert memory.verify("deep").ok
    with EpisodicMemory.open(url, encoder=new) as again:
        assert again.recollect("Kiln 5").passages[0].passage.text == "Kiln 5 is hot."


def test_mem0_and_chroma_files_are_read(url: str, tmp_path: Path) -> None:
    from alen.memory import importing

    file = tmp_path / "mem0.json"
    file.write_text(json.dumps({"results": [{"id": "1", "memory": "Likes tea", "user_id": "ann"}]}))
    assert list(importing.mem0(file)) == [
        {"question": "Likes tea", "answer": "Likes tea", "tags": ["user_id:ann"], "source": "mem0",
         "detail": {"mem0": "1"}}
    ]  # fmt: skip
    file.write_text('{"results": 3}')
    with pytest.raises(BadInput):
        list(importing.mem0(file))
    with pytest.raises(BadInput, match=r"chroma\.sqlite3"):
        list(importing.chroma(tmp_path))
