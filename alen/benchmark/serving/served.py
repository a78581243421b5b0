"""A real server in a process of its own, and clients that ask the next thing as soon as they have an answer."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import httpx

from alen.errors import WorkError

SECONDS_TO_START = 180


@contextmanager
def server(*options: str, **variables: str) -> Iterator[str]:
    """The address of ``alen serve`` with these options and variables of its environment, on a free port of this
    machine."""
    command = [sys.executable, "-m", "alen", "serve", "--port", "0", "--json", *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | variables
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise WorkError(f"The server ended with code {process.wait()}.", "Run alen serve alone to see why.")
        url = str(json.loads(line)["url"])
        _wait(url)
        yield url
    finally:
        process.terminate()
        process.wait(60)


def _wait(url: str) -> None:
    until = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < until:
        try:
            if httpx.get(f"{url}/health", timeout=5, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise WorkError(f"{url} did not answer within {SECONDS_TO_START} s.", "Run alen serve alone to see why.")


def closed_loop(
    url: str, path: str, bodies: Sequence[dict[str, Any]], clients: int, seconds: float
) -> tuple[list[float], float]:
    """Seconds of each request of ``clients`` that ask for ``seconds``, and how many requests a second were answered.

    Raises WorkError when one is not answered with 200."""
    return asyncio.run(_closed_loop(url, path, bodies, clients, seconds))


async def _closed_loop(
    url: str, path: str, bodies: Sequence[dict[str, Any]], clients: int, seconds: float
) -> tuple[list[float], float]:
    taken: list[float] = []
    started = time.perf_counter()
    until = started + seconds
    await asyncio.gather(*(_client(url, path, bodies[n::clients], until, taken) for n in range(clients)))
    return taken, len(taken) / (time.perf_counter() - started)


async def _client(url: str, path: str, bodies: Sequence[dict[str, Any]], until: float, taken: list[float]) -> None:
    """One connection that stays open, and as little besides as can be: clients share the cores with the server."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    requests = [_request(address.netloc, path, body) for body in bodies]
    place = 0
    while time.perf_counter() < until:
        started = time.perf_counter()
        writer.write(requests[place % len(requests)])
        status, told = await _response(reader)
        if status != 200:
            raise WorkError(f"{path} answered {status}: {told[:200]!r}", "Look at the log of the server.")
        taken.append(time.perf_counter() - started)
        place += 1
    writer.close()


def _request(host: str, path: str, body: dict[str, Any]) -> bytes:
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {len(data)}"
    return head.encode() + b"\r\n\r\n" + data


async def _response(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Its status and its body, the length of which the server always tells."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").lower().split("\r\n")
    length = next(int(line.partition(":")[2]) for line in lines if line.startswith("content-length:"))
    return int(lines[0].split()[1]), await reader.readexactly(length)


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
