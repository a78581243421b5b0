"""The tables of pgvector: what they hold is what embeddings hold, whenever and by whomever it was written."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import sqlalchemy as sa

from alen.errors import BadInput, StoreError
from alen.memory import EpisodicMemory, pgvector_tables, spaces
from alen.memory.index import planning
from alen.memory.sql import run
from alen.types import PassageDraft
from tests.memory.brute_force import DIM, Spread, exact, nearest, standing, stored, taught
from tests.memory.conftest import HashEncoder

pytestmark = pytest.mark.parametrize("url", ["pgvector", "pgvector-halves"], indirect=True)


@pytest.fixture
def spread() -> Spread:
    return Spread()


@pytest.fixture
def shared(url: str, spread: Spread) -> Iterator[EpisodicMemory]:
    with EpisodicMemory.open(url, encoder=spread) as opened:
        yield opened


def test_tables_hold_what_embeddings_hold(shared: EpisodicMemory) -> None:
    one, two = "The kiln is hot.", "It glows at night."
    draft = PassageDraft(f"{one} {two}", sentences=((0, len(one)), (len(one) + 1, len(one) + 1 + len(two))))
    shared.teach_passages("book", [draft], content_hash="1")
    shared.remember(question="Where is the key?", answer="In the pot.")
    with shared._store.reading() as connection:
        in_use = spaces.active(connection)
        found = {
            kind: run(connection, "SELECT item_id, vec FROM embedding WHERE space_id = ?", (in_use[kind][0],)).all()
            for kind in spaces.KINDS
        }
    for kind, rows in found.items():
        ((item, blob),) = rows
        halves = np.frombuffer(blob, dtype=spaces.STORED).reshape(-1, DIM).astype(np.float32)
        copied = stored(shared, kind)
        assert len(copied) == len(halves) == (2 if kind == "sentence" else 1)
        for place, half_D in enumerate(halves):
            assert np.array_equal(copied[item, place], half_D)


def test_tables_that_nobody_kept_are_filled_again(url: str, spread: Spread) -> None:
    with EpisodicMemory.open(url, encoder=spread) as memory:
        taught(memory, 30, "a")
        uid = memory.remember(question="Where is the key?", answer="In the pot.")
        with memory._store.writing() as connection:
            run(connection, "DROP FUNCTION alen_embedding_changed, alen_vector_space_made CASCADE")
        # In the same places as before, with other vectors.
        memory.update(uid, question="Who rang twice?")
        memory.teach_passages("Kiln", [], content_hash="x", namespace="a")
        taught(memory, 20, "b")
    with EpisodicMemory.open(url, encoder=spread) as memory:
        assert len(stored(memory, "passage")) == 20
        (copied,) = stored(memory, "question").values()
        wanted_D = spread.encode(["Who rang twice?"])[0].astype(np.float16)
        assert np.array_equal(copied, wanted_D.astype(np.float32))
        assert memory.verify("deep", namespace="b").ok


def test_every_half_float_is_read_as_numpy_reads_it(shared: EpisodicMemory) -> None:
    every = np.arange(1 << 16, dtype=np.uint16).view("<f2")
    every = every[np.isfinite(every)]
    with shared._store.reading() as connection:
        sql = "SELECT halves FROM alen_vector_rows(?, ?)"
        (found,) = run(connection, sql, (every.tobytes(), len(every))).one()
    assert np.array_equal(np.array(found, dtype=np.float32), every.astype(np.float32))


def test_what_was_local_is_filled_in_and_an_interruption_costs_nothing(
    url: str, spread: Spread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgvector_tables, "_AT_ONCE", 20)
    with EpisodicMemory.open(url, encoder=spread, index="local") as local:
        taught(local, 70, "a")
        taught(local, 5, "b")
        local.remember(question="Where is the key?", answer="In the pot.")
        wanted = [hit.passage.text for hit in local.recollect("Kiln 33 of a", namespace="a").passages]
    calls: list[tuple[str, int, int]] = []

    def interrupt(stage: str, done: int, total: int) -> None:
        calls.append((stage, done, total))
        if done == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        EpisodicMemory.open(url, encoder=spread, progress=interrupt)
    assert [done for _, done, _ in calls] == [1, 20, 40]
    with EpisodicMemory.open(url, encoder=spread, index="local") as local:
        # Who writes meanwhile, whatever index it has, writes into the tables as well.
        taught(local, 1, "a", "Oven")
        local.teach_passages("Kiln", [], content_hash="x", namespace="b")
    calls.clear()
    progress = lambda *each: calls.append(each)  # noqa: E731 shorter than a function
    with EpisodicMemory.open(url, encoder=spread, progress=progress) as memory:
        assert calls[0][1] == 61
        assert {total for _, _, total in calls} >= {71}
        assert [done for _, done, total in calls if done == total]
        assert [hit.passage.text for hit in memory.recollect("Kiln 33 of a", namespace="a").passages] == wanted
        assert len(stored(memory, "passage")) == 71
        for namespace in ("a", "b"):
            assert memory.verify("deep", namespace=namespace).ok
    calls.clear()
    with EpisodicMemory.open(url, encoder=spread, progress=progress) as again:
        assert calls == []
        assert [hit.passage.text for hit in again.recollect("Kiln 33 of a", namespace="a").passages] == wanted


def test_another_encoder_gets_a_table_of_its_own(url: str, shared: EpisodicMemory) -> None:
    taught(shared, 30, "a")
    before = set(_tables(shared))
    new = HashEncoder(32, "new")
    shared.reembed(new)
    made = set(_tables(shared)) - before
    assert len(made) == 3
    assert shared.recollect("Kiln 3 of a is hot.", namespace="a").passages[0].passage.text == "Kiln 3 of a is hot."
    assert shared.verify("deep", namespace="a").ok
    shared.close()
    with EpisodicMemory.open(url, encoder=new) as again:
        assert set(_tables(again)) == made
        assert again.recollect("Kiln 5 of a is hot.", namespace="a").passages[0].passage.text == "Kiln 5 of a is hot."


def _tables(memory: EpisodicMemory) -> list[str]:
    with memory._store.reading() as connection:
        return [name for name in sa.inspect(connection).get_table_names() if name.startswith("vector_space_")]


def test_what_the_tables_lost_is_noticed_and_copied_again(
    shared: EpisodicMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "SEAL_FROM", 40)
    taught(shared, 60, "a")
    taught(shared, 10, "b")
    assert standing(shared, "a") == "pgvector-hnsw"
    with shared._store.writing() as connection:
        space = spaces.active(connection)["passage"][0]
        run(connection, f"DELETE FROM vector_space_{space} WHERE item_id < 10")
    report = shared.verify("quick", namespace="a")
    assert [problem.part for problem in report.problems] == ["passage"]
    assert shared.verify("quick", namespace="b").ok
    assert shared.verify("quick", repair=True, namespace="a").ok
    assert shared.verify("deep", namespace="a").ok
    assert len(stored(shared, "passage")) == 70
    assert standing(shared, "a") == "pgvector-hnsw"


def test_vectors_too_long_for_an_index_are_compared_one_by_one(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "SEAL_FROM", 20)
    long = Spread(4160)
    with EpisodicMemory.open(url, encoder=long) as memory:
        taught(memory, 25, "a")
        assert standing(memory, "a") == "pgvector-exact"
        query_D = long.encode(["Kiln 3 of a is hot."])[0]
        assert nearest(memory, query_D, 5, "a") == exact(memory, query_D, 5, "a")


def test_tables_of_an_older_pgvector_go_on_after_its_update(
    url: str, spread: Spread, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(pgvector_tables, "HALVES_FROM", (99,))
        with EpisodicMemory.open(url, encoder=spread) as memory:
            taught(memory, 30, "a")
    monkeypatch.setattr(planning, "SEAL_FROM", 20)
    with EpisodicMemory.open(url, encoder=spread) as memory:
        taught(memory, 31, "a")
        assert standing(memory, "a") == "pgvector-hnsw"
        query_D = spread.encode(["Kiln 30 of a is hot."])[0]
        assert nearest(memory, query_D, 5, "a") == exact(memory, query_D, 5, "a")
        memory.reembed(HashEncoder(32, "new"))
        with memory._store.reading() as connection:
            sql = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attname = 'vec' AND attrelid = "
            kinds = [run(connection, f"{sql}to_regclass(?)", (name,)).scalar() for name in _tables(memory)]
    half = url_has_halves(url)
    assert sum(str(kind).endswith("halfvec(32)") for kind in kinds) == (3 if half else 0)


def url_has_halves(url: str) -> bool:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        version = run(connection, "SELECT extversion FROM pg_extension WHERE extname = 'vector'").scalar()
    engine.dispose()
    return tuple(map(int, str(version).split("."))) >= pgvector_tables.HALVES_FROM


def test_what_cannot_be_had_is_said(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="local, pgvector") as caught:
        EpisodicMemory.open(url, index="hnsw")
    assert caught.value.field == "index"
    EpisodicMemory.open(url).close()
    with monkeypatch.context() as broken:
        broken.setattr(pgvector_tables, "OLDEST", (99, 0))
        with pytest.raises(StoreError, match="ALTER EXTENSION vector UPDATE"):
            EpisodicMemory.open(url)
    fresh = _fresh_database(url)
    with monkeypatch.context() as without:
        without.setattr(pgvector_tables, "_AVAILABLE", "SELECT NULL")
        with pytest.raises(StoreError, match="has no pgvector"):
            EpisodicMemory.open(fresh)
    with pytest.raises(StoreError, match="CREATE EXTENSION vector"):
        EpisodicMemory.open(_as_a_stranger(fresh))


def _fresh_database(url: str) -> str:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        run(connection, "DROP DATABASE IF EXISTS fresh")
        run(connection, "CREATE DATABASE fresh")
    engine.dispose()
    fresh = sa.make_url(url).set(database="fresh")
    return fresh.update_query_dict({"options": "-csearch_path=public"}).render_as_string(False)


def _as_a_stranger(url: str) -> str:
    """Somebody who has a schema and no more."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if not run(connection, "SELECT 1 FROM pg_roles WHERE rolname = 'stranger'").scalar():
            run(connection, "CREATE ROLE stranger LOGIN PASSWORD 'x'")
        run(connection, "CREATE SCHEMA theirs AUTHORIZATION stranger")
    engine.dispose()
    theirs = sa.make_url(url).set(username="stranger", password="x")
    return theirs.update_query_dict({"options": "-csearch_path=theirs"}).render_as_string(False)
