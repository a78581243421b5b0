"""A real server in a process of its own, and what it streams."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from alen.benchmark.plain_http import asked
from alen.errors import WorkError

SECONDS_TO_START = 180


@contextmanager
def server(*options: str, **variables: str) -> Iterator[str]:
    """The address of ``alen serve`` with these options and variables of its environment, on a free port of this
    machine."""
    command = [sys.executable, "-m", "alen", "serve", "--port", "0", "--json", *options]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ | variables)
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline() or "{}")
            if "url" not in told:
                code = process.wait()
                log.seek(0)
                said = log.read().strip().splitlines()
                raise WorkError(f"alen serve ended with code {code}.", said[-1][:300] if said else "")
            _wait(told["url"])
            yield str(told["url"])
        except (KeyboardInterrupt, SystemExit):
            process.kill()  # who asks to stop does not wait for what is under way
            raise
        finally:
            process.terminate()
            process.wait(60)
            if process.stdout is not None:
                process.stdout.close()


@contextmanager
def ended_in_order() -> Iterator[None]:
    """SIGTERM ends this process by SystemExit, so that what it has started ends too. In the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _wait(url: str) -> None:
    until = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < until:
        with suppress(WorkError):
            if asked(f"{url}/health", seconds=5)[0] == 200:
                return
        time.sleep(0.1)
    raise WorkError(f"{url} did not answer within {SECONDS_TO_START} s.", "Run alen serve alone to see why.")


def streamed(url: str, body: dict[str, Any]) -> tuple[int, float]:
    """Events of a streamed completion after the first, and the seconds they took."""
    address = urlsplit(url)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=300)
    try:
        data = json.dumps(body | {"stream": True})
        connection.request("POST", "/v1/completions", data, {"content-type": "application/json"})
        got, count, started = connection.getresponse(), 0, 0.0
        while line := got.readline():
            if line.startswith(b"data: {"):
                started = started or time.perf_counter()
                count += 1
        return count - 1, time.perf_counter() - started
    finally:
        connection.close()
