"""The vector store of LangChain: what its own tests do not ask."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from langchain_core.documents import Document

from alen.errors import BadInput, EmbeddingMismatch
from alen.integrations.embeddings import AlenEmbeddings, EmbeddingsEncoder, encoder_of
from alen.integrations.langchain import AlenVectorStore
from alen.memory import EpisodicMemory
from tests.integrations.conftest import WordEmbeddings
from tests.memory.conftest import BOTH, HashEncoder

SAYINGS = ["the kiln is fired on tuesdays", "the glaze needs a second coat", "clay from the river is red"]


@pytest.fixture
def store(url: str, embeddings: WordEmbeddings) -> Iterator[AlenVectorStore]:
    with AlenVectorStore(embeddings, url) as opened:
        yield opened


def texts(documents: list[Document]) -> list[str]:
    return [document.page_content for document in documents]


@BOTH
def test_the_same_text_under_two_ids_is_two_documents(store: AlenVectorStore) -> None:
    """Also where the ids differ in case alone: memory folds case where it compares questions."""
    store.add_texts([SAYINGS[0]] * 3, [{"n": 1}, {"n": 2}, {"n": 3}], ids=["a", "A", "b"])
    found = store.similarity_search("kiln", k=5)
    assert {(each.id, each.metadata["n"]) for each in found} == {("a", 1), ("A", 2), ("b", 3)}
    store.delete(["A"])
    assert {each.id for each in store.get_by_ids(["a", "A", "b"])} == {"a", "b"}


@BOTH
def test_what_was_added_is_there_for_the_next_process(
    store: AlenVectorStore, url: str, embeddings: WordEmbeddings
) -> None:
    with AlenVectorStore(embeddings, url) as other:
        assert other.similarity_search("kiln") == []
        ids = store.add_texts(SAYINGS, [{"n": n} for n in range(3)])
        assert texts(other.similarity_search("tuesdays kiln", k=1)) == SAYINGS[:1]
        assert {each.id: each.metadata for each in other.get_by_ids(ids)} == {ids[n]: {"n": n} for n in range(3)}
        store.add_texts(["the kiln is cold"], ids=ids[:1])
        assert texts(other.similarity_search("kiln", k=1)) == ["the kiln is cold"]
        assert len(other.similarity_search("kiln", k=9)) == 3


@BOTH
def test_filter_is_by_metadata_and_before_the_count(store: AlenVectorStore) -> None:
    metadatas = [{"n": n, "odd": n % 2 == 1, "by": f"{n % 5} o'clock"} for n in range(60)]
    store.add_texts([f"kiln number {n}" for n in range(60)], metadatas)
    found = store.similarity_search("kiln number 0", k=4, filter={"odd": True, "by": "1 o'clock"})
    assert [each.metadata["n"] % 10 for each in found] == [1, 1, 1, 1]
    assert store.similarity_search("kiln", filter={"odd": 1}) == []  # 1 is a number and no truth value
    assert store.similarity_search("kiln", filter={"nothing": None}) == []
    with pytest.raises(BadInput, match="filter, by"):
        store.similarity_search("kiln", filter={"by": ["1 o'clock"]})


def test_an_empty_page_is_kept_and_never_found(store: AlenVectorStore) -> None:
    """Loaders give a document for each page, also for an empty one."""
    store.add_documents(
        [Document("", metadata={"page": 1}), Document(" \n"), Document(SAYINGS[0])], ids=["1", "2", "3"]
    )
    assert [each.id for each in store.similarity_search("empty", k=9)] == ["3"]
    assert {each.id: each.page_content for each in store.get_by_ids(["1", "2"])} == {"1": "", "2": " \n"}
    store.memory.checkpoint()
    assert store.memory.verify("deep").problems == ()


def test_texts_may_come_one_by_one(store: AlenVectorStore) -> None:
    assert len(store.add_texts(text for text in SAYINGS)) == 3
    assert len(store.similarity_search("the", k=9)) == 3


def test_what_does_not_fit_is_told_before_anything_is_stored(store: AlenVectorStore) -> None:
    with pytest.raises(BadInput, match="metadatas: found 1"):
        store.add_texts(SAYINGS, [{}])
    with pytest.raises(BadInput, match="ids: found 1"):
        store.add_texts(SAYINGS, ids=["a"])
    with pytest.raises(BadInput, match="'b', detail"):
        store.add_texts(SAYINGS[:2], [{}, {"at": datetime.date(2026, 1, 1)}], ids=["a", "b"])
    assert store.get_by_ids(["a", "b"]) == []


def test_scores_are_cosines(store: AlenVectorStore, embeddings: WordEmbeddings) -> None:
    store.add_texts(SAYINGS)
    question = np.array(embeddings.embed_query("the kiln"))
    for document, score in store.similarity_search_with_score("the kiln", k=3):
        vector = np.array(embeddings.embed_query(document.page_content))
        cosine = question @ vector / np.linalg.norm(question) / np.linalg.norm(vector)
        assert score == pytest.approx(cosine, abs=2e-3)  # stored as half floats
    ((_, relevance),) = store.similarity_search_with_relevance_scores(SAYINGS[1], k=1)
    assert 0.999 < relevance <= 1.0


def test_marginal_relevance_leaves_out_what_was_said(store: AlenVectorStore) -> None:
    store.add_texts([SAYINGS[0], SAYINGS[0] + " again", SAYINGS[1]], ids=["1", "2", "3"])
    assert [each.id for each in store.similarity_search(SAYINGS[0], k=2)] == ["1", "2"]
    found = store.max_marginal_relevance_search(SAYINGS[0], k=2, fetch_k=3, lambda_mult=0.3)
    assert [each.id for each in found] == ["1", "3"]


def test_what_was_taught_by_other_ways_is_no_document(store: AlenVectorStore) -> None:
    store.memory.remember(question="the kiln", answer="in the yard")
    assert store.similarity_search("the kiln") == []


def test_namespaces_do_not_see_each_other(store: AlenVectorStore, url: str, embeddings: WordEmbeddings) -> None:
    store.add_texts(SAYINGS[:1], ids=["1"])
    with AlenVectorStore(embeddings, url, namespace="other") as other:
        assert other.similarity_search("kiln") == []
        other.add_texts(["the kiln is cold"], ids=["1"])
        other.delete()
        assert other.get_by_ids(["1"]) == []
    assert texts(store.get_by_ids(["1"])) == SAYINGS[:1]


def test_erasing_leaves_no_byte(tmp_path: Path, embeddings: WordEmbeddings) -> None:
    with AlenVectorStore(embeddings, f"sqlite:///{tmp_path / 'memory.db'}") as store:
        store.add_texts(["the secret of Halden", *SAYINGS], [{"by": "Brandt"}, {}, {}, {}], ids=list("abcd"))
        assert store.erase(["a"]).episodes == 1
        assert store.get_by_ids(["a"]) == []
        assert len(store.similarity_search("the secret of Halden", k=9)) == 3
    left = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"Halden" not in left
    assert b"Brandt" not in left
    assert SAYINGS[0].encode() in left


@BOTH
def test_ids_outlast_an_export(store: AlenVectorStore, url: str, embeddings: WordEmbeddings, tmp_path: Path) -> None:
    store.add_texts(SAYINGS, [{"n": n} for n in range(3)], ids=["1", "2", "3"])
    store.memory.export(tmp_path / "out")
    with AlenVectorStore(embeddings, f"sqlite:///{tmp_path / 'copy.db'}", namespace="copy") as copy:
        copy.memory.import_(tmp_path / "out")
        assert copy.get_by_ids(["2"]) == [Document(SAYINGS[1], id="2", metadata={"n": 1})]
        copy.add_texts(["the glaze is dry"], ids=["2"])
        assert sorted(texts(copy.similarity_search("the", k=9))) == sorted([SAYINGS[0], "the glaze is dry", SAYINGS[2]])


def test_another_model_is_refused(url: str, embeddings: WordEmbeddings) -> None:
    with AlenVectorStore(embeddings, url) as store:
        store.add_texts(SAYINGS)
    for other in (WordEmbeddings(128), WordEmbeddings(salt="z")):
        with pytest.raises(EmbeddingMismatch):
            AlenVectorStore(other, url)
    with AlenVectorStore(WordEmbeddings(), url) as store:
        assert len(store.similarity_search("the", k=9)) == 3


def test_noise_of_a_service_does_not_change_the_fingerprint() -> None:
    class Noisy(WordEmbeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            chance = np.random.default_rng()
            return [
                (np.array(each) + chance.normal(0, 1e-5, self.dim)).tolist() for each in super().embed_documents(texts)
            ]

    assert len({EmbeddingsEncoder(Noisy()).fingerprint for _ in range(20)}) == 1


def test_a_vector_without_direction_is_refused(store: AlenVectorStore) -> None:
    with pytest.raises(BadInput, match="without a direction"):
        store.similarity_search_by_vector([0.0] * 256)


def test_an_encoder_of_alen_shares_its_store_with_the_rest_of_alen(url: str, encoder: HashEncoder) -> None:
    assert encoder_of(AlenEmbeddings(encoder)) is encoder
    with AlenVectorStore(AlenEmbeddings(encoder), url) as store, EpisodicMemory.open(url, encoder=encoder) as memory:
        store.add_texts(SAYINGS)
        memory.remember(question="Who fires the kiln?", answer="Brandt")
        assert memory.recall("the kiln is fired on tuesdays", namespace="langchain")[0].exact


async def test_many_tasks_at_once(store: AlenVectorStore) -> None:
    await asyncio.gather(*(store.aadd_texts([f"kiln {n}"], ids=[str(n % 10)]) for n in range(40)))
    found = await store.asimilarity_search("kiln", k=100)
    assert sorted(each.id for each in found) == sorted(map(str, range(10)))


def test_without_a_place_it_lives_in_this_process(embeddings: WordEmbeddings) -> None:
    with AlenVectorStore.from_texts(SAYINGS, embeddings, ids=["1", "2", "3"]) as store:
        assert store.as_retriever(search_kwargs={"k": 1}).invoke("glaze coat")[0].id == "2"
