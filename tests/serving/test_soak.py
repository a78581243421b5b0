"""Clients of the worst kind, all at once: afterwards nothing leaks, nothing broke, and what was taught is known."""

from __future__ import annotations

import json
import os
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from alen.core import belief
from alen.language_model import LargeLanguageModel
from alen.neural.native import NativeDecoder, find_compiler
from alen.serving.service import Service
from tests import kernels
from tests.benchmark.tiny_model import tiny_model
from tests.engine.conftest import BELIEF
from tests.serving.conftest import made_service, served, settled

SECONDS = 10.0
CLIENTS = 12
PAGES = 20 * 64
"""Tokens of the cache: few, so that texts are put back for want of pages."""

QUESTION = "At what degrees does kiln {} fire stoneware?"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_worst_of_clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(belief, "default", lambda: BELIEF)
    model, decoder = _model()
    service = made_service(tmp_path, model=model)
    model.batch._most_running, model.batch._most_waiting = 3, 2
    threads = threading.active_count()
    with served(service, most_bytes=200_000) as url:
        httpx.post(f"{url}/v1/alen/teach", json={"text": "Kilns fire."})
        _warm(url)
        files = _files()
        statuses, taught = _soak(url)
        assert settled(service, 10)
        assert not [status for status in statuses if status >= 500 and status != 503], statuses
        assert statuses[200] > 20, statuses
        assert statuses[429] > 0, statuses
        assert {400, 413} <= statuses.keys(), statuses
        for number in taught:
            found = httpx.post(f"{url}/v1/alen/ask", json={"question": QUESTION.format(number)}, timeout=30).json()
            assert found["answer"] is not None, number
            assert found["answer"].startswith(f"{number}"), found["answer"]
        assert len(taught) > 5
        if decoder is not None:
            decoder._prefixes.make_room(decoder.pool.count)
            assert decoder.pool.free == decoder.pool.count
        end = time.monotonic() + 10
        while _files() > files + 4 and time.monotonic() < end:
            time.sleep(0.1)
        assert _files() <= files + 4
    end = time.monotonic() + 10
    while threading.active_count() > threads and time.monotonic() < end:
        time.sleep(0.1)
    assert threading.active_count() <= threads, threading.enumerate()


def test_a_slow_reader_holds_up_nobody(url: str, service: Service) -> None:
    """Its text is written to the end and waits; others go on meanwhile."""
    assert service.model is not None
    body = {"prompt": "x", "max_tokens": 700, "temperature": 0, "ignore_eos": True, "stream": True, "logprobs": 5}
    slow = _connection(url)
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    slow.sendall(_request("/v1/completions", json.dumps(body).encode()))
    assert slow.recv(64).startswith(b"HTTP/1.1 200")
    fast = httpx.post(f"{url}/v1/completions", json={"prompt": "y", "max_tokens": 5}, timeout=30)
    assert fast.status_code == 200
    end = time.monotonic() + 60
    while service.model.batch.running and time.monotonic() < end:
        time.sleep(0.05)
    assert service.model.batch.running == 0
    read = b""
    slow.settimeout(30)
    while not read.endswith(b"0\r\n\r\n"):
        read += slow.recv(65536)
    slow.close()
    assert b"data: [DONE]" in read
    assert read.count(b'"finish_reason":"length"') == 1
    assert settled(service)


def _soak(url: str) -> tuple[Counter[int], list[int]]:
    statuses: Counter[int] = Counter()
    taught: list[int] = []
    until, lock = time.monotonic() + SECONDS, threading.Lock()
    doings = (_complete, _stream, _leave, _leave_waiting, _malformed, _oversized, _read_slowly, _echo, _ask)

    def note(status: int) -> None:
        with lock:
            statuses[status] += 1

    def live(client: int) -> None:
        chance, number = random.Random(client), 1000 * (client + 1)
        while time.monotonic() < until:
            if chance.random() < 0.15:
                number += 1
                fact = f"Kiln {number} fires stoneware at {number} degrees. It stands in hall {number}."
                row = {"question": QUESTION.format(number), "answer": f"{number} degrees", "context": fact}
                got = httpx.post(f"{url}/v1/alen/teach", json={"qa": [row]}, timeout=30)
                note(got.status_code)
                if got.status_code == 200:
                    with lock:
                        taught.append(number)
            else:
                chance.choice(doings)(url, chance, note)

    with ThreadPoolExecutor(CLIENTS) as pool:
        for done in [pool.submit(live, client) for client in range(CLIENTS)]:
            done.result()
    return statuses, taught


Note = Callable[[int], None]


def _body(chance: random.Random, **more: object) -> dict:
    prompt = "Once upon a time " * chance.randrange(1, 20)
    return {"prompt": prompt, "max_tokens": chance.randrange(1, 60), "seed": chance.randrange(2**64)} | more


def _complete(url: str, chance: random.Random, note: Note) -> None:
    body = _body(chance, n=chance.randrange(1, 4))
    note(httpx.post(f"{url}/v1/completions", json=body, timeout=60).status_code)


def _stream(url: str, chance: random.Random, note: Note) -> None:
    note(httpx.post(f"{url}/v1/completions", json=_body(chance, stream=True), timeout=60).status_code)


def _echo(url: str, chance: random.Random, note: Note) -> None:
    body = _body(chance, echo=True, logprobs=2, max_tokens=1)
    note(httpx.post(f"{url}/v1/completions", json=body, timeout=60).status_code)


def _ask(url: str, chance: random.Random, note: Note) -> None:
    note(httpx.post(f"{url}/v1/alen/ask", json={"question": "What do kilns do?"}, timeout=60).status_code)


def _leave(url: str, chance: random.Random, note: Note) -> None:
    """In the middle of a stream."""
    with httpx.stream("POST", f"{url}/v1/completions", json=_body(chance, stream=True), timeout=60) as found:
        note(found.status_code)
        for _, _line in zip(range(chance.randrange(5)), found.iter_lines(), strict=False):
            pass


def _leave_waiting(url: str, chance: random.Random, note: Note) -> None:
    """In the middle of a request, of its head, or before its answer."""
    whole = _request(chance.choice(("/v1/completions", "/v1/alen/ask")), json.dumps(_body(chance)).encode())
    with _connection(url) as connection:
        connection.sendall(whole[: chance.randrange(1, len(whole) + 1)])


def _malformed(url: str, chance: random.Random, note: Note) -> None:
    content = bytes(chance.randrange(256) for _ in range(50))
    path = chance.choice(("completions", "chat/completions", "alen/teach", "embeddings"))
    headers = {"content-type": "application/json"}
    note(httpx.post(f"{url}/v1/{path}", content=content, headers=headers, timeout=60).status_code)


def _oversized(url: str, chance: random.Random, note: Note) -> None:
    length = chance.choice((5_000, 150_000, 250_000))
    note(httpx.post(f"{url}/v1/completions", json={"prompt": "x" * length}, timeout=60).status_code)


def _read_slowly(url: str, chance: random.Random, note: Note) -> None:
    with _connection(url) as connection:
        connection.sendall(_request("/v1/completions", json.dumps(_body(chance, stream=True)).encode()))
        for _ in range(20):
            if not connection.recv(32):
                break
            time.sleep(0.02)


def _model() -> tuple[LargeLanguageModel, NativeDecoder | None]:
    """Kernels, where they can be compiled: only they have pages."""
    plain = tiny_model()
    if find_compiler() is None:
        return plain, None
    wide = kernels.model(vocab_size=259, max_seq_len=512)
    decoder = kernels.decoder(wide, tokens=PAGES)
    loaded = type(plain._loaded)(wide, wide.config, plain._loaded.metadata)
    return LargeLanguageModel.of(loaded, plain.tokenizer, name="tiny", fingerprint="f", stepper=decoder), decoder


def _warm(url: str) -> None:
    """What is opened once and stays."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        ask = {"question": "What do kilns do?"}
        list(pool.map(lambda _: httpx.post(f"{url}/v1/alen/ask", json=ask, timeout=60), range(2 * CLIENTS)))


def _request(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _connection(url: str) -> socket.socket:
    parsed = httpx.URL(url)
    return socket.create_connection((parsed.host, parsed.port or 80), timeout=30)


def _files() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
