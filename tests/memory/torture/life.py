"""One life of a memory in steps, each of which happens as a whole or not at all; and what may be seen between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from alen.errors import EmbeddingMismatch
from alen.memory import EpisodicMemory, transfer
from alen.memory.vector_cache import VectorCache
from alen.upkeep import ForgettingPolicy
from tests.memory.conftest import HashEncoder, drafts

_SEAL = VectorCache.seal_if_due

SECRET = "Zanzibarium"
OLD, NEW = HashEncoder(32), HashEncoder(48, "new")

FACTS = {
    "episodes": "SELECT n.path, e.question, e.answer, e.context, e.tier, e.status, e.confidence, e.source, e.version, "
    "o.question, e.embedded FROM episode e JOIN namespace n ON n.id = e.namespace_id "
    "LEFT JOIN episode o ON o.id = e.supersedes_id",
    "tags": "SELECT e.question, t.tag FROM episode_tag t JOIN episode e ON e.id = t.episode_id",
    "history": "SELECT e.question, h.version FROM episode_history h LEFT JOIN episode e ON e.id = h.episode_id",
    "derived": "SELECT c.question, p.question FROM derived_from d JOIN episode c ON c.id = d.child_id "
    "LEFT JOIN episode p ON p.id = d.parent_id",
    "passages": "SELECT d.source, p.text, p.status, p.ordinal, p.char_start, p.embedded FROM passage p "
    "JOIN document d ON d.id = p.document_id",
    "documents": "SELECT n.path, d.source, d.content_hash FROM document d JOIN namespace n ON n.id = d.namespace_id",
    "erased": "SELECT namespace, episodes, passages FROM erasure",
    "vectors": "SELECT s.fingerprint, s.kind, count(*) FROM embedding e JOIN embedding_space s ON s.id = e.space_id "
    "WHERE s.state = 'active' GROUP BY s.fingerprint, s.kind",
}


def facts(memory: EpisodicMemory) -> dict[str, list[Any]]:
    """All that is stored, without ids and times, which differ from one life to the next."""
    with memory._store.reading() as connection:
        return {
            name: sorted((_plain(row) for row in connection.exec_driver_sql(sql)), key=repr)
            for name, sql in FACTS.items()
        }


def _plain(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(bytes(value).hex() if isinstance(value, bytes | memoryview) else value for value in row)


def opened(url: str) -> EpisodicMemory:
    """With the encoder that its vectors are of."""
    try:
        return EpisodicMemory.open(url, encoder=OLD)
    except EmbeddingMismatch:
        return EpisodicMemory.open(url, encoder=NEW)


def uid_of(memory: EpisodicMemory, question: str) -> str:
    with memory._store.reading() as connection:
        sql = "SELECT uid FROM episode WHERE question = ? ORDER BY id DESC"
        return str(connection.exec_driver_sql(sql, (question,)).scalar())


def _taught(start: int, count: int) -> list[dict[str, Any]]:
    return [
        {"question": f"Where does gauge {n} hang?", "answer": f"In hall {n}", "tags": ["odd"] if n % 2 else []}
        for n in range(start, start + count)
    ]


def _book(start: int, count: int) -> list[Any]:
    return drafts(*(f"Kiln {n} is hot. It has {n * 3} shelves." for n in range(start, start + count)))


def _twins(memory: EpisodicMemory) -> None:
    rows = [{"question": "Who mends the ferry?", "answer": "Ilse.", "context": name} for name in "abc"]
    memory.remember_many(rows)


def _export(memory: EpisodicMemory, folder: Path) -> None:
    """As a person would after an interruption: again, unless it is complete."""
    if not (folder / transfer.MANIFEST).exists():
        memory.export(folder)
    transfer.read_manifest(folder)


def _erase_secret(memory: EpisodicMemory) -> None:
    memory.erase([uid_of(memory, f"Who knows {SECRET}?")])


def _steps(exported: Path, folder: Path) -> dict[str, Callable[[EpisodicMemory], Any]]:
    return {
        "open": lambda memory: None,
        "teach": lambda memory: memory.remember_many(_taught(0, 60)),
        "secret": lambda memory: memory.remember(question=f"Who knows {SECRET}?", answer=f"{SECRET} does."),
        "book": lambda memory: memory.teach_passages("book", _book(0, 50), content_hash="1"),
        "leaflet": lambda memory: memory.teach_passages("leaflet", drafts(f"{SECRET} is blue."), content_hash="1"),
        "seal": lambda memory: memory.checkpoint(),
        "update": lambda memory: memory.update(
            uid_of(memory, "Where does gauge 3 hang?"), question="Which hall has gauge 3?", tags=["moved"]
        ),
        "teach newer": lambda memory: memory.remember(question="Where does gauge 5 hang?", answer="Nowhere"),
        "supersede": lambda memory: memory.supersede(
            memory.remember(question="Where does gauge 5 hang?", answer="In hall 5"),
            memory.remember(question="Where does gauge 5 hang?", answer="Nowhere"),
        ),
        "feedback": lambda memory: memory.feedback(uid_of(memory, "Where does gauge 7 hang?"), False, "In the yard"),
        "delete": lambda memory: memory.delete([uid_of(memory, f"Where does gauge {n} hang?") for n in (8, 9)]),
        "twins": _twins,
        "merge": lambda memory: memory.merge(dry_run=False),
        "unmerge": lambda memory: memory.unmerge(memory.remember(
            question="Who mends the ferry?", answer="Ilse.", context="a")),
        "expiring": lambda memory: memory.remember(question="Is it late?", answer="Today.", ttl=-1.0),
        "archive": lambda memory: memory.forget(dry_run=False),
        "purge": lambda memory: memory.forget(ForgettingPolicy(grace_days=0.0), dry_run=False),
        "revise": lambda memory: memory.teach_passages("book", _book(4, 49), content_hash="2"),
        "grow": lambda memory: memory.remember_many(_taught(100, 50)),
        "seal again": lambda memory: memory.checkpoint(),
        "export": lambda memory: _export(memory, folder / "out"),
        "import": lambda memory: memory.import_(exported),
        "erase": _erase_secret,
        "erase source": lambda memory: memory.erase(source="leaflet"),
        "seal after": lambda memory: memory.checkpoint(),
        "reembed": lambda memory: memory.reembed(NEW),
        "seal new": lambda memory: memory.checkpoint(),
    }  # fmt: skip


STEPS = tuple(_steps(Path(), Path()))


def place(folder: Path) -> str:
    return f"sqlite:///{folder / 'memory.db'}"


def seal_when_asked(cache: VectorCache, path: str, *, wait: bool = False) -> None:
    """In place of ``VectorCache.seal_if_due``: nothing is sealed in the background."""
    if wait:
        _SEAL(cache, path, wait=True)


def live(send: Callable[[Any], None], folder: Path, exported: Path, names: tuple[str, ...]) -> None:
    """The steps of these names, each told when it is done."""
    steps = _steps(exported, folder)
    # Indexes are sealed by the steps that say so, not at their side: a step passes the same points each time.
    with opened(place(folder)) as memory, patch.object(VectorCache, "seal_if_due", seal_when_asked):
        for name in names:
            steps[name](memory)
            send(name)


def other_memory(folder: Path) -> Path:
    """An export to be imported."""
    with EpisodicMemory.open(place(folder), encoder=OLD) as memory:
        old = memory.remember(question="Who leads the guild?", answer="Ilse Brandt", tags=["guild"])
        memory.supersede(old, memory.remember(question="Who leads the guild?", answer="Tomas Reyk"))
        memory.export(folder / "other")
    return folder / "other"


def is_anywhere(folder: Path, *wanted: bytes) -> list[str]:
    """Files that hold one of these bytes, whatever the case of letters."""
    found = []
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            content = file.read_bytes()
            lower = content.lower()
            found += [file.name for each in wanted if each in content or each.lower() in lower]
    return found
