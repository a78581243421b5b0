"""EpisodicMemory: everything that is remembered, behind one object."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy as np
import sqlalchemy as sa

from alen.errors import BadInput, UnknownNamespace
from alen.memory import conversation, episodes, feedback, inspection, namespaces, passages, recollection, spaces, store
from alen.memory.backfill import embed_what_is_missing
from alen.memory.vectors import NamespaceVectors
from alen.types import Encoder, EpisodeHit, PassageDraft, PassageHit, Recollection, TeachReport, Tier

Progress = Callable[[str, int, int], None]


class EpisodicMemory:
    """Documents, episodes, sessions and learned state in one SQL database. What a method has returned is on the disk.
    Safe to use from many threads, and from many processes on one store. ``namespace`` arguments default to the one
    given at opening."""

    def __init__(self, opened: store.Store, encoder: Encoder | None, namespace: str, create: bool) -> None:
        self._store = opened
        self._encoder = encoder
        self._create = create
        self._vectors: dict[int, NamespaceVectors] = {}
        self._vectors_lock = threading.Lock()
        self.namespace = namespace

    @classmethod
    def open(
        cls, url: str, *, encoder: Encoder | None = None, namespace: str = "default", create: bool = True
    ) -> EpisodicMemory:
        """Open the store at an SQLAlchemy URL such as ``sqlite:///notes.db``, and make or migrate it when needed.
        With ``create=False`` nothing is made, and looking into a namespace that nobody has taught is an error.
        Without an encoder memory works by words alone; what was stored so is embedded when an encoder comes.

        Raises BadInput, HomeNotWritable, StoreError, EmbeddingMismatch when another encoder made the vectors, and
        UnknownNamespace when there is no store and ``create`` is false."""
        namespaces.checked(namespace)
        _, file = store.parse(url)
        if not create and file is not None and not file.exists():
            raise UnknownNamespace(
                "namespace",
                f"{namespace!r}, and no memory at {file}",
                "a namespace that was taught",
                "Teach it first: alen teach FILE",
            )
        opened = store.Store(url)
        try:
            if encoder is not None:
                with opened.reading() as connection:
                    spaces.check(connection, encoder)
                embed_what_is_missing(opened, encoder)
        except BaseException:
            opened.close()
            raise
        return cls(opened, encoder, namespace, create)

    def close(self) -> None:
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
        return passages.teach(
            self._store,
            self._encoder,
            self._chosen(namespace),
            source,
            drafts,
            content_hash=content_hash,
            replaces_source=replaces_source,
            progress=progress,
        )

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
        namespace: str | None = None,
    ) -> str:
        """Store a question with its answer and give its id after COMMIT. The same again, but for case and white space,
        gives the id that it has; if feedback has set it aside, it stays so until feedback confirms it.

        Raises BadInput naming the field."""
        row = episodes.Taught(question, answer, context, tuple(tags), confidence, tier, source, detail or {})
        _, uids = episodes.teach(self._store, self._encoder, self._chosen(namespace), [row])
        return uids[0]

    def remember_many(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        source: str = "user",
        namespace: str | None = None,
        progress: Progress | None = None,
    ) -> TeachReport:
        """As ``remember`` for rows with question, answer and perhaps context, tags, confidence, tier, source, detail.

        Raises BadInput with the number of the row, before anything is stored."""
        taught = []
        for number, row in enumerate(rows, 1):
            try:
                taught.append(episodes.Taught(**{"source": source, **row, "tags": tuple(row.get("tags") or ())}))
            except BadInput as error:
                raise BadInput(f"row {number}, {error.field}", error.found, error.allowed, error.hint) from None
            except TypeError:
                raise BadInput(
                    f"row {number}", ", ".join(map(str, row)), "question, answer and …", "See --help."
                ) from None
        report, _ = episodes.teach(self._store, self._encoder, self._chosen(namespace), taught, progress)
        return report

    def recall(
        self,
        question: str,
        vector: np.ndarray | None = None,
        *,
        passages: int = 8,
        episodes: int = 4,
        namespace: str | None = None,
    ) -> Recollection:
        """What fits a question best: passages by words and meaning, and answers that are gold, proved or certified by
        their question. ``vector`` is the question's unit vector, made by the memory's encoder when None. Sees every
        commit that came before the call. Empty in a namespace that nobody has taught."""
        if vector is None and self._encoder is not None:
            vector = spaces.encode(self._encoder, [question])[0]
        with self._store.reading() as connection:
            number = namespaces.find(connection, self._chosen(namespace))
            if number is None:
                return Recollection()
            with self._vectors_lock:
                vectors = self._fresh(connection, number) if vector is not None else None
                if vector is not None and vectors is not None:
                    vector = spaces.checked(np.asarray(vector, dtype=np.float32), (vectors.dim,), "vector")
                return Recollection(
                    recollection.recall_passages(connection, number, question, vector, vectors, passages),
                    recollection.recall_episodes(connection, number, question, vector, vectors, episodes),
                )

    def search(self, query: str, k: int = 8, *, namespace: str | None = None) -> list[PassageHit | EpisodeHit]:
        """The ``k`` best passages and taught answers together, best first."""
        self._must_be_taught(namespace)
        found = self.recall(query, passages=k, episodes=k, namespace=namespace)
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

    def save_state(self, key: str, value: Any, *, namespace: str | None = None) -> None:
        """Keep a JSON value that the core has learned."""
        with self._store.writing() as connection:
            number = namespaces.ensure(connection, self._chosen(namespace))
            conversation.save_state(connection, number, key, value)

    def load_state(self, key: str, *, namespace: str | None = None) -> Any:
        """What ``save_state`` kept, None when there is nothing."""
        with self._store.reading() as connection:
            number = namespaces.find(connection, self._chosen(namespace))
            return None if number is None else conversation.load_state(connection, number, key)

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

    def _fresh(self, connection: sa.Connection, number: int) -> NamespaceVectors | None:
        if number not in self._vectors:
            in_use = spaces.active(connection)
            if not in_use:
                return None
            dim = next(iter(in_use.values()))[3]
            ids = {kind: space[0] for kind, space in in_use.items()}
            self._vectors[number] = NamespaceVectors(number, dim, ids)
        self._vectors[number].refresh(connection)
        return self._vectors[number]
