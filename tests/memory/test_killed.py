"""What was acknowledged is there after kill -9, and what was not is there whole or not at all."""

from __future__ import annotations

import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import sqlalchemy as sa

from alen.memory import EpisodicMemory
from alen.memory.store import Store
from tests.memory.conftest import HashEncoder

KILLS = 5

TEACHER = """
import os, sys
from alen.memory import EpisodicMemory
from tests.memory.conftest import HashEncoder, drafts

with EpisodicMemory.open(sys.argv[1], encoder=HashEncoder(64)) as memory:
    number = int(sys.argv[2])
    while True:
        texts = [f"Kiln {number} has shelf {shelf} for bowl {number * shelf}." for shelf in range(8)]
        memory.teach_passages(f"source {number}", drafts(*texts), content_hash="1")
        if number % 3 == 0:
            memory.teach_passages(f"source {number}", drafts(*texts[2:], f"New {number}."), content_hash="2")
        uid = memory.remember(question=f"What is {number}?", answer=f"Kiln {number}")
        os.write(1, f"{number} {uid}\\n".encode())
        number += 1
"""


def test_nothing_acknowledged_is_lost(url: str) -> None:
    chance = random.Random(11)
    acknowledged: dict[int, str] = {}
    next_number = 0
    for _ in range(KILLS):
        teacher = subprocess.Popen(
            [sys.executable, "-c", TEACHER, url, str(next_number)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        assert teacher.stdout is not None
        ready, _, _ = select.select([teacher.stdout], [], [], 60)
        assert ready, "the teacher never acknowledged anything"
        time.sleep(chance.uniform(0.0, 0.25))
        teacher.send_signal(signal.SIGKILL)
        output = teacher.communicate()[0].decode()
        lines = output.split("\n")[:-1]  # the last piece is empty, or a line that the kill cut
        assert lines
        acknowledged |= {int(number): uid for number, uid in (line.split() for line in lines)}
        next_number = max(acknowledged) + 2
        _check(url, acknowledged)


def _check(url: str, acknowledged: dict[int, str]) -> None:
    with EpisodicMemory.open(url, encoder=HashEncoder(64)) as memory:
        for number, uid in acknowledged.items():
            assert memory.show(uid)["answer"] == f"Kiln {number}"
            hits = memory.recall(f"bowl {number * 5} of Kiln {number}", passages=40).passages
            own = [hit.passage.text for hit in hits if hit.passage.source == f"source {number}"]
            assert f"Kiln {number} has shelf 5 for bowl {number * 5}." in own
        store: Store = memory._store
        with store.reading() as connection:
            assert _count(connection, "PRAGMA integrity_check") == "ok"
            halves = "SELECT count(*) FROM passage WHERE status = 'active' GROUP BY document_id"
            assert set(connection.exec_driver_sql(halves).scalars()) <= {7, 8}
            for kind in ("passage", "sentence"):
                vectors = (
                    "SELECT count(*) FROM embedding e JOIN embedding_space s ON s.id = e.space_id "
                    f"WHERE s.kind = '{kind}'"
                )
                assert _count(connection, vectors) == _count(
                    connection, "SELECT count(*) FROM passage WHERE status = 'active'"
                )
            words = "SELECT count(*) FROM passage_fts WHERE passage_fts MATCH 'kiln'"
            assert _count(connection, words) == _count(
                connection, "SELECT count(*) FROM passage WHERE status = 'active' AND text LIKE '%kiln%'"
            )
        with store.writing() as connection:
            connection.exec_driver_sql("INSERT INTO passage_fts(passage_fts) VALUES ('integrity-check')")


def _count(connection: sa.Connection, sql: str) -> object:
    return connection.exec_driver_sql(sql).scalar()
