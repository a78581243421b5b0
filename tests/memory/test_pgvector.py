"""Vectors searched in PostgreSQL: exact in small namespaces, near enough in large ones, gone when they are erased."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from alen.memory import EpisodicMemory, spaces
from alen.memory.index import planning
from alen.memory.sql import run
from tests.memory.brute_force import Spread, exact, nearest, standing, stored, taught
from tests.memory.conftest import drafts

pytestmark = pytest.mark.parametrize("url", ["pgvector", "pgvector-halves"], indirect=True)


@pytest.fixture
def spread() -> Spread:
    return Spread()


@pytest.fixture
def shared(url: str, spread: Spread) -> Iterator[EpisodicMemory]:
    with EpisodicMemory.open(url, encoder=spread) as opened:
        yield opened


def test_this_machine_keeps_nothing(shared: EpisodicMemory) -> None:
    taught(shared, 30, "a")
    assert len(shared.recollect("Kiln 3 of a", namespace="a").passages) == 8
    assert shared._vectors._known == {}
    assert shared._store.index_folder is not None
    assert not shared._store.index_folder.exists()


def test_a_small_namespace_is_exact_beside_a_large_one(
    shared: EpisodicMemory, spread: Spread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "SEAL_FROM", 600)
    taught(shared, 1500, "big")
    taught(shared, 40, "small")
    shared.teach_passages("twins", drafts("Kiln 7 of big is hot."), content_hash="1", namespace="small")
    assert standing(shared, "big") == "pgvector-hnsw"
    assert standing(shared, "small") == "pgvector-exact"
    queries = spread.encode([f"Kiln {number} of big is hot" for number in range(25)])
    hits = 0
    for query_D in queries:
        assert nearest(shared, query_D, 10, "small") == exact(shared, query_D, 10, "small")
        hits += len(set(nearest(shared, query_D, 10, "big")) & set(exact(shared, query_D, 10, "big")))
    assert hits / 250 >= 0.98
    # More than an index of pgvector looks at.
    assert nearest(shared, queries[0], 1400, "big") == exact(shared, queries[0], 1400, "big")
    assert "_near_" in _plan(shared, queries[0], "big")
    # What was taught since is found, what was retired is not.
    new = "Oven 5 of big is cold."
    shared.teach_passages("late", drafts(new), content_hash="1", namespace="big")
    assert shared.recollect(new, namespace="big").passages[0].passage.text == new
    shared.teach_passages("late", [], content_hash="2", namespace="big")
    assert new not in [hit.passage.text for hit in shared.recollect(new, namespace="big").passages]


def _plan(memory: EpisodicMemory, query_D: np.ndarray, namespace: str) -> str:
    """How the server searches."""
    plans: list[str] = []

    def hear(connection: Any, cursor: Any, statement: str, values: Any, *others: Any) -> None:
        if "LIMIT 10" in statement and not statement.startswith("EXPLAIN"):
            plans.extend(connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars())

    with memory._looking(namespace, query_D, True) as (connection, _, vectors):
        assert vectors is not None
        sa.event.listen(connection, "before_cursor_execute", hear)
        vectors.passage.top(query_D, 10)
    return "\n".join(plans)


def test_an_index_where_nearly_all_is_gone_still_finds_the_rest(
    shared: EpisodicMemory, spread: Spread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "SEAL_FROM", 600)
    taught(shared, 1300, "big")
    assert standing(shared, "big") == "pgvector-hnsw"
    with shared._store.writing() as connection:
        # Set aside without a word to the vectors: the index holds them, the statement leaves them out.
        run(connection, "UPDATE passage SET status = 'retired' WHERE mod(id, ?) <> 0", (100,))
    query_D = spread.encode(["Kiln 8 of big is hot."])[0]
    wanted = exact(shared, query_D, 10, "big")
    assert len(wanted) == 10
    assert nearest(shared, query_D, 10, "big") == wanted


def test_an_index_is_built_while_searches_go_on(
    shared: EpisodicMemory, spread: Spread, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught(shared, 700, "big")
    query_D = spread.encode(["Kiln 8 of big is hot."])[0]
    monkeypatch.setattr(planning, "SEAL_FROM", 600)
    deadline = time.monotonic() + 60
    index = ""
    while index != "pgvector-hnsw" and time.monotonic() < deadline:
        assert nearest(shared, query_D, 10, "big") == exact(shared, query_D, 10, "big")
        with shared._store.reading() as connection:
            vectors = shared._vectors.refreshed(connection, "big")
            assert vectors is not None
            index = vectors.standing(connection)["passage"]["index"]
        time.sleep(0.05)
    assert index == "pgvector-hnsw"


def test_an_index_whose_building_was_interrupted_is_not_used_and_built_again(
    shared: EpisodicMemory, spread: Spread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "SEAL_FROM", 600)
    taught(shared, 700, "big")
    assert standing(shared, "big") == "pgvector-hnsw"
    with shared._store.writing() as connection:
        space = spaces.active(connection)["passage"][0]
        sql = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(?)"
        run(connection, sql, (f"vector_space_{space}_near_1",))
        vectors = shared._vectors.refreshed(connection, "big")
        assert vectors is not None
        assert vectors.standing(connection)["passage"] == {"index": "pgvector-exact"}
    query_D = spread.encode(["Kiln 8 of big is hot."])[0]
    assert nearest(shared, query_D, 10, "big") == exact(shared, query_D, 10, "big")
    assert standing(shared, "big") == "pgvector-hnsw"


def test_processes_hear_each_other_whatever_index_they_have(url: str, shared: EpisodicMemory) -> None:
    taught(shared, 20, "a")
    program = (
        "import sys; from alen.memory import EpisodicMemory; from tests.memory.conftest import drafts\n"
        "from tests.memory.brute_force import Spread\n"
        f"with EpisodicMemory.open({url!r}, encoder=Spread(), index=sys.argv[1], namespace='a') as memory:\n"
        "    memory.teach_passages(sys.argv[1], drafts(f'Oven of {sys.argv[1]}.'), content_hash='1')\n"
        "    print(len(memory.recollect('Oven').passages), flush=True)\n"
        "    sys.stdin.readline()\n"
        "    memory.teach_passages(sys.argv[1], [], content_hash='2')\n"
        "    print('retired', flush=True)\n"
    )
    for index in ("pgvector", "local"):
        text = f"Oven of {index}."
        with subprocess.Popen(
            [sys.executable, "-c", program, index], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout is not None
            assert other.stdin is not None
            assert other.stdout.readline().strip() == "8"
            first = shared.recollect(text, namespace="a").passages[0]
            assert first.passage.text == text
            assert "dense" in first.explain
            other.stdin.write("\n")
            other.stdin.flush()
            assert other.stdout.readline().strip() == "retired"
            assert text not in [hit.passage.text for hit in shared.recollect(text, namespace="a").passages]
            assert shared.verify("deep", namespace="a").ok


def test_erased_bytes_are_in_no_file_of_the_server(shared: EpisodicMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "SEAL_FROM", 40)
    secret = "Zanzibar quintessence 4711 of the vault."
    taught(shared, 60, "default")
    shared.teach_passages("secret", drafts(secret), content_hash="1")
    uid = shared.remember(question=f"Who knows of {secret}", answer="Nobody does.")
    assert standing(shared, "default") == "pgvector-hnsw"
    patterns = [secret.encode()]
    for kind in spaces.KINDS:
        newest = max(stored(shared, kind).items(), key=lambda entry: entry[0])
        assert kind == "question" or newest[0][0] == 61
        patterns += [newest[1].tobytes()[:64], newest[1].astype(np.float16).tobytes()[:32]]
    assert len(_with_any(shared, patterns)) >= 4
    shared.erase([uid])
    shared.erase(source="secret")
    assert _with_any(shared, patterns) == []
    assert shared.verify("deep").ok
    assert standing(shared, "default") == "pgvector-hnsw"


def _with_any(memory: EpisodicMemory, patterns: list[bytes]) -> list[str]:
    """Files of the server's tables and indexes that hold one of these, samples of the planner included; its log of
    writes is out of reach."""
    engine = sa.create_engine(memory._store.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if not memory.receipts():
            run(connection, "ANALYZE")
        run(connection, "CHECKPOINT")
        folder = Path(str(run(connection, "SHOW data_directory").scalar()))
    engine.dispose()
    found = []
    for file in (folder / "base").rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        found += [str(file)] * any(pattern in content for pattern in patterns)
    return found
