"""Writers and readers are killed with -9 at any moment: what was acknowledged is there, what was not is there whole or
not at all, and everything derived fits."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alen.memory import EpisodicMemory
from tests.memory.conftest import drafts
from tests.memory.torture import children, life
from tests.memory.torture.counts import KILLS

WRITERS, READERS, KEYS = 3, 2, 30
GONE = None


def question(key: str) -> str:
    return f"What stands on shelf {key}?"


def answer(key: str, version: int) -> str:
    return f"Bowl {version} of shelf {key}"


def texts(key: str, version: int) -> list[str]:
    return [f"Kiln {key} has shelf {shelf} for bowl {version}." for shelf in range(6)]


def write(send: Callable[[Any], None], url: str, writer: int, seed: int, known: dict[str, int | None]) -> None:
    """Change own keys for ever. Each change is told before it begins and when it is acknowledged."""
    chance = random.Random(seed)
    version = seed * 1000
    with EpisodicMemory.open(url, encoder=life.OLD) as memory:
        while True:
            key, version = f"{writer}x{chance.randrange(KEYS)}", version + 1
            action = chance.choices(["put", "delete", "supersede", "teach", "seal", "merge", "erase"],
                                    [40, 15, 10, 20, 6, 6, 3])[0]  # fmt: skip
            name = f"book {key}" if action == "teach" else key
            if action in {"delete", "erase"} and known.get(key) is GONE:
                continue
            after = GONE if action in {"delete", "erase"} else version
            if action in {"seal", "merge"}:
                memory.checkpoint() if action == "seal" else memory.merge(dry_run=False)
                continue
            send(("begin", name, after))
            act(memory, action, key, version, known.get(key))
            known[name] = after
            send(("done", name, after))


def act(memory: EpisodicMemory, action: str, key: str, version: int, before: int | None) -> None:
    if action == "teach":
        memory.teach_passages(f"book {key}", drafts(*texts(key, version)), content_hash=str(version))
    elif before is GONE:
        memory.remember(question=question(key), answer=answer(key, version))
    else:
        uid = memory.remember(question=question(key), answer=answer(key, before))
        if action == "put":
            memory.update(uid, answer=answer(key, version))
        elif action == "delete":
            memory.delete(uid)
        elif action == "erase":
            memory.erase([uid])
        else:
            memory.supersede(uid, memory.remember(question=question(key), answer=answer(key, version)))


def read(send: Callable[[Any], None], url: str, seed: int) -> None:
    """Ask for ever; what is found is of what was asked, and a document is there as a whole."""
    chance = random.Random(seed)
    with EpisodicMemory.open(url, encoder=life.OLD) as memory:
        while True:
            key = f"{chance.randrange(WRITERS)}x{chance.randrange(KEYS)}"
            for hit in memory.recall(question(key), 3):
                assert hit.episode.answer.endswith(hit.episode.question.removeprefix("What stands on ")[:-1])
            memory.recollect(f"Kiln {key} bowl", passages=6)
            send(("read", key, None))
            time.sleep(0.002)


class Crowd:
    """Processes on one store, and what may be in it: for each key the values that a reader may find."""

    def __init__(self, url: str, seed: int) -> None:
        self.url = url
        self.chance = random.Random(seed)
        self.allowed: dict[str, set[int | None]] = {}
        self.seed = 0
        self.running: list[children.Child] = []

    def start(self) -> None:
        for writer in range(WRITERS):
            self.seed += 1
            own = {
                name: value for name, (value,) in self.allowed.items() if name.removeprefix("book ")[0] == str(writer)
            }
            self.running.append(children.Child(write, self.url, writer, self.seed, own))
        for _ in range(READERS):
            self.seed += 1
            self.running.append(children.Child(read, self.url, self.seed))

    def kill(self) -> None:
        """One after another, while those that are left go on."""
        self.chance.shuffle(self.running)
        for child in self.running:
            assert child.receive(), "it died of itself"
            time.sleep(self.chance.uniform(0.0, 0.05))
            assert child.kill() == -signal.SIGKILL
            for state, name, value in child.sent:
                if state != "read":
                    before = self.allowed.get(name, {GONE})
                    self.allowed[name] = before | {value} if state == "begin" else {value}
        self.running.clear()

    def look(self) -> None:
        """Everything against what is allowed; what was found is from now on the only thing allowed."""
        with EpisodicMemory.open(self.url, encoder=life.OLD) as memory:
            report = memory.verify("deep")
            # An erasure that was cut short is the one thing that is left to be done.
            assert {problem.part for problem in report.problems} <= {"erasure"}, report.problems
            assert memory.verify("deep", repair=True).ok
            found = life.facts(memory)
            with memory._store.writing() as connection:
                assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
                for index in ("passage_fts", "episode_fts"):
                    connection.exec_driver_sql(f"INSERT INTO {index}({index}) VALUES ('integrity-check')")
        episodes: dict[str, set[str]] = {}
        for _, asked, said, _, _, status, *_ in found["episodes"]:
            if status == "active":
                episodes.setdefault(asked, set()).add(said)
        books: dict[str, set[str]] = {}
        for source, text, status, *_ in found["passages"]:
            if status == "active":
                books.setdefault(source, set()).add(text)
        for name, values in self.allowed.items():
            if name.startswith("book "):
                there = books.get(name, set())
                fitting = {value for value in values if there == set(texts(name[5:], value) if value else [])}
            else:
                there = episodes.get(question(name), set())
                assert there <= {answer(name, value) for value in values if value}
                fitting = {value for value in values if (answer(name, value) in there if value else not there)}
                assert fitting, (name, values, there)
                # A replacement is two acts, the new one and the end of the old one: it may have been cut between them.
                for said in there - {answer(name, max(fitting, key=lambda value: value or 0))}:
                    self.end(name, said)
            assert fitting, (name, values, there)
            self.allowed[name] = {max(fitting, key=lambda value: value or 0)}

    def end(self, key: str, said: str) -> None:
        with EpisodicMemory.open(self.url, encoder=life.OLD) as memory:
            memory.delete(memory.remember(question=question(key), answer=said))


ROUNDS = -(-KILLS // (WRITERS + READERS))
PARTS = max(1, ROUNDS // 10)


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_acknowledged_is_lost(part: int, tmp_path: Path) -> None:
    crowd = Crowd(life.place(tmp_path), part)
    for _ in range(ROUNDS // PARTS):
        crowd.start()
        crowd.kill()
        crowd.look()
    assert len(crowd.allowed) > 10
