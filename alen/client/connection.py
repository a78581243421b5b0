"""Requests to one server of ALEN: patient where it is busy, never without end, done at once when told to stop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import queue
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import alen
from alen.client.failures import IS_IT_ALEN, failed, failure, told
from alen.errors import AlenError, BadInput, Cancelled
from alen.http import CONNECT_SECONDS, LONGEST_WAIT, checked_key, library, one_line, seconds_asked_for
from alen.types import CancelToken

SECONDS = 900.0
"""That a server may be silent. Answers with all effort, and teaching, take minutes on a slow machine."""

ATTEMPTS = 5
"""Of a server that says it has too much to do."""

FIRST_WAIT = 0.5
"""Seconds before the second attempt where the server names none; each further wait is twice the one before."""

LARGEST_REPLY = 64 * 1024 * 1024
"""Bytes. What is larger is not an answer to what was asked."""

_POLL_SECONDS = 0.05
_FORM = "http://HOST:PORT"


def base_of(url: str) -> str:
    """What ``/v1`` follows. Raises BadInput for what is no such URL, and for one that holds a password."""
    parts = urlsplit(url.strip())
    try:
        usable = parts.scheme.lower() in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if "@" in parts.netloc or parts.query or parts.fragment:
        found = f"a URL of {parts.hostname} with a user, a password, a query or a #"
        raise BadInput("url", found, _FORM, "The key belongs into the environment variable ALEN_API_KEY.")
    if not usable:
        raise BadInput("url", repr(url), _FORM, "For example: http://localhost:8080")
    return f"{parts.scheme.lower()}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/v1')}"


class Connection:
    """Safe to use from many threads. One thread of its own waits for all of them, from the first request to ``close``.
    ``key`` goes into the header of each request and nowhere else.

    Every method raises what the server raised, as the same error; ServerFailed when it cannot be reached, breaks off or
    is none of ALEN; BadInput when it refuses the key; Cancelled within a tenth of a second of the wish."""

    def __init__(self, url: str, *, key: str | None = None, seconds: float = SECONDS) -> None:
        self.base = base_of(url)
        self._key = checked_key(key)
        self._seconds = seconds
        self._http = library("url", "leaving it out: then the models of this machine answer")
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._client: Any = None
        self._closed = False

    def get(self, path: str, *, cancel: CancelToken | None = None) -> dict[str, Any]:
        return self._wait(self._patiently("GET", path, None), cancel)

    def post(self, path: str, body: dict[str, Any], *, cancel: CancelToken | None = None) -> dict[str, Any]:
        return self._wait(self._patiently("POST", path, body), cancel)

    def events(self, path: str, body: dict[str, Any], *, cancel: CancelToken | None = None) -> Iterator[dict[str, Any]]:
        """What the server sends, as it comes. Closing the iterator closes the stream, and the server stops."""
        arrived: queue.Queue[dict[str, Any] | BaseException | None] = queue.Queue()
        work = self._begin(self._follow(path, body, arrived.put))
        try:
            while True:
                if cancel is not None and cancel.is_set():
                    raise Cancelled("The request to the server was stopped.")
                try:
                    found = arrived.get(timeout=_POLL_SECONDS)
                except queue.Empty:
                    if work.done() and arrived.empty():
                        raise Cancelled("The connection was closed.") from None
                    continue
                if found is None:
                    return
                if isinstance(found, BaseException):
                    raise found
                yield found
        finally:
            work.cancel()

    def close(self) -> None:
        """Ends what is under way."""
        with self._lock:
            self._closed = True
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self, work: Coroutine[Any, Any, Any]) -> concurrent.futures.Future[Any]:
        with self._lock:
            if self._closed:
                work.close()
                raise Cancelled("The connection is closed.")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="alen-client", daemon=True)
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _wait(self, work: Coroutine[Any, Any, dict[str, Any]], cancel: CancelToken | None) -> dict[str, Any]:
        future = self._begin(work)
        try:
            while not concurrent.futures.wait([future], _POLL_SECONDS).done:
                if cancel is not None and cancel.is_set():
                    raise Cancelled("The request to the server was stopped.")
            found: dict[str, Any] = future.result()
        except concurrent.futures.CancelledError:
            raise Cancelled("The connection was closed.") from None
        except BaseException:
            future.cancel()
            raise
        return found

    async def _end(self) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    async def _patiently(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        async def whole(parts: AsyncIterator[bytes]) -> dict[str, Any]:
            raw = bytearray()
            async for part in parts:
                raw += part
                if len(raw) > LARGEST_REPLY:
                    raise self._failed(f"answered with more than {LARGEST_REPLY:,} bytes", IS_IT_ALEN)
            return self._object(bytes(raw))

        return await self._asked(method, path, body, whole)

    async def _follow(self, path: str, body: dict[str, Any], put: Callable[[Any], None]) -> None:
        async def events(parts: AsyncIterator[bytes]) -> dict[str, Any]:
            left = b""
            async for part in parts:
                *lines, left = (left + part).split(b"\n")
                for line in lines:
                    data = line.removeprefix(b"data:").strip()
                    if not line.startswith(b"data:"):
                        continue
                    if data == b"[DONE]":
                        return {}
                    found = self._object(data)
                    error = told(self.base, 200, found, self._key) if "error" in found else None
                    if error is not None:
                        raise error
                    put(found)
            raise self._failed("ended a stream before its end", "Its log may tell more.")

        try:
            await self._asked("POST", path, body, events)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            put(error)
        else:
            put(None)

    async def _asked(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        read: Callable[[AsyncIterator[bytes]], Coroutine[Any, Any, dict[str, Any]]],
    ) -> dict[str, Any]:
        """A server that is busy has done nothing, so it is asked again. Any other failure may have come after the work:
        only the caller knows whether it may be done twice."""
        raw_body = None if body is None else _encoded(body)
        for attempt in range(ATTEMPTS):
            try:
                async with self._opened().stream(method, f"{self.base}/v1{path}", content=raw_body) as response:
                    if response.status_code // 100 == 2:
                        return await read(response.aiter_bytes())
                    raw = await response.aread()
            except AlenError:
                raise
            except self._http.HTTPError as error:
                raise self._unreachable(error) from None
            asked = seconds_asked_for(response.headers.get("retry-after"))
            busy = response.status_code == 429 or (response.status_code == 503 and asked is not None)
            if not busy or attempt == ATTEMPTS - 1 or (asked or 0.0) > LONGEST_WAIT:
                raise failure(self.base, response.status_code, raw, self._key)
            await asyncio.sleep(FIRST_WAIT * 2**attempt if asked is None else asked)
        raise AssertionError("the last attempt returns or raises")

    def _opened(self) -> Any:
        """Connections are not kept: a server closes those that are idle, perhaps just when the next request begins."""
        if self._client is None:
            headers = {"User-Agent": f"alen/{alen.__version__}", "Content-Type": "application/json"}
            if self._key is not None:
                headers["Authorization"] = f"Bearer {self._key}"
            self._client = self._http.AsyncClient(
                headers=headers,
                timeout=self._http.Timeout(self._seconds, connect=CONNECT_SECONDS, pool=None),
                limits=self._http.Limits(max_connections=None, max_keepalive_connections=0),
                follow_redirects=False,
            )
        return self._client

    def _object(self, raw: bytes) -> dict[str, Any]:
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self._failed(f"answered what is not a JSON object: {one_line(raw, self._key)!r}", IS_IT_ALEN)
        return found

    def _unreachable(self, error: Exception) -> AlenError:
        said = one_line(str(error), self._key) or type(error).__name__
        if isinstance(error, self._http.ConnectError | self._http.ConnectTimeout):
            return self._failed(f"cannot be reached: {said}", "Start it with: alen serve. Or correct the URL.")
        if isinstance(error, self._http.TimeoutException):
            return self._failed(f"was silent for {self._seconds:g} s", "It may still be at work.")
        return self._failed(f"broke off: {said}", "Its log may tell more; what it had done stays done.")

    def _failed(self, what: str, hint: str) -> AlenError:
        return failed(self.base, what, hint)


def _encoded(body: dict[str, Any]) -> bytes:
    """Half characters go as they are: the server refuses them by the name of their field."""
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass")
    except ValueError:
        raise BadInput("request", "NaN or an infinite number", "finite numbers", "Give another number.") from None


def read(connection: Connection, kind: Callable[[Any], Any], found: Any) -> Any:
    """A value of what a server told. Raises ServerFailed when it is no such value."""
    try:
        return kind(found)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise failed(connection.base, "answered what ALEN does not", IS_IT_ALEN) from None
