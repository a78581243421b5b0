"""Several processes over one memory: whoever dies is replaced, and what was acknowledged stays."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from alen.memory import EpisodicMemory
from tests.engine.conftest import HashEncoder
from tests.memory import conftest as databases

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="needs signals that Windows does not have"),
]

SECONDS = 120.0
"""That anything may take on a machine that is busy; each is a matter of seconds."""

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Started:
    """A server in a process of its own. ``url`` is "" when it did not come to listen."""

    process: subprocess.Popen[str]
    log: Path
    url: str

    def workers(self) -> dict[int, list[int]]:
        """The ids of the processes that have listened, for each worker."""
        found: dict[int, list[int]] = {}
        for number, pid in re.findall(r"worker (\d+) listens, as process (\d+)", self.log.read_text("utf-8")):
            found.setdefault(int(number), []).append(int(pid))
        return found

    def pids(self) -> list[int]:
        return [pid for pids in self.workers().values() for pid in pids]

    def end(self, kind: int = signal.SIGTERM) -> int:
        self.process.send_signal(kind)
        return self.process.wait(SECONDS)


@contextmanager
def started(folder: Path, store: str, workers: int, *more: str) -> Iterator[Started]:
    log = folder / "server.log"
    command = [sys.executable, "-m", "tests.serving.small_server", str(folder / "home"), store, str(workers), *more]
    with (
        log.open("w") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=ROOT) as process,
    ):
        server = Started(process, log, "")
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            server.url = json.loads(line) if line else ""
            yield server
        finally:
            process.kill()
            for pid in server.pids():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def until(found: Callable[[], object], seconds: float = SECONDS) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Processes that nobody has waited for yet are dead, too."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return not Path("/proc").is_dir()
    return False


class Clients:
    """Threads that teach a fact of their own and ask for it at once, until told to stop."""

    def __init__(self, url: str, count: int) -> None:
        self._url, self._stop, self._lock = url, threading.Event(), threading.Lock()
        self.taught: list[int] = []
        self.answered: list[int] = []
        self.wrong: list[object] = []
        self.lost = 0
        self._threads = [threading.Thread(target=self._work, args=[place, count]) for place in range(count)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(SECONDS)

    def _work(self, number: int, step: int) -> None:
        while not self._stop.is_set():
            number += step
            with suppress(httpx.HTTPError), httpx.Client(base_url=self._url, timeout=20) as client:
                self._once(client, number)
                continue
            with self._lock:
                self.lost += 1

    def _once(self, client: httpx.Client, number: int) -> None:
        fact = {"question": f"Where does gauge {number} hang?", "answer": f"In hall {number}"}
        told = client.post("/v1/alen/teach", json={"qa": [fact]})
        if told.status_code != 200:
            self.wrong.append(told.text)
            return
        self.taught.append(number)
        got = client.post("/v1/alen/ask", json={"question": fact["question"], "private": True})
        if got.status_code != 200 or got.json()["answer"] != fact["answer"]:
            self.wrong.append(got.text)
        self.answered.append(number)


postgres = databases.postgres


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new, empty database of the kind that is asked for."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'memory.db'}"
    return databases.new_schema(request.getfixturevalue("postgres"))


@pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
def test_a_killed_worker_loses_nothing_that_was_acknowledged(tmp_path: Path, store: str) -> None:
    with started(tmp_path, store, 2) as server:
        clients = Clients(server.url, 4)
        try:
            until(lambda: len(clients.answered) >= 8)
            os.kill(server.workers()[0][0], signal.SIGKILL)
            before = len(clients.answered)
            until(lambda: len(clients.answered) >= before + 8)
            until(lambda: len(server.workers()[0]) == 2)
            before = len(clients.answered)
            until(lambda: len(clients.answered) >= before + 8)
            until(lambda: counted(server.url) == {"0", "1"})  # whom the system gives a connection is up to it
        finally:
            clients.stop()
        assert clients.wrong == []
        assert clients.lost <= 4  # at most what each client had under way
        pids = server.pids()
        assert server.end() == 0
        assert not [pid for pid in pids if alive(pid)]
    with EpisodicMemory.open(store, encoder=HashEncoder()) as memory:
        for number in clients.taught:
            (hit, *_) = memory.recall(f"Where does gauge {number} hang?", k=1)
            assert hit.episode.answer == f"In hall {number}"


def counted(url: str) -> set[str]:
    """The workers whose requests the metrics tell of."""
    text = httpx.get(f"{url}/metrics", timeout=SECONDS).text
    return {*re.findall(r'alen_requests_total\{.*worker="(\d)"', text)}


def shares_of_a_burst(url: str, size: int, asked: int) -> list[float]:
    """How many of so many connections, opened all at once and kept, each of two workers was given; ``asked`` came
    before them."""
    before = lists(url, asked)
    clients = [httpx.Client(base_url=url, timeout=SECONDS) for _ in range(size)]
    threads = [threading.Thread(target=client.get, args=["/v1/models"]) for client in clients]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
        after = lists(url, asked + size)
        return [after.get(worker, 0) - before.get(worker, 0) for worker in "01"]
    finally:
        for client in clients:
            client.close()


def lists(url: str, asked: int) -> dict[str, float]:
    """How many lists of models each worker has given, once the metrics tell of all that were asked for: a worker knows
    what another one counted a second ago, so two answers in a row may disagree."""
    counts: dict[str, float] = {}

    def all_are_counted() -> bool:
        text = httpx.get(f"{url}/metrics", timeout=SECONDS).text
        found = re.findall(r'alen_requests_total\{(?=.*/v1/models).*worker="(\d)".*\} ([\d.]+)', text)
        counts.update({worker: float(count) for worker, count in found})
        return sum(counts.values()) == asked

    until(all_are_counted)
    return counts


def test_a_stream_under_way_comes_to_its_end(tmp_path: Path) -> None:
    with started(tmp_path, f"sqlite:///{tmp_path / 'memory.db'}", 1) as server:
        it_ends_with_its_stream(server)


def test_connections_that_stay_are_spread_evenly_and_end_with_their_streams(tmp_path: Path) -> None:
    with started(tmp_path, f"sqlite:///{tmp_path / 'memory.db'}", 2) as server:
        # Whoever has no processor for a moment lets the others have more: that is as it should be, so not each time.
        assert any(min(shares_of_a_burst(server.url, 12, 12 * burst)) >= 12 / 2 - 2 for burst in range(5))
        it_ends_with_its_stream(server)


def it_ends_with_its_stream(server: Started) -> None:
    body = {"prompt": "Once", "max_tokens": 200, "stream": True, "seed": 1, "ignore_eos": True}
    with httpx.stream("POST", f"{server.url}/v1/completions", json=body, timeout=SECONDS) as got:
        lines = got.iter_lines()
        first = next(lines)
        server.process.send_signal(signal.SIGTERM)
        until(lambda: _refused(server.url))
        rest = [line for line in lines if line]
    assert first.startswith("data: {")
    assert rest[-1] == "data: [DONE]"
    assert len(rest) >= 199
    assert server.process.wait(SECONDS) == 0


def _refused(url: str) -> bool:
    try:
        httpx.get(f"{url}/health")
    except httpx.HTTPError:
        return True
    return False


def test_workers_end_with_whoever_started_them(tmp_path: Path) -> None:
    with started(tmp_path, f"sqlite:///{tmp_path / 'memory.db'}", 2) as server:
        pids = server.pids()
        assert len(pids) == 2
        assert server.end(signal.SIGKILL) == -signal.SIGKILL
        until(lambda: not [pid for pid in pids if alive(pid)])


def test_what_keeps_a_worker_from_starting_is_told(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text("{}")
    with started(tmp_path, f"sqlite:///{tmp_path / 'memory.db'}", 2, str(keys)) as server:
        assert server.url == ""
        assert server.process.wait(SECONDS) == 2
        assert "no keys" in server.log.read_text().splitlines()[-1]
