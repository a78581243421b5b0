"""Recall is what brute force finds, stays within a namespace, and sees every commit."""

from __future__ import annotations

import random

import numpy as np
import pytest

from alen.errors import BadInput, UnknownEpisode, UnknownNamespace
from alen.memory import EpisodicMemory, fusion, reranking
from alen.types import PassageDraft
from tests.memory.conftest import BOTH, HashEncoder, drafts

pytestmark = BOTH

WORDS = "kiln key yard door clay glaze oven wheel brush water salt ash copper iron shelf cone draft flame"


def corpus(count: int, seed: int = 3) -> list[PassageDraft]:
    chance = random.Random(seed)
    found = []
    for number in range(count):
        one = " ".join(chance.choices(WORDS.split(), k=8)) + f" one{number}."
        two = " ".join(chance.choices(WORDS.split(), k=6)) + f" two{number}."
        text = f"{one} {two}"
        found.append(PassageDraft(text, sentences=((0, len(one)), (len(one) + 1, len(text)))))
    return found


@pytest.mark.parametrize("faiss_from", [10**9, 1])
def test_recall_is_brute_force(
    memory: EpisodicMemory, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch, faiss_from: int
) -> None:
    if faiss_from == 1:
        pytest.importorskip("faiss", reason="sealed indexes need faiss: pip install -e '.[cpu]'")
    monkeypatch.setattr("alen.memory.index.exact.FAISS_FROM", faiss_from)
    stored = corpus(160)
    memory.teach_passages("all", stored[:100], content_hash="1", replaces_source=False)
    memory.recollect("kiln")
    memory.teach_passages("all", stored[100:], content_hash="2", replaces_source=False)

    def half(texts: list[str]) -> np.ndarray:
        return encoder.encode(texts).astype(np.float16).astype(np.float32)

    whole = half([draft.text for draft in stored])
    parts = [half([draft.text[start:end] for start, end in draft.sentences]) for draft in stored]
    for question in ("copper kiln in the yard", "salt and ash on the iron shelf", "one7 flame"):
        query = encoder.encode([question])[0]
        hits = memory.recollect(question, query, passages=200).passages
        assert len(hits) == 160
        for hit in hits:
            place = hit.passage.id - 1
            assert hit.passage.text == stored[place].text
            assert hit.explain["dense"] == pytest.approx(float(whole[place] @ query), abs=1e-5)
            best = parts[place] @ query
            assert hit.explain["sentence"] == pytest.approx(float(best.max()), abs=1e-5)
            assert hit.sentence in stored[place].sentences
        bm25 = {hit.passage.id: hit.explain["bm25"] for hit in hits if "bm25" in hit.explain}
        assert set(bm25) == {number for number, draft in enumerate(stored, 1) if _words(draft.text) & _words(question)}
        signals = {
            "bm25": bm25,
            "dense": {number: float(whole[number - 1] @ query) for number in range(1, 161)},
            "sentence": {number: float((parts[number - 1] @ query).max()) for number in range(1, 161)},
        }
        fused = fusion.fuse(signals)
        read = [number for number, _ in fused[: reranking.DEPTH]]
        sentences = [[stored[number - 1].text[a:b] for a, b in stored[number - 1].sentences] for number in read]
        expected = dict(reranking.rerank(fused, dict(zip(read, reranking.shares(question, sentences), strict=True))))
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        for hit in hits:
            assert hit.score == pytest.approx(expected[hit.passage.id], abs=1e-4)


def _words(text: str) -> set[str]:
    return set(text.casefold().replace(".", "").split()) - {"in", "the", "and", "on"}


def test_few_are_the_first_of_many(memory: EpisodicMemory) -> None:
    memory.teach_passages("all", corpus(120), content_hash="1")
    many = memory.recollect("copper kiln in the yard", passages=100).passages
    few = memory.recollect("copper kiln in the yard", passages=5).passages
    assert few[0].passage.id == many[0].passage.id
    assert len(few) == 5


def test_namespaces_never_see_each_other(memory: EpisodicMemory) -> None:
    memory.teach_passages("all", corpus(100), content_hash="1", namespace="big")
    memory.teach_passages("all", drafts("The copper kiln of the small house."), content_hash="1", namespace="small")
    memory.remember(question="Where is the kiln?", answer="In the big house", namespace="big")
    found = memory.recollect("Where is the kiln?", passages=50, episodes=5, namespace="small")
    assert [hit.passage.text for hit in found.passages] == ["The copper kiln of the small house."]
    assert found.episodes == ()
    assert memory.namespaces() == ["big", "small"]
    assert not memory.has_namespace("default")
    assert memory.recollect("kiln") == type(found)()
    foreign = memory.recollect("kiln", namespace="big").passages[0].passage.id
    with pytest.raises(BadInput, match="namespace"):
        memory.recollect("kiln", namespace=" ")
    with pytest.raises(UnknownEpisode):
        memory.show(str(foreign), namespace="small")


def test_another_process_is_heard(url: str, memory: EpisodicMemory, encoder: HashEncoder) -> None:
    memory.teach_passages("a", drafts("The kiln is hot."), content_hash="1")
    assert len(memory.recollect("kiln").passages) == 1
    with EpisodicMemory.open(url, encoder=encoder) as other:
        other.teach_passages("b", drafts("The kiln is cold."), content_hash="1")
        assert len(memory.recollect("kiln").passages) == 2
        other.teach_passages("a", [], content_hash="2")
        assert [hit.passage.text for hit in memory.recollect("kiln").passages] == ["The kiln is cold."]
        uid = other.remember(question="Is the kiln hot?", answer="No")
        assert memory.recollect("is the KILN hot").episodes[0].episode.id == uid


def test_words_alone_without_an_encoder_and_vectors_when_one_comes(url: str, encoder: HashEncoder) -> None:
    with EpisodicMemory.open(url) as plain:
        plain.teach_passages("a", drafts("The kiln is hot.", "The key is lost."), content_hash="1")
        uid = plain.remember(question="Where is the key?", answer="In the yard")
        hit = plain.recollect("the key").passages[0]
        assert hit.passage.text == "The key is lost."
        assert "dense" not in hit.explain
        found = plain.recollect("where is that key now").episodes
        assert (found[0].episode.id, found[0].exact) == (uid, False)
        assert 0 < found[0].score < 1
    with EpisodicMemory.open(url, encoder=encoder) as full:
        hit = full.recollect("the key").passages[0]
        assert hit.explain["dense"] > 0.3
        assert full.recollect("where is that key now").episodes[0].score > 0.3
        encoder.encoded.clear()
    with EpisodicMemory.open(url, encoder=encoder):
        assert not encoder.encoded


def test_query_syntax_is_only_words(memory: EpisodicMemory) -> None:
    memory.teach_passages("a", drafts("The kiln is hot."), content_hash="1")
    for question in (
        '"kiln" OR (NEAR',
        "kiln*",
        "text:kiln",
        "ns1",
        "ns : ns1",
        "AND NOT",
        "'; DROP TABLE passage; --",
        "?",
        "the",
    ):
        assert len(memory.recollect(question).passages) == 1
    with EpisodicMemory.open(memory._store.url.render_as_string()) as plain:
        assert plain.recollect("ns1").passages == ()
        assert plain.recollect("???").passages == ()


def test_a_vector_of_another_kind_is_refused(memory: EpisodicMemory) -> None:
    memory.teach_passages("a", drafts("The kiln is hot."), content_hash="1")
    for vector in (np.ones(3, np.float32), np.full(256, np.nan, np.float32), np.zeros(256, np.float32)):
        with pytest.raises(BadInput, match="vector"):
            memory.recollect("kiln", vector)


def test_search_mixes_both_and_knows_its_namespaces(url: str, memory: EpisodicMemory, encoder: HashEncoder) -> None:
    memory.teach_passages("a", drafts("The spare key hangs in the yard.", "The kiln is hot."), content_hash="1")
    uid = memory.remember(question="Where is the spare key?", answer="In the jar")
    hits = memory.search("where is the spare key", 2)
    assert hits[0].score == 1.0
    assert {type(hit).__name__ for hit in hits} == {"EpisodeHit", "PassageHit"}
    assert memory.show(uid)["answer"] == "In the jar"
    with EpisodicMemory.open(url, encoder=encoder, namespace="nowhere", create=False) as looking:
        with pytest.raises(UnknownNamespace, match="default"):
            looking.search("key")
        with pytest.raises(UnknownNamespace):
            looking.stats()
        assert looking.namespaces() == ["default"]
