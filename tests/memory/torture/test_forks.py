"""Forks, threads and signals while memory is searched: nothing hangs, nothing dies of a signal that nobody sent."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alen.memory import EpisodicMemory, forks
from tests.memory.torture import children, life, tenants
from tests.memory.torture.counts import times

pytest.importorskip("faiss", reason="sealed indexes need faiss: pip install -e '.[cpu]'")

SECONDS = times(10, 4)
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def sound(fast_folder: Path) -> Path:
    folder = fast_folder / "to be forked"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patched:
        children.plan(patched.setattr)
        tenants.build(folder)
    return folder


def searching(folder: Path, work: Callable[[EpisodicMemory], None], threads: int = 2) -> None:
    """Do something while others search with the same memory."""
    over = threading.Event()

    def search(memory: EpisodicMemory) -> None:
        while not over.is_set():
            tenants.shown(memory)

    with EpisodicMemory.open(life.place(folder), encoder=life.OLD) as memory:
        tenants.shown(memory)
        running = [threading.Thread(target=search, args=(memory,), daemon=True) for _ in range(threads)]
        for thread in running:
            thread.start()
        time.sleep(0.02)
        work(memory)
        over.set()
        for thread in running:
            thread.join(SECONDS)
            assert not thread.is_alive()


def forked(work: Callable[[], None]) -> int:
    """The exit code of a fork that does something; minus a signal; a fork that hangs is a failure."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 999


def fork_and_open(send: Callable[[Any], None], folder: Path) -> None:
    """A fork opens its own."""

    def own() -> None:
        with EpisodicMemory.open(life.place(folder), encoder=life.OLD) as memory:
            tenants.shown(memory)
            memory.remember(question=f"Who is {os.getpid()}?", answer="A fork.", namespace="ann")

    searching(folder, lambda memory: send([forked(own) for _ in range(4)]))


def fork_and_use(send: Callable[[Any], None], folder: Path) -> None:
    """A fork uses what its parent had opened."""

    def use(memory: EpisodicMemory) -> None:
        tenants.shown(memory)
        memory.remember(question=f"Who is {os.getpid()}?", answer="A fork.", namespace="ann")
        tenants.shown(memory)

    def fork(memory: EpisodicMemory) -> None:
        codes = [0]
        while codes[-1] == 0 and len(codes) <= 8:
            codes.append(forked(lambda: use(memory)))
        send(codes[1:])

    searching(folder, fork)


def test_a_fork_opens_its_own_memory(sound: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(sound, folder)
    child = children.Child(fork_and_open, folder)
    assert child.finish() == 0
    assert child.sent == [[0] * 4]
    with EpisodicMemory.open(life.place(folder), encoder=life.OLD) as memory:
        assert memory.verify("deep", namespace="ann").problems == ()
        assert memory.stats(namespace="ann")["episodes"]["gold"] == tenants.ROWS + 4


def test_a_fork_uses_the_memory_of_its_parent(sound: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(sound, folder)
    child = children.Child(fork_and_use, folder)
    assert child.finish() == 0
    assert child.sent == [[0] * 8]


def test_a_fork_waits_for_a_transaction_of_another_thread(tmp_path: Path) -> None:
    inside, ended = threading.Event(), []

    def write(memory: EpisodicMemory) -> None:
        with memory._store.writing():
            inside.set()
            time.sleep(0.3)
            ended.append(time.monotonic())

    with EpisodicMemory.open(life.place(tmp_path), encoder=life.OLD) as memory:
        writer = threading.Thread(target=write, args=(memory,))
        writer.start()
        assert inside.wait(10)
        assert forked(lambda: None) == 0
        assert ended
        writer.join()
        assert memory.remember(question="Who forked?", answer="Somebody.")


def test_a_fork_does_not_wait_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever is inside may be waiting for the thread that forks."""
    monkeypatch.setattr(forks, "WAIT_SECONDS", 0.2)
    inside, over = threading.Event(), threading.Event()

    def read(memory: EpisodicMemory) -> None:
        with memory._store.reading():
            inside.set()
            over.wait(10)

    with EpisodicMemory.open(life.place(tmp_path), encoder=life.OLD) as memory:
        reader = threading.Thread(target=read, args=(memory,))
        reader.start()
        assert inside.wait(10)
        assert forked(lambda: None) == 0
        assert "may hang" in caplog.text
        # Within its own transaction a thread forks at once.
        over.set()
        reader.join()
        with memory._store.reading():
            assert forked(lambda: None) == 0


def spawn(send: Callable[[Any], None], folder: Path) -> None:
    with EpisodicMemory.open(life.place(folder), encoder=life.OLD) as memory:
        tenants.shown(memory)
        send("shown")


def test_spawned_processes_search_beside_threads(sound: Path) -> None:
    def work(memory: EpisodicMemory) -> None:
        others = [children.Child(spawn, sound) for _ in range(3)]
        assert [other.finish(SECONDS * 6) for other in others] == [0, 0, 0]

    searching(sound, work, threads=4)


def search_until(send: Callable[[Any], None], folder: Path) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    searching(folder, lambda memory: (send("searching"), time.sleep(60)))  # type: ignore[func-returns-value]  # one after the other


def test_a_process_that_is_asked_to_end_while_it_searches_ends(sound: Path) -> None:
    child = children.Child(search_until, sound)
    child.receive()
    started = time.monotonic()
    assert child.kill(signal.SIGTERM) == -signal.SIGTERM
    assert time.monotonic() - started < SECONDS


SEALING = """
import sys, threading, time
sys.path.insert(0, {root!r})
from alen.memory import EpisodicMemory, forks
from alen.memory.index import faiss_guard, planning, sealing
from tests.memory.torture import life

planning.SEAL_FROM = 40
inside, measured = threading.Event(), sealing._measured

def slow(*arguments):
    inside.set()
    for _ in range(20_000):
        found = measured(*arguments)
    return found

class Slow:
    closed = False

    def write(self, text):
        pass

    def flush(self):
        time.sleep(0.3)

sealing._measured = slow
memory = EpisodicMemory.open({url!r}, encoder=life.OLD)
memory.recall("Where does gauge 3 hang?", 1, namespace="ann")
assert inside.wait(10)
sys.stdout = Slow()
"""
"""What FAISS computes looks now and then whether it was interrupted, in its own threads; the interpreter is taken down
slowly, so that such a look comes in between."""


def test_a_process_that_ends_while_it_seals_ends_well(sound: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(sound, folder)
    shutil.rmtree(folder / "memory.db.index")
    script = SEALING.format(root=str(ROOT), url=life.place(folder))
    for _ in range(times(20, 2)):
        ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert not list(folder.rglob("*.partial"))


def hold(send: Callable[[Any], None], folder: Path, sign: str) -> None:
    with EpisodicMemory.open(life.place(folder), encoder=life.OLD) as memory:
        tenants.shown(memory)
        send("held")
        while not Path(sign).exists():
            for name in tenants.NAMES:
                memory.recall("Where does gauge 3 hang?", 5, mode="dense", fresh=False, namespace=name)
        tenants.shown(memory)


def test_a_reader_holds_an_old_generation_while_newer_ones_come(sound: Path, tmp_path: Path, low: None) -> None:
    """What it has mapped stays as it was until it lets go."""
    folder, sign = tmp_path / "copy", tmp_path / "over"
    shutil.copytree(sound, folder)
    reader = children.Child(hold, folder, str(sign))
    reader.receive()
    with EpisodicMemory.open(life.place(folder), encoder=life.OLD, namespace="ann") as memory:
        for generation in range(2, 5):
            rows = [{"question": f"Where is bell {generation} {n}?", "answer": f"ann says hall {n}"} for n in range(60)]
            memory.remember_many(rows)
            assert memory.checkpoint()["question"]["generation"] == generation
            memory.delete([hit.episode.id for hit in memory.recall("Where is bell?", 60, mode="lexical")])
            memory.checkpoint()
            if memory.checkpoint()["question"]["generation"] > generation:
                break
    sign.touch()
    assert reader.finish() == 0
