"""Whether the database and what is derived from it say the same, and making them do so again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa

from alen.memory import erasure, namespaces, spaces
from alen.memory.identity import content_hash, episode_hash
from alen.memory.index import files, sealing
from alen.memory.index.files import Unusable
from alen.memory.sealer import Sealer
from alen.memory.sql import run
from alen.memory.store import Store
from alen.memory.vectors import NamespaceVectors

Level = Literal["quick", "normal", "deep"]
SAMPLE = 200

_ITEMS = {
    "passage": "SELECT id FROM passage WHERE namespace_id = ? AND status = 'active' AND embedded",
    "question": "SELECT id FROM episode WHERE namespace_id = ? AND recallable AND embedded",
}
_ITEMS["sentence"] = _ITEMS["passage"]


@dataclass(frozen=True, slots=True)
class Problem:
    """``part`` is embeddings, log, full text, erasure, database, or the kind of an index; ``repaired`` says whether it
    is well now."""

    part: str
    what: str
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """``checked`` says what was looked at, with numbers."""

    level: Level
    problems: tuple[Problem, ...]
    checked: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return all(problem.repaired for problem in self.problems)


def counts(connection: sa.Connection, number: int, in_use: dict[str, Any]) -> list[Problem]:
    """Items that should have a vector and have none, and vectors of nothing."""
    found = []
    for kind, sql in _ITEMS.items():
        if kind not in in_use:
            continue
        missing = f"SELECT count(*) FROM ({sql}) i WHERE i.id NOT IN (SELECT item_id FROM embedding WHERE space_id = ?)"
        lacking = run(connection, missing, (number, in_use[kind][0])).scalar()
        if lacking:
            found.append(Problem("embeddings", f"{lacking} of kind {kind} have no vector"))
    return found


def orphans(connection: sa.Connection) -> int:
    """Vectors whose item is gone."""
    total = 0
    for kinds, table in (("'passage', 'sentence'", "passage"), ("'question'", "episode")):
        sql = (
            "SELECT count(*) FROM embedding WHERE space_id IN "
            f"(SELECT id FROM embedding_space WHERE kind IN ({kinds})) AND item_id NOT IN (SELECT id FROM {table})"
        )
        total += int(run(connection, sql).scalar() or 0)
    return total


def same_set(
    connection: sa.Connection, number: int, kind: str, space: int, vectors: NamespaceVectors
) -> Problem | None:
    """The database and a fresh index hold the same items, told by a sum that does not depend on their order."""
    ids = np.fromiter(run(connection, _ITEMS[kind], (number,)).scalars(), dtype=np.int64)
    ours = sealing.digest(space, vectors.items(kind))
    theirs = sealing.digest(space, ids)
    if ours != theirs:
        return Problem(kind, f"the index holds {len(vectors.items(kind))} items, the database {len(ids)}")
    return None


def intact(sealers: Mapping[str, Sealer]) -> list[Problem]:
    """Every byte of every sealed file is as it was written."""
    found = []
    for kind, sealer in sealers.items():
        said = _damage(sealer.folder)
        if said is not None:
            found.append(Problem(kind, said))
    return found


def _damage(folder: Path) -> str | None:
    while True:
        before = files.named(folder)
        try:
            manifest = files.current(folder)
            if manifest is not None:
                files.check(folder, manifest)
            return None
        except Unusable as error:
            # Whoever seals meanwhile removes the files of the generation before.
            if files.named(folder) == before:
                return str(error)


def finds_itself(
    connection: sa.Connection, number: int, kind: str, space: int, vectors: NamespaceVectors, seed: int = 0
) -> tuple[int, list[int]]:
    """How many of a sample were looked for by their own vector, and those that were not found by it."""
    ids = list(run(connection, _ITEMS[kind], (number,)).scalars())
    chance = np.random.default_rng(seed)
    sample = chance.choice(ids, min(SAMPLE, len(ids)), replace=False).tolist() if ids else []
    lost = []
    for item in sample:
        sql = "SELECT vec FROM embedding WHERE space_id = ? AND item_id = ?"
        blob = run(connection, sql, (space, item)).scalar()
        if blob is None:
            lost.append(item)
            continue
        own_D = spaces.unpack([bytes(blob)], vectors.dim)[1][0]
        score = float(np.vecdot(own_D, own_D))
        best = vectors.best(kind, own_D, vectors.top(kind, own_D, 10))
        # Copies of one text share a vector: one as near as itself is as good.
        if item not in best and not any(value[0] >= score - 1e-2 for value in best.values()):
            lost.append(item)
    return len(sample), lost


def texts(connection: sa.Connection, number: int) -> list[Problem]:
    """Every text is the one whose hash was stored with it. What is not can only come back from a copy."""
    found = []
    for table, sql, hashed in (
        ("passage", "SELECT id, content_hash, title, text FROM passage", content_hash),
        ("episode", "SELECT uid, content_hash, question, answer, context FROM episode", episode_hash),
    ):
        rows = run(connection, f"{sql} WHERE namespace_id = ?", (number,))
        changed = [str(name) for name, digest, *parts in rows if hashed(*parts) != bytes(digest)]
        if changed:
            found.append(Problem("database", f"{len(changed)} of kind {table} were changed: {', '.join(changed[:5])}"))
    return found


def lengths(connection: sa.Connection, number: int, kind: str, space: int, dim: int) -> list[Problem]:
    """Stored vectors are as long as they were, which is 1."""
    odd = 0
    sql = f"SELECT vec FROM embedding WHERE space_id = ? AND item_id IN ({_ITEMS[kind]})"
    for rows in run(connection, sql, (space, number)).partitions(4096):
        whole = [bytes(vec) for (vec,) in rows if len(vec) and len(vec) % (spaces.STORED.itemsize * dim) == 0]
        odd += len(rows) - len(whole)
        norms = np.linalg.norm(spaces.unpack(whole, dim)[1], axis=1)
        odd += int((~(abs(norms - 1) < 0.02)).sum())
    return [Problem("embeddings", f"{odd} of kind {kind} are no unit vectors")] if odd else []


def database(store: Store, level: Level) -> list[Problem]:
    """What the database says about itself; ``deep`` also compares its own indexes with its rows."""
    with store.reading() as connection:
        if connection.dialect.name != "sqlite":
            return []
        check = "integrity_check" if level == "deep" else "quick_check"
        said: Sequence[str] = list(run(connection, f"PRAGMA {check}").scalars())
        found = [Problem("database", line) for line in said if line != "ok"]
        broken = len(run(connection, "PRAGMA foreign_key_check").all())
        if broken:
            found.append(Problem("database", f"{broken} rows refer to rows that are gone"))
        return found


def full_text(store: Store, repair: bool) -> list[Problem]:
    """As many rows are indexed by words as are to be found; SQLite alone can lose count of them."""
    found = []
    with store.writing() if repair else store.reading() as connection:
        if connection.dialect.name != "sqlite":
            return []
        for table, shown in (("passage", "status = 'active'"), ("episode", "recallable")):
            indexed = run(connection, f"SELECT count(*) FROM {table}_fts_docsize").scalar()
            wanted = run(connection, f"SELECT count(*) FROM {table} WHERE {shown}").scalar()
            if indexed != wanted:
                if repair:
                    _index_again(connection, table, shown)
                found.append(Problem("full text", f"{table}: {indexed} rows are indexed, not {wanted}", repair))
    return found


def unfinished_erasures(store: Store, repair: bool) -> list[Problem]:
    """A process that died while erasing leaves bytes in free pages and logs."""
    with store.reading() as connection:
        waiting = sum(not receipt["finished"] for receipt in erasure.receipts(connection))
    if not waiting:
        return []
    if repair:
        erasure.finish(store)
    return [Problem("erasure", f"{waiting} were interrupted before the files were clean", repair)]


def _index_again(connection: sa.Connection, table: str, shown: str) -> None:
    columns = {"passage": ("title", "text"), "episode": ("question", "answer")}[table]
    names = ", ".join(columns)
    texts = ", ".join(f"coalesce({column}, '')" for column in columns)
    run(connection, f"INSERT INTO {table}_fts({table}_fts) VALUES ('delete-all')")
    run(
        connection,
        f"INSERT INTO {table}_fts(rowid, {names}, ns) "
        f"SELECT id, {texts}, 'ns' || namespace_id FROM {table} WHERE {shown}",
    )


def embed_again(store: Store, namespace: str) -> int:
    """Marks what has no vector, so that the encoder makes one; drops vectors of nothing. How many were marked."""
    with store.writing() as connection:
        number = namespaces.find(connection, namespace)
        in_use = spaces.active(connection)
        marked = 0
        for table, kind in (("passage", "passage"), ("passage", "sentence"), ("episode", "question")):
            if kind in in_use and number is not None:
                sql = (
                    f"UPDATE {table} SET embedded = ? WHERE namespace_id = ? AND embedded AND id NOT IN "
                    "(SELECT item_id FROM embedding WHERE space_id = ?)"
                )
                marked += run(connection, sql, (False, number, in_use[kind][0])).rowcount
        for kinds, table in (("'passage', 'sentence'", "passage"), ("'question'", "episode")):
            run(
                connection,
                f"DELETE FROM embedding WHERE space_id IN (SELECT id FROM embedding_space WHERE kind IN ({kinds})) "
                f"AND item_id NOT IN (SELECT id FROM {table})",
            )
        return marked
