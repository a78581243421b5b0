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
from typing import Any

import httpx

from alen.errors import WorkError

SECONDS_TO_START = 180


@contextmanager
def server(*options: str) -> Iterator[str]:
    """The address of ``alen serve`` with these options, on a free port of this machine."""
    command = [sys.executable, "-m", "alen", "serve", "--port", "0", "--json", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ)
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
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=120, trust_env=False) as http:
        started = time.perf_counter()
        until = started + seconds
        await asyncio.gather(*(_client(http, path, bodies[n::clients], until, taken) for n in range(clients)))
        return taken, len(taken) / (time.perf_counter() - started)


async def _client(
    http: httpx.AsyncClient, path: str, bodies: Sequence[dict[str, Any]], until: float, taken: list[float]
) -> None:
    place = 0
    while time.perf_counter() < until:
        started = time.perf_counter()
        got = await http.post(path, json=bodies[place % len(bodies)])
        if got.status_code != 200:
            raise WorkError(f"{path} answered {got.status_code}: {got.text[:200]}", "Look at the log of the server.")
        taken.append(time.perf_counter() - started)
        place += 1


def streamed(url: str, body: dict[str, Any]) -> tuple[int, float]:
    """Events of a streamed completion after the first, and the seconds they took."""
    with httpx.stream(
        "POST", f"{url}/v1/completions", json=body | {"stream": True}, timeout=300, trust_env=False
    ) as got:
        count, started = 0, 0.0
        for line in got.iter_lines():
            if not line.startswith("data: {"):
                continue
            if not count:
                started = time.perf_counter()
            count += 1
        return count - 1, time.perf_counter() - started
