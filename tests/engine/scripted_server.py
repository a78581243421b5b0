"""A server of a few lines that answers over a real socket what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What goes over the wire. ``length`` is what the header claims; ``hangs`` keeps the line open for so many seconds
    before the body."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    hangs: float = 0.0

    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Asked:
    """One request that came in."""

    path: str
    body: Any
    headers: dict[str, str]
    at: float


@dataclass
class ScriptedServer:
    """``answer`` makes the reply to each request. ``asked`` are all of them; ``url`` is its base."""

    answer: Callable[[Asked], Reply]
    url: str = ""
    asked: list[Asked] = field(default_factory=list)

    @property
    def bodies(self) -> list[Any]:
        return [asked.body for asked in self.asked]


def said(text: str | None, **more: Any) -> Reply:
    """A plain chat reply."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"} | more
    return Reply({"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 3}})


def refused(message: str, status: int = 400, **more: Any) -> Reply:
    return Reply({"error": {"message": message, **more}}, status)


def models(*names: str) -> Reply:
    return Reply({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


@contextmanager
def serving(answer: Callable[[Asked], Reply]) -> Iterator[ScriptedServer]:
    """Answers until the end of the block. GET /v1/models lists one model unless the script says otherwise."""
    script = ScriptedServer(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            asked = Asked(self.path, body, dict(self.headers.items()), time.monotonic())
            script.asked.append(asked)
            reply = script.answer(asked)
            raw = reply.raw()
            self.close_connection = True
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw) if reply.length is None else reply.length))
            self.end_headers()
            self.wfile.flush()
            ended.wait(reply.hangs)
            with suppress(OSError):  # who asked may have gone
                self.wfile.write(raw)

        do_GET = do_POST = handle_any

        def log_message(self, *_: object) -> None:
            pass

    ended = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield script
    finally:
        ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
