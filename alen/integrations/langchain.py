"""A vector store of LangChain that is a memory of ALEN: what was added is on the disk, and can be erased."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore
from langchain_core.vectorstores.utils import maximal_marginal_relevance

from alen.errors import BadInput
from alen.integrations.embeddings import encoder_of, unit
from alen.memory import EpisodicMemory
from alen.memory.keyed import KEY, KeyedEpisodes, key_of
from alen.types import Episode, EpisodeHit
from alen.upkeep import Receipt

SOURCE = "langchain"
EMPTY = "(empty)"
"""Stands for a text that has no letter: it is kept, and never found."""

FILTERED = (str, int, float, bool, type(None))
FILTERED_AT_MOST = 200


class AlenVectorStore(VectorStore):
    """The documents of one namespace. An id that is added again replaces what it named; the same text under two ids is
    two documents. ``filter`` is metadata: documents in which each of these keys has just this text or number.
    ``memory`` is the memory below it, for whatever a vector store has no word for."""

    def __init__(
        self, embedding: Embeddings, url: str, *, namespace: str = "langchain", fingerprint: str | None = None
    ) -> None:
        """Open or make the store at an SQLAlchemy URL such as ``sqlite:///notes.db``. One store holds the vectors of
        one embedding model; ``fingerprint`` names the model where its vectors do not tell it (see
        ``EmbeddingsEncoder``). Raises what ``EpisodicMemory.open`` raises."""
        self._embedding = embedding
        self.memory = EpisodicMemory.open(url, encoder=encoder_of(embedding, fingerprint), namespace=namespace)
        self._documents = KeyedEpisodes(self.memory)

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        url: str = "sqlite://",
        **options: Any,
    ) -> AlenVectorStore:
        """A store with these texts; without ``url`` in the memory of this process alone."""
        store = cls(embedding, url, **options)
        store.add_texts(texts, metadatas, ids=ids)
        return store

    @property
    def embeddings(self) -> Embeddings:
        return self._embedding

    def close(self) -> None:
        self.memory.close()

    def __enter__(self) -> AlenVectorStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """As ``add_documents``. Raises BadInput when there are not as many metadata as texts."""
        said = list(texts)
        _as_many("metadatas", metadatas, len(said))
        own = zip(said, metadatas or [{}] * len(said), strict=True)
        return self.add_documents([Document(page_content=text, metadata=each) for text, each in own], ids=ids)

    def add_documents(
        self, documents: list[Document], *, ids: Sequence[str | None] | None = None, **kwargs: Any
    ) -> list[str]:
        """Their ids, after COMMIT: those of ``ids``, else their own, else new ones. Up to 256 documents are there
        together or not at all. Raises BadInput when metadata are not JSON, or there are not as many ids as documents.
        """
        _as_many("ids", ids, len(documents))
        given = ids or [document.id for document in documents]
        keys = [key or str(uuid.uuid4()) for key in given]
        self._documents.put({key: _row(document) for key, document in zip(keys, documents, strict=True)})
        return keys

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        return [_document(episode) for episode in self._documents.get(ids).values()]

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> bool:
        """Take away documents, all of them when ``ids`` is None. Their bytes may stay in free pages of the file: to be
        rid of these, ``erase``."""
        self._documents.delete(self._all() if ids is None else ids)
        return True

    def erase(self, ids: Sequence[str] | None = None) -> Receipt:
        """Leave no byte of documents, all of them when ``ids`` is None, in any file of this machine."""
        return self.memory.erase(self._documents.uids(self._all() if ids is None else ids))

    def similarity_search(
        self, query: str, k: int = 4, *, filter: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> list[Document]:
        return self.similarity_search_by_vector(self._embedding.embed_query(query), k, filter=filter)

    def similarity_search_with_score(
        self, query: str, k: int = 4, *, filter: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """The score is the cosine: 1 is the same direction."""
        hits = self._nearest(self._embedding.embed_query(query), k, filter)
        return [(_document(hit.episode), hit.score) for hit in hits]

    def similarity_search_by_vector(
        self, embedding: list[float], k: int = 4, *, filter: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> list[Document]:
        return [_document(hit.episode) for hit in self._nearest(embedding, k, filter)]

    def max_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        *,
        filter: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        vector = self._embedding.embed_query(query)
        return self.max_marginal_relevance_search_by_vector(vector, k, fetch_k, lambda_mult, filter=filter)

    def max_marginal_relevance_search_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        *,
        filter: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        found = [hit.episode for hit in self._nearest(embedding, fetch_k, filter)]
        vectors = self._documents.vectors([episode.id for episode in found])
        # Between the two looks another process may have deleted one.
        left = [episode for episode in found if episode.id in vectors]
        question_D = unit(embedding, "the query")
        vectors_ND: list[Any] = [vectors[episode.id] for episode in left]
        chosen = maximal_marginal_relevance(question_D, vectors_ND, lambda_mult, k)
        return [_document(left[place]) for place in chosen]

    def _select_relevance_score_fn(self) -> Any:
        """LangChain's relevance is from 0 to 1."""
        return lambda cosine: min(max(cosine, 0.0), 1.0)

    def _all(self) -> list[str]:
        return [episode.detail[KEY] for episode in self._documents.newest()]

    def _nearest(self, vector: Sequence[float], k: int, wanted: Mapping[str, Any] | None) -> list[EpisodeHit]:
        tags = [_tag(name, value) for name, value in (wanted or {}).items()]
        found = self.memory.recall(
            "", k, mode="dense", vector=unit(vector, "the query"), where={"tags": tags} if tags else None
        )
        # What was taught into the namespace by other ways is no document.
        return [hit for hit in found if key_of(hit.episode) is not None]


def _row(document: Document) -> dict[str, Any]:
    text = document.page_content
    found = text if text.strip() else EMPTY
    tags = [_tag(name, value) for name, value in document.metadata.items() if _filtered(value)]
    detail = {"metadata": document.metadata} | ({} if text == found else {"text": text})
    tier = "gold" if text == found else "unverified"
    return {"question": found, "answer": found, "tags": tags, "source": SOURCE, "tier": tier, "detail": detail}


def _document(episode: Episode) -> Document:
    detail = episode.detail
    return Document(
        id=detail[KEY], page_content=detail.get("text", episode.question), metadata=detail.get("metadata", {})
    )


def _filtered(value: Any) -> bool:
    return isinstance(value, FILTERED) and len(str(value)) <= FILTERED_AT_MOST


def _tag(name: str, value: Any) -> str:
    """Raises BadInput for a value that cannot be filtered by."""
    if not _filtered(value):
        allowed = f"a number, a truth value, None, or a text of at most {FILTERED_AT_MOST} characters"
        raise BadInput(f"filter, {name}", repr(value)[:60], allowed, "Filter the result yourself.")
    return f"metadata:{name}={json.dumps(value)}"


def _as_many(field: str, values: Sequence[Any] | None, count: int) -> None:
    if values is not None and len(values) != count:
        raise BadInput(field, str(len(values)), str(count), "Give one for each text.")
