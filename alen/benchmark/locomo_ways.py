"""Ways of keeping a conversation in memory, and of asking for its turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np

from alen.benchmark.locomo import Turn
from alen.memory import EpisodicMemory
from alen.memory.episode_recall import Mode
from alen.text.sentences import sentences
from alen.types import Encoder, PassageDraft

MODES: tuple[Mode, ...] = ("hybrid", "dense", "lexical")

Stored = Callable[[str, str, Mode, int], list[str]]
"""(conversation, question, mode, count) to names of turns, best first."""
Way = Callable[[Path, Sequence[Turn], Encoder], AbstractContextManager[Stored]]
Text = Callable[[Turn, Turn | None], str]


class EncodedOnce:
    """An encoder that keeps what it has made: every way and mode asks for the same questions."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[str, np.ndarray] = {}
        self.name, self.dim, self.fingerprint = encoder.name, encoder.dim, encoder.fingerprint

    def encode(self, texts: list[str]) -> np.ndarray:
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        if missing:
            self._known |= dict(zip(missing, self._encoder.encode(missing), strict=True))
        return np.array([self._known[text] for text in texts], dtype=np.float32).reshape(-1, self.dim)


def said(turn: Turn, before: Turn | None = None) -> str:
    return f"{turn.speaker}: {turn.text}"


def said_after(turn: Turn, before: Turn | None) -> str:
    return said(turn) if before is None else f"{said(before)} {said(turn)}"


def dated(turn: Turn, before: Turn | None = None) -> str:
    return f"{turn.speaker}, {turn.date}"


def dated_after(turn: Turn, before: Turn | None) -> str:
    return dated(turn) if before is None else f"{dated(turn)}, after {said(before)}"


def with_before(turns: Sequence[Turn]) -> Iterator[tuple[Turn, Turn | None]]:
    """Each turn with the one before it in its session."""
    for _, group in groupby(turns, key=lambda turn: (turn.conversation, turn.session)):
        session = list(group)
        yield session[0], None
        yield from ((turn, before) for before, turn in pairwise(session))


def episodes(asked: Text, told: Text) -> Way:
    """A turn is an episode: ``asked`` becomes its question, whose vector is compared, ``told`` its answer."""

    @contextmanager
    def stored(folder: Path, turns: Sequence[Turn], encoder: Encoder) -> Iterator[Stored]:
        with EpisodicMemory.open(f"sqlite:///{folder / 'memory.db'}", encoder=encoder) as memory:
            for conversation, pairs in groupby(with_before(turns), key=lambda pair: pair[0].conversation):
                rows = [
                    {"question": asked(*pair), "answer": told(*pair), "detail": {"turn": pair[0].name}}
                    for pair in pairs
                ]
                memory.remember_many(rows, source=conversation, namespace=conversation)

            def ranked(conversation: str, question: str, mode: Mode, count: int) -> list[str]:
                hits = memory.recall(question, count, mode=mode, namespace=conversation)
                return [hit.episode.detail["turn"] for hit in hits]

            yield ranked

    return stored


def passages(text: Text, title: Text) -> Way:
    """A session is a document and a turn one of its passages, under a title."""

    @contextmanager
    def stored(folder: Path, turns: Sequence[Turn], encoder: Encoder) -> Iterator[Stored]:
        url = f"sqlite:///{folder / 'memory.db'}"
        with EpisodicMemory.open(url, encoder=encoder) as memory:
            for (conversation, session), pairs in groupby(
                with_before(turns), key=lambda pair: (pair[0].conversation, pair[0].session)
            ):
                drafts = [_draft(text(*pair), title(*pair), pair[0].name) for pair in pairs]
                memory.teach_passages(f"session {session}", drafts, content_hash="first", namespace=conversation)
            with EpisodicMemory.open(url) as words:

                def ranked(conversation: str, question: str, mode: Mode, count: int) -> list[str]:
                    asked, vector_D, of = question, None, memory
                    if mode == "lexical":
                        of = words  # a memory without an encoder works by words alone
                    elif mode == "dense":
                        asked, vector_D = "", np.asarray(encoder.encode([question]))[0]
                    found = of.recollect(asked, vector_D, passages=count, episodes=0, namespace=conversation)
                    return [hit.passage.external_id or "" for hit in found.passages]

                yield ranked

    return stored


def _draft(text: str, title: str, name: str) -> PassageDraft:
    return PassageDraft(text, 0, len(text), title=title, external_id=name, sentences=sentences(text))


WAYS = {
    "passages": passages(lambda turn, before: turn.text, dated),
    "passages after the turn before": passages(said_after, lambda turn, before: turn.date),
    "episodes": episodes(said, dated),
    "episodes after the turn before": episodes(said_after, dated),
    "episodes, turn before in the answer": episodes(said, dated_after),
}
"""The first is what a conversation is most like: a session is a document, a turn a passage under who spoke and when."""
