"""What ALEN itself said and what became of it, promoted or taken back, and what the core learned from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from alen.errors import BadInput
from alen.memory import conversation, episode_rows, episodes, namespaces, provenance, spaces, trained
from alen.memory.identity import now
from alen.memory.sql import run
from alen.memory.store import Store
from alen.types import Encoder, Tier

EARNED = ("proved", "certified")
"""Tiers that an answer of ALEN can earn without a person's word."""

_UNVERIFIED = (
    "SELECT uid, question, answer, confidence, detail_json FROM episode e WHERE e.namespace_id = ? "
    "AND e.kind = 'asked' AND e.tier = 'unverified' AND e.status = 'active' AND e.answer IS NOT NULL "
    "ORDER BY e.id DESC LIMIT ?"
)


_HOLDS = (
    "SELECT uid, question, answer FROM episode e WHERE e.namespace_id = ? AND e.recallable "
    "AND (e.expires_at IS NULL OR e.expires_at > ?) ORDER BY e.id"
)


class Verified:
    """The part of ``EpisodicMemory`` that keeps answers of ALEN, and what was learned from them, apart from what it was
    taught."""

    _store: Store
    _encoder: Encoder | None

    def _chosen(self, namespace: str | None) -> str:
        raise NotImplementedError  # EpisodicMemory, of which this is a part, knows

    def unverified(self, limit: int = 5000, *, namespace: str | None = None) -> list[dict[str, Any]]:
        """The newest answers that nobody graded and that earned no tier: id, question, answer, confidence, and the JSON
        of the answer as ``detail``."""
        with self._store.reading() as connection:
            number = namespaces.find(connection, self._chosen(namespace))
            rows = [] if number is None else run(connection, _UNVERIFIED, (number, limit)).all()
        return [
            {
                "id": row.uid,
                "question": row.question,
                "answer": row.answer,
                "confidence": row.confidence,
                "detail": json.loads(row.detail_json),
            }
            for row in rows
        ]

    def established(self, *, namespace: str | None = None) -> list[dict[str, Any]]:
        """All that holds, oldest first: what a person taught or called right, and answers of ALEN that earned a tier;
        id, question and answer."""
        with self._store.reading() as connection:
            number = namespaces.find(connection, self._chosen(namespace))
            rows = [] if number is None else run(connection, _HOLDS, (number, now())).all()
        return [{"id": row.uid, "question": row.question, "answer": row.answer} for row in rows]

    def weights_folder(self, *, namespace: str | None = None) -> Path | None:
        """Where weights belong that were trained on this namespace, not created: an erasure takes them along. None
        for a namespace that is not there, and where the store has no place for files."""
        with self._store.reading() as connection:
            number = namespaces.find(connection, self._chosen(namespace))
            return None if number is None else trained.folder(self._store, connection, number)

    def promote(self, uids: Sequence[str], tier: Tier, *, namespace: str | None = None) -> int:
        """Give answers a tier that they earned; how many had none before. They are recalled from now on, as ALEN's own.
        Raises BadInput for another tier, UnknownEpisode before anything is changed."""
        if tier not in EARNED:
            raise BadInput("tier", repr(tier), " or ".join(EARNED), "Gold is what a person confirms: give feedback.")
        chosen = self._chosen(namespace)
        with self._store.reading() as connection:
            number = namespaces.find(connection, chosen)
            rows = [episodes.row_of(connection, number, uid) for uid in uids]
        questions = [row.question for row in rows]
        encoded = spaces.encode(self._encoder, questions) if self._encoder is not None and rows else None
        promoted = 0
        with self._store.writing() as connection:
            for place, row in enumerate(rows):
                changed = run(
                    connection,
                    "UPDATE episode SET tier = ?, embedded = ?, updated_at = ?, version = version + 1 "
                    "WHERE id = ? AND tier = 'unverified' AND status = 'active' AND answer IS NOT NULL",
                    (tier, encoded is not None, now(), row.id),
                ).rowcount
                if changed:
                    promoted += 1
                    vector_D = None if encoded is None else encoded[place]
                    episode_rows.embed(connection, self._encoder, row.namespace_id, [row.id], [vector_D])
        return promoted

    def retract(self, uid: str, *, namespace: str | None = None) -> int:
        """Take an episode back: it is not recalled any more, nor is anything that was answered from it, or from that;
        how many those were. All stay in the history. Raises UnknownEpisode."""
        return provenance.retract(self._store, self._chosen(namespace), uid)

    def descendants(self, uid: str, *, namespace: str | None = None) -> list[str]:
        """Ids of what was answered from an episode, directly or not, and still holds. Raises UnknownEpisode."""
        return provenance.descendants_of(self._store, self._chosen(namespace), uid)

    def save_state(self, key: str, value: Any, *, namespace: str | None = None) -> None:
        """Keep a JSON value that the core has learned."""
        with self._store.writing() as connection:
            number = namespaces.ensure(connection, self._chosen(namespace))
            conversation.save_state(connection, number, key, value)

    def change_state(self, key: str, change: Callable[[Any], Any], *, namespace: str | None = None) -> None:
        """Keep what ``change`` makes of what was kept (None when nothing was); nobody else writes in between."""
        with self._store.writing() as connection:
            number = namespaces.ensure(connection, self._chosen(namespace))
            conversation.save_state(connection, number, key, change(conversation.load_state(connection, number, key)))

    def load_state(self, key: str, *, namespace: str | None = None) -> Any:
        """What ``save_state`` kept, None when there is nothing."""
        with self._store.reading() as connection:
            number = namespaces.find(connection, self._chosen(namespace))
            return None if number is None else conversation.load_state(connection, number, key)
