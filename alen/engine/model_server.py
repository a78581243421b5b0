"""Talks to a server of models by the protocol that OpenAI made common: one JSON object out, one back.

Patient where that helps (a busy server, a lost connection), never without end, and done at once when told to stop.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import alen
from alen.errors import BadInput, Cancelled, ModelServerFailed
from alen.http import CONNECT_SECONDS, LONGEST_WAIT, checked_key, library, one_line, seconds_asked_for
from alen.types import CancelToken

SECONDS = 300.0
"""That one request may take, the wait for its turn at the server included."""

ATTEMPTS = 4
FIRST_WAIT = 0.5
"""Seconds before the second attempt; each further wait is twice the one before."""

LARGEST_REPLY = 16 * 1024 * 1024
"""Bytes. What is larger is not an answer to what was asked."""

REQUESTS_AT_ONCE = 4

_POLL_SECONDS = 0.05
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_FORM = "http://HOST:PORT/v1#MODEL, where #MODEL may be left out when the server has one model"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a model is served: ``base`` is the URL that ``/chat/completions`` follows, ``model`` its name there."""

    base: str
    model: str | None

    @classmethod
    def parse(cls, url: str) -> Address:
        """Raises BadInput for what is no such URL, and for one that holds a password."""
        parts = urlsplit(url.strip())
        try:
            usable = parts.scheme.lower() in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if "@" in parts.netloc or parts.query:
            hint = "Put the key into ALEN_API_KEY, or ALEN_VERIFIER_API_KEY for the verifier."
            raise BadInput("model", f"a URL of {parts.hostname} with a user, a password or a query", _FORM, hint)
        if not usable:
            raise BadInput("model", repr(url), _FORM, "For example: http://localhost:8000/v1")
        path = parts.path.rstrip("/").removesuffix("/chat/completions")
        return cls(f"{parts.scheme.lower()}://{parts.netloc}{path or '/v1'}", parts.fragment or None)


def is_address(model: str) -> bool:
    """Whether a setting that names a model is a URL."""
    return bool(_ADDRESS.match(model.strip()))


class Refusal(Exception):
    """The server understood the request and does not want it. ``field`` is what it blames, where it says so."""

    def __init__(self, status: int, said: str, field: str | None) -> None:
        super().__init__(status, said, field)
        self.status, self.said, self.field = status, said, field


class ModelServer:
    """Requests to one server. Holds no connection between calls, so there is nothing to close; safe to use from many
    threads, also from within an event loop. ``key`` goes into the header of each request and nowhere else.

    Raises BadInput when the library for it is not installed, or the key is none."""

    def __init__(self, base: str, *, key: str | None = None, seconds: float = SECONDS) -> None:
        self.base = base
        self._key = checked_key(key)
        self._seconds = seconds
        self._http = library("model", "a model of this machine")

    def models(self, *, cancel: CancelToken | None = None) -> tuple[str, ...]:
        """The names of the models that the server says it has; empty when it does not tell. Asked for once, so that
        nobody waits for a server that is not there. Raises ModelServerFailed, Cancelled."""
        try:
            (found,) = self._run([("GET", "/models", None)], cancel, attempts=1)
        except Refusal:
            return ()
        rows = found.get("data")
        names = [row.get("id") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return tuple(name for name in names if isinstance(name, str))

    def post(
        self, path: str, bodies: Sequence[dict[str, Any]], *, cancel: CancelToken | None = None
    ) -> list[dict[str, Any]]:
        """The replies to ``bodies``, in order, a few at a time. What fails first fails all.

        Raises Refusal, ModelServerFailed, and Cancelled within a tenth of a second of the wish."""
        return self._run([("POST", path, body) for body in bodies], cancel, attempts=ATTEMPTS)

    @asynccontextmanager
    async def opened(self, path: str, body: dict[str, Any]) -> AsyncIterator[Any]:
        """For who is on an event loop already: the response to one request, asked once, while it comes in, whatever its
        status. Leaving the block ends the work at the server. Raises ModelServerFailed."""
        try:
            async with self._client() as client, client.stream("POST", self.base + path, json=body) as response:
                yield response
        except self._http.HTTPError as error:
            raise self._unreachable(error) from None

    async def read(self, response: Any) -> dict[str, Any]:
        """The JSON object that an opened response holds. Raises ModelServerFailed."""
        return self._object(await self._raw(response))

    def _run(self, calls: Sequence[_Call], cancel: CancelToken | None, *, attempts: int) -> list[dict[str, Any]]:
        gone = threading.Event()

        def stopped() -> bool:
            return gone.is_set() or (cancel is not None and cancel.is_set())

        # A thread of its own: the caller's may have an event loop running already.
        with ThreadPoolExecutor(1, "model-server") as pool:
            work = pool.submit(lambda: asyncio.run(self._all(calls, stopped, attempts)))
            try:
                return work.result()
            except BaseException:
                gone.set()
                raise

    async def _all(self, calls: Sequence[_Call], stopped: Callable[[], bool], attempts: int) -> list[dict[str, Any]]:
        turn = asyncio.Semaphore(REQUESTS_AT_ONCE)
        async with self._client() as client:
            tasks = [asyncio.create_task(self._patiently(client, turn, call, attempts)) for call in calls]
            try:
                waiting = set(tasks)
                while waiting:
                    if stopped():
                        raise Cancelled("The request to the model was stopped.")
                    done, waiting = await asyncio.wait(
                        waiting, timeout=_POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED
                    )
                    for task in done:
                        task.result()
                return [task.result() for task in tasks]
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _patiently(self, client: Any, turn: asyncio.Semaphore, call: _Call, attempts: int) -> dict[str, Any]:
        async with turn:
            for attempt in range(attempts):
                wait, last = FIRST_WAIT * 2**attempt, attempt == attempts - 1
                try:
                    async with asyncio.timeout(self._seconds):
                        status, headers, raw = await self._once(client, *call)
                except TimeoutError:
                    raise self._failed(f"did not answer within {self._seconds:g} s", "Is it busy?") from None
                except self._http.HTTPError as error:
                    if last:
                        raise self._unreachable(error) from None
                else:
                    if status // 100 == 2:
                        return self._object(raw)
                    asked = seconds_asked_for(headers.get("retry-after"))
                    if status not in _AGAIN or last or (asked or 0) > LONGEST_WAIT:
                        raise self._refused(status, raw)
                    wait = wait if asked is None else asked
                await asyncio.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, client: Any, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, Any, bytes]:
        async with client.stream(method, self.base + path, json=body) as response:
            return response.status_code, response.headers, await self._raw(response)

    async def _raw(self, response: Any) -> bytes:
        raw = bytearray()
        async for part in response.aiter_bytes():
            raw += part
            if len(raw) > LARGEST_REPLY:
                raise self._failed(f"answered with more than {LARGEST_REPLY:,} bytes", "Is it the right URL?")
        return bytes(raw)

    def _client(self) -> Any:
        headers = {"User-Agent": f"alen/{alen.__version__}"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        timeout = self._http.Timeout(None, connect=CONNECT_SECONDS)
        return self._http.AsyncClient(headers=headers, timeout=timeout, verify=self._tls, follow_redirects=False)

    @cached_property
    def _tls(self) -> Any:
        return self._http.create_ssl_context()

    def _object(self, raw: bytes) -> dict[str, Any]:
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self._failed(f"answered what is not a JSON object: {self._clean(raw)!r}", "Is it the right URL?")
        return found

    def _refused(self, status: int, raw: bytes) -> Exception:
        said, field = _complaint(raw)
        said = self._clean(said)
        if status in (401, 403):
            hint = "Set ALEN_API_KEY, or ALEN_VERIFIER_API_KEY for the verifier."
            return self._failed(f"refused the key ({status}): {said}", hint)
        if status == 429:
            return self._failed(f"has no time or no quota left (429): {said}", "Try again later.")
        if 400 <= status < 500:
            return Refusal(status, said, field)
        hint = "Is it the right URL?" if status < 400 else "Look at the server's log."
        return self._failed(f"answered {status}: {said}", hint)

    def _unreachable(self, error: Exception) -> ModelServerFailed:
        said = self._clean(str(error)) or type(error).__name__
        if isinstance(error, self._http.ConnectError | self._http.ConnectTimeout):
            return self._failed(f"cannot be reached: {said}", "Start it, or correct the URL.")
        return self._failed(f"broke off: {said}", "Look at the server's log.")

    def _failed(self, what: str, hint: str) -> ModelServerFailed:
        return ModelServerFailed(f"The model server {self.base} {what}.", hint)

    def _clean(self, said: str | bytes) -> str:
        return one_line(said, self._key)


_Call = tuple[str, str, dict[str, Any] | None]


def _complaint(raw: bytes) -> tuple[str | bytes, str | None]:
    """What an error's body says, and the field it blames: servers nest both differently."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return raw, None
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return str(error), None
    said = error.get("message") or error.get("detail") or raw
    field = error.get("param")
    return said if isinstance(said, str | bytes) else json.dumps(said), field if isinstance(field, str) else None
