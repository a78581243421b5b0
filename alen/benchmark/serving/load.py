"""Clients that ask a server the next thing as soon as they have an answer, and what they saw of it."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

import numpy as np

from alen.errors import WorkError
from alen.validation.intervals import Estimate, bootstrap

Body = Callable[[int], dict[str, Any]]
"""The number of a request → what it holds."""

PATIENCE = 300.0
"""Seconds for one request."""

PAUSE = 0.05
"""Seconds after a failure, so that a server that is gone is not asked thousands of times."""


@dataclass(slots=True)
class Load:
    """``taken`` are the seconds of each request that was answered with 200, ``tokens`` what these wrote by their own
    account, ``failures`` how often which other end came, ``elapsed`` the seconds of all together."""

    taken: list[float] = field(default_factory=list)
    tokens: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    elapsed: float = 0.0

    @property
    def per_second(self) -> float:
        """Requests that were answered."""
        return len(self.taken) / self.elapsed

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.elapsed

    def within(self, share: float) -> float:
        """Seconds in which this share of requests was answered; NaN when none was."""
        return float(np.quantile(self.taken, share)) if self.taken else math.nan

    def checked(self) -> Load:
        """Itself. Raises WorkError when a request failed."""
        for reason in self.failures:
            raise WorkError(f"A request failed: {reason}.", "Look at the log of the server.")
        return self


def quantile(taken: Sequence[float], share: float) -> Estimate:
    """Of seconds, with its interval over requests."""
    return bootstrap(lambda seconds: float(np.quantile(seconds, share)), taken)


def closed_loop(
    url: str, body: Body, clients: int, *, seconds: float | None = None, requests: int | None = None
) -> Load:
    """``clients`` that ask for ``seconds``, or ``requests`` times together; what is under way then is waited for. A
    request that fails is counted, and the next one asked."""
    return asyncio.run(_closed_loop(url, body, clients, seconds, requests))


async def _closed_loop(url: str, body: Body, clients: int, seconds: float | None, requests: int | None) -> Load:
    load, started = Load(), time.perf_counter()
    numbers = iter(range(requests)) if requests is not None else itertools.count()
    until = float("inf") if seconds is None else started + seconds
    await asyncio.gather(*(_client(urlsplit(url), body, numbers, until, load) for _ in range(clients)))
    load.elapsed = time.perf_counter() - started
    return load


async def _client(url: SplitResult, body: Body, numbers: Iterator[int], until: float, load: Load) -> None:
    """One connection that stays open, and as little besides as can be: clients share the cores with the server."""
    line = _Line(url)
    try:
        while time.perf_counter() < until and (number := next(numbers, None)) is not None:
            request = _request(url, body(number))
            started = time.perf_counter()
            try:
                async with asyncio.timeout(PATIENCE):
                    status, told = await line.ask(request)
            except TimeoutError:
                failed = f"no answer within {PATIENCE:.0f} s"
            except (OSError, EOFError, ValueError) as error:
                failed = f"{type(error).__name__}: {error}"
            else:
                if status == 200:
                    load.taken.append(time.perf_counter() - started)
                    load.tokens += _tokens(told)
                    continue
                failed = answer_line(status, told)
            load.failures[failed] += 1
            line.close()
            await asyncio.sleep(PAUSE)
    finally:
        line.close()


class _Line:
    """A connection to one server, made when it is needed."""

    def __init__(self, url: SplitResult) -> None:
        self._url = url
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body."""
        if self._ends is None:
            secure = self._url.scheme == "https"
            port = self._url.port or (443 if secure else 80)
            self._ends = await asyncio.open_connection(self._url.hostname, port, ssl=secure or None)
        reader, writer = self._ends
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        fields = dict(line.split(":", 1) for line in head[1:] if ":" in line)
        told = await _content(reader, {name: value.strip() for name, value in fields.items()})
        if fields.get("connection", "").strip() == "close":
            self.close()
        return int(head[0].split()[1]), told

    def close(self) -> None:
        if self._ends is not None:
            self._ends[1].close()
            self._ends = None


async def _content(reader: asyncio.StreamReader, fields: dict[str, str]) -> bytes:
    if "content-length" in fields:
        return await reader.readexactly(int(fields["content-length"]))
    if fields.get("transfer-encoding") != "chunked":
        return await reader.read()
    pieces = []
    while size := int((await reader.readline()).split(b";")[0], 16):
        pieces.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(pieces)


def answer_line(status: int, told: bytes) -> str:
    """An answer of a server in one short line, for what failed."""
    return f"{status}: {' '.join(told.decode('utf-8', 'replace').split())[:200].rstrip('.')}"


def _request(url: SplitResult, body: dict[str, Any]) -> bytes:
    data = json.dumps(body).encode()
    head = f"POST {url.path} HTTP/1.1\r\nhost: {url.netloc}\r\ncontent-type: application/json"
    return f"{head}\r\ncontent-length: {len(data)}\r\n\r\n".encode() + data


def _tokens(told: bytes) -> int:
    """What an answer in OpenAI's form says was written; 0 where it says nothing."""
    try:
        return int(json.loads(told)["usage"]["completion_tokens"])
    except (ValueError, LookupError, TypeError):
        return 0
