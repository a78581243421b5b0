"""EpisodicMemory: everything that is remembered, behind one object."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, get_args

import numpy as np
import sqlalchemy as sa

from alen.errors import BadInput, UnknownNamespace
from alen.memory import (
    conversation,
    episode_recall,
    episodes,
    erasure,
    feedback,
    inspection,
    log,
    namespaces,
    passages,
    pgvector,
    recollection,
    spaces,
    store,
)
from alen.memory.asynchronous import AsyncMemory
from alen.memory.backfill import embed_what_is_missing
from alen.memory.episode_recall import Mode
from alen.memory.episode_rows import Taught
from alen.memory.filters import Where
from alen.memory.upkeep import Upkeep
from alen.memory.vector_cache import VectorCache
from alen.memory.vectors import NamespaceVectors
from alen.memory.verified import Verified
from alen.types import Encoder, EpisodeHit, IndexName, PassageDraft, PassageHit, Recollection, TeachReport, Tier

Progress = Callable[[str, int, int], None]
_MODES = get_args(Mode)


class EpisodicMemory(Upkeep, Verified):
    """Documents, episodes, sessions and learned state in one SQL database. What a method has returned is on the disk.
    Safe to use from many threads, and from many processes on one store. ``namespace`` arguments default to the one
    given at opening."""

    def __init__(
        self,
        opened: store.Store,
        encoder: Encoder | None,
        namespace: str,
        create: bool,
        gpu: bool = True,
        shared: pgvector.Pgvector | None = None,
    ) -> None:
        self._store = opened
        self._encoder = encoder
        self._create = create
        self._vectors = VectorCache(opened, encoder, gpu, shared)
        self.namespace = namespace

    @property
    def aio(self) -> AsyncMemory:
        """The same methods for asyncio."""
        return AsyncMemory(self)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        encoder: Encoder | None = None,
        namespace: str = "default",
        create: bool = True,
        index: IndexName = "local",
        gpu: bool = True,
        progress: Progress | None = None,
    ) -> EpisodicMemory:
        """Open the store at an SQLAlchemy URL such as ``sqlite:///notes.db`` or ``postgresql://user@host/alen``, and
        make or migrate it when needed.
        With ``create=False`` nothing is made, and looking into a namespace that nobody has taught is an error.
        Without an encoder memory works by words alone; what was stored so is embedded when an encoder comes.
        ``index`` is ``local``, files of this machine which a ``gpu`` may search, or ``pgvector``, tables of PostgreSQL.

        Raises BadInput, HomeNotWritable, StoreError, EmbeddingMismatch when another encoder made the vectors, and
        UnknownNamespace when there is no store and ``create`` is false."""
        namespaces.checked(namespace)
        place = store.database(url)
        pgvector.check(index, place.url)
        if not create and place.file is not None and not place.exists():
            raise UnknownNamespace(
                "namespace",
                f"{namespace!r}, and no memory at {place.file}",
                "a namespace that was taught",
                "Teach it first: alen teach FILE",
            )
        opened = store.Store(url)
        try:
            erasure.take_up(opened)
            if encoder is not None:
                with opened.reading() as connection:
                    spaces.check(connection, encoder)
            shared = pgvector.Pgvector.open(opened, progress) if index == "pgvector" else None
            if encoder is not None:
                embed_what_is_missing(opened, encoder)
        except BaseException:
            opened.close()
            raise
        return cls(opened, encoder, namespace, create, gpu, shared)

    def close(self) -> None:
        """Waits for an index that is being sealed."""
        self._vectors.close()
        self._store.close()

    def __enter__(self) -> EpisodicMemory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def namespaces(self) -> list[str]:
        """Every namespace that was taught or asked in."""
        with self._store.reading() as connection:
            return namespaces.names(connection)

    def has_namespace(self, namespace: str) -> bool:
        with self._store.reading() as connection:
            return namespaces.find(connection, namespace) is not None

    def teach_passages(
        self,
        source: str,
        drafts: Sequence[PassageDraft],
        *,
        content_hash: bytes | str,
        namespace: str | None = None,
        replaces_source: bool = True,
        progress: Progress | None = None,
    ) -> TeachReport:
        """Teach one document. ``source`` names it and ``content_hash`` its content: the same of both again stores
        nothing; the same source with other content keeps the passages that are still in it and retires the rest.
        ``replaces_source=False`` adds to the source instead. Up to 256 new passages are one transaction; a larger
        document takes several, and when it is interrupted, teaching it again continues.

        Raises BadInput for an empty passage or a sentence outside of its passage."""
        if not source.strip():
            raise BadInput("source", repr(source), "a name", "For example the name of the file.")
        report = passages.teach(
            self._store,
            self._encoder,
            self._chosen(namespace),
            source,
            drafts,
            content_hash=content_hash,
            replaces_source=replaces_source,
            progress=progress,
        )
        self._vectors.seal_if_due(self._chosen(namespace))
        return report

    def remember(
        self,
        *,
        question: str,
        answer: str,
        context: str | None = None,
        tags: Sequence[str] = (),
        confidence: float = 1.0,
        tier: Tier = "gold",
        source: str = "user",
        detail: Mapping[str, Any] | None = None,
        ttl: float | None = None,
        vector: np.ndarray | None = None,
        idempotency_key: str | None = None,
        namespace: str | None = None,
    ) -> str:
        """Store a question with its answer and give its id after COMMIT. The same again, but for case and white space,
        gives the id that it has; if feedback has set it aside, it stays so until feedback confirms it. After ``ttl``
        seconds it is not recalled any more. ``vector`` is the question's unit vector when it is known. A request that
        is repeated with its ``idempotency_key`` is stored once. What comes from ``source="recall"`` or ``"model"`` and
        is what memory holds already gives the id of that.

        Raises BadInput naming the field."""
        row = Taught(
            question,
            answer,
            context,
            tuple(tags),
            confidence,
            tier,
            source,
            detail or {},
            ttl,
            idempotency_key,
            vector,
        )
        _, uids = episodes.teach(self._store, self._encoder, self._chosen(namespace), [row])
        return uids[0]

    def remember_many(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        source: str = "user",
        vectors: np.ndarray | None = None,
        namespace: str | None = None,
        progress: Progress | None = None,
    ) -> TeachReport:
        """As ``remember`` for rows with question, answer and perhaps context, tags, confidence, tier, source, detail,
        ttl, idempotency_key. ``vectors`` (rows x dim) are those of the questions, when they are known.

        Raises BadInput with the number of the row, before anything is stored."""
        if vectors is not None and len(vectors) != len(rows):
            raise BadInput("vectors", f"{len(vectors)} vectors", f"{len(rows)}, one for each row", "Leave none out.")
        taught = []
        for number, row in enumerate(rows, 1):
            try:
                vector_D = None if vectors is None else vectors[number - 1]
                own = {"source": source, **row, "tags": tuple(row.get("tags") or ()), "vector": vector_D}
                taught.append(Taught(**own))
            except BadInput as error:
                raise BadInput(f"row {number}, {error.field}", error.found, error.allowed, error.hint) from None
            except TypeError:
                raise BadInput(
                    f"row {number}", ", ".join(map(str, row)), "question, answer and …", "See --help."
                ) from None
        report, _ = episodes.teach(self._store, self._encoder, self._chosen(namespace), taught, progress)
        self._vectors.seal_if_due(self._chosen(namespace))
        return report

    def recall(
        self,
        question: str,
        k: int = 8,
        *,
        mode: Mode = "hybrid",
        where: Where | Mapping[str, Any] | None = None,
        min_confidence: float = 0.0,
        as_of: str | None = None,
        vector: np.ndarray | None = None,
        fresh: bool = True,
        namespace: str | None = None,
    ) -> list[EpisodeHit]:
        """The ``k`` episodes that fit a question best, each with ``episode``, ``score`` in 0..1 and ``explain``: what
        words, meaning and confidence said of it. Answers are gold, proved or certified. Mode ``hybrid`` weighs words
        and meaning, ``dense`` and ``lexical`` take one of them. ``where`` narrows: tags, sources, tiers,
        min_confidence, since, until, as_of (see ``filters.Where``). ``vector`` is the question's unit vector, made by
        the memory's encoder when None. Sees every commit that came before the call; ``fresh=False`` does not look for
        other processes' commits. Raises BadInput naming the field."""
        if mode not in _MODES:
            raise BadInput("mode", repr(mode), ", ".join(_MODES), "hybrid weighs words and meaning.")
        if not isinstance(k, int):
            raise BadInput("k", repr(k)[:80], "a whole number", "For example 8.")
        chosen = where if isinstance(where, Where) else Where.of(where)
        if min_confidence or as_of is not None:
            asked = Where(min_confidence=min_confidence, as_of=as_of)
            at_least = max(asked.min_confidence, chosen.min_confidence)
            chosen = replace(chosen, min_confidence=at_least, as_of=as_of or chosen.as_of)
        query_D = self._query(question, vector) if mode != "lexical" else None
        with self._looking(namespace, query_D, fresh) as (connection, number, vectors):
            if number is None:
                return []
            if mode != "dense":
                return episode_recall.recall_fused(connection, number, question, query_D, vectors, k, mode, chosen)
            if query_D is None:
                raise BadInput("mode", "'dense', without an encoder or a vector", "lexical", "Open it with an encoder.")
            if vectors is None:
                return []
            return episode_recall.recall_dense(connection, number, query_D, vectors, k, chosen)

    def recollect(
        self,
        question: str,
        vector: np.ndarray | None = None,
        *,
        passages: int = 8,
        episodes: int = 4,
        where: Where | Mapping[str, Any] | None = None,
        namespace: str | None = None,
        asked: str | None = None,
    ) -> Recollection:
        """What reasoning starts from: passages by words and meaning, and answers by their question, whose score is the
        cosine. Conditions and freshness as in ``recall``. ``asked`` is how a person put the question: what was taught
        or called wrong under it counts too."""
        chosen = where if isinstance(where, Where) else Where.of(where)
        query_D = self._query(question, vector)
        wordings = list(dict.fromkeys((question, asked or question)))
        with self._looking(namespace, query_D, True) as (connection, number, vectors):
            if number is None:
                return Recollection()
            return Recollection(
                recollection.recall_passages(connection, number, question, query_D, vectors, passages),
                episode_recall.recall_episodes(connection, number, wordings, query_D, vectors, episodes, chosen),
                episode_recall.refused(connection, number, wordings),
            )

    def search(self, query: str, k: int = 8, *, namespace: str | None = None) -> list[PassageHit | EpisodeHit]:
        """The ``k`` best passages and taught answers together, best first."""
        self._must_be_taught(namespace)
        found = self.recollect(query, passages=k, episodes=k, namespace=namespace)
        hits: list[PassageHit | EpisodeHit] = [*found.episodes, *found.passages]
        return sorted(hits, key=lambda hit: -hit.score)[:k]

    def show(self, uid: str, *, namespace: str | None = None) -> dict[str, Any]:
        """All fields of an episode by its id, or of a passage by its number. Raises UnknownEpisode."""
        self._must_be_taught(namespace)
        return inspection.show(self._store, self._chosen(namespace), uid)

    def stats(self, *, namespace: str | None = None) -> dict[str, Any]:
        """Counts of a namespace, and of the store: namespaces, bytes, encoder."""
        self._must_be_taught(namespace)
        return inspection.stats(self._store, self._chosen(namespace))

    def feedback(
        self, uid: str, correct: bool, answer: str | None = None, *, namespace: str | None = None
    ) -> dict[str, Any]:
        """Say whether an answer was right. Right: it becomes gold and is recalled. Wrong: it is quarantined, with
        every taught episode that claimed the same, and ``answer``, when given, is taught instead.
        Gives ``status``, and ``correction`` with the id of the answer taught instead.

        Raises UnknownEpisode, BadInput."""
        return feedback.give(self._store, self._encoder, self._chosen(namespace), uid, correct, answer)

    def record_answer(
        self, answer: Mapping[str, Any], session: str | None = None, *, namespace: str | None = None
    ) -> str:
        """Keep an answer that ALEN gave, as its JSON, with what it rests on: tier unverified, so never recalled as
        evidence. Gives the id for feedback."""
        return episodes.record_answer(self._store, self._chosen(namespace), answer, session)

    def session(self, name: str | None = None, *, namespace: str | None = None) -> str:
        """The id of a chat session: of a new one, or of the one called ``name``, which is begun when it is new."""
        with self._store.writing() as connection:
            number = namespaces.ensure(connection, self._chosen(namespace))
            return conversation.ensure_session(connection, number, name)[0]

    def add_message(
        self, session: str, role: str, text: str, episode: str | None = None, *, namespace: str | None = None
    ) -> None:
        """Append to a session. Raises BadInput for an unknown session or role."""
        with self._store.writing() as connection:
            number = namespaces.ensure(connection, self._chosen(namespace))
            conversation.add_message(connection, number, session, role, text, episode)

    def messages(self, session: str, *, namespace: str | None = None) -> list[dict[str, Any]]:
        """Messages of a session, oldest first, each with role, text, episode, created_at; none when it is unknown."""
        with self._store.reading() as connection:
            number = namespaces.find(connection, self._chosen(namespace))
            return [] if number is None else conversation.messages(connection, number, session)

    def _chosen(self, namespace: str | None) -> str:
        return self.namespace if namespace is None else namespaces.checked(namespace)

    def _must_be_taught(self, namespace: str | None) -> None:
        if self._create:
            return
        chosen, known = self._chosen(namespace), self.namespaces()
        if chosen not in known:
            allowed = ", ".join(known) or "none yet"
            raise UnknownNamespace(
                "namespace", repr(chosen), allowed, "Teach it first: alen teach --namespace NAME FILE"
            )

    def _query(self, question: str, vector: np.ndarray | None) -> np.ndarray | None:
        if vector is not None or self._encoder is None:
            return None if vector is None else np.asarray(vector, dtype=np.float32)
        return spaces.encode(self._encoder, [question])[0]

    @contextmanager
    def _looking(
        self, namespace: str | None, query_D: np.ndarray | None, fresh: bool
    ) -> Iterator[tuple[sa.Connection, int | None, NamespaceVectors | None]]:
        """One moment of the database, the namespace's number, and its vectors as they are at that moment."""
        with self._store.reading() as connection:
            seen = log.look(connection, self._chosen(namespace))
            if seen is None or query_D is None:
                yield connection, None if seen is None else seen.namespace, None
                return
            with self._vectors.shared(connection, seen, fresh) as vectors:
                if vectors is not None:
                    spaces.checked(query_D, (vectors.dim,), "vector")
                yield connection, seen.namespace, vectors
