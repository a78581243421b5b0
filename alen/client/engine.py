"""RemoteEngine: what an Engine does, done by a running server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from alen import settings as options
from alen.client.connection import SECONDS, Connection, read
from alen.client.memory import RemoteMemory
from alen.errors import BadInput, ServerFailed
from alen.settings import Settings
from alen.text import teaching
from alen.types import Answer, CancelToken, Effort, TeachReport

Progress = Callable[[str, int, int], None]


class RemoteEngine:
    """An Engine's ``teach``, ``ask``, ``chat``, ``feedback``, ``commit_verified``, ``stats`` and ``memory`` over a
    server that ``alen serve`` started: the same arguments, values and errors. Nothing is asked before first use. Safe
    to use from many threads; to be closed.

    ``key`` is one that the server gave out; the namespace is bound to it. Every method raises ServerFailed when the
    server cannot be reached, breaks off or is none of ALEN, and BadInput when it refuses the key."""

    def __init__(self, url: str, *, key: str | None = None, seconds: float = SECONDS) -> None:
        self.connection = Connection(url, key=key, seconds=seconds)
        self.memory = RemoteMemory(self.connection)

    @classmethod
    def open(cls, url: str | None = None, *, settings: Settings | None = None) -> RemoteEngine:
        """What is not given comes from ``ALEN_URL`` and ``ALEN_API_KEY``, or the config file. Raises BadInput."""
        chosen = settings or options.load(url=url)
        if chosen.url is None:
            raise BadInput("url", "nothing", "http://HOST:PORT", "Give one, or set ALEN_URL.")
        return cls(chosen.url, key=None if chosen.api_key is None else chosen.api_key.get_secret_value())

    def teach(
        self,
        text: str | None = None,
        *,
        paths: Sequence[str | Path] = (),
        qa: str | Path | Sequence[dict[str, Any]] | None = None,
        passages: str | Path | Sequence[dict[str, Any]] | None = None,
        mailbox: str | Path | None = None,
        chat: str | Path | None = None,
        source: str | None = None,
        progress: Progress | None = None,
    ) -> TeachReport:
        """As ``Engine.teach``. Files are read here, and what is in them is sent in bounded pieces. What was sent before
        a failure stays; the same again sends it again, and the server knows it."""
        return teaching.teach(
            self.memory,
            text,
            paths=paths,
            qa=qa,
            passages=passages,
            mailbox=mailbox,
            chat=chat,
            source=source,
            progress=progress,
        )

    def ask(
        self,
        question: str,
        *,
        session: str | None = None,
        effort: Effort | None = None,
        private: bool = False,
        cancel: CancelToken | None = None,
    ) -> Answer:
        """As ``Engine.ask``; without ``effort`` with that of the server's settings."""
        body = {"question": question, "session": session, "effort": effort, "private": private, "whole": True}
        return self._answer(self.connection.post("/alen/ask", body, cancel=cancel))

    def chat(
        self,
        message: str,
        *,
        session: str | None = None,
        effort: Effort | None = None,
        private: bool = False,
        cancel: CancelToken | None = None,
        on_stage: Callable[[str], None] | None = None,
    ) -> Answer:
        """As ``Engine.chat``."""
        body = {"message": message, "session": session, "effort": effort, "private": private, "stream": True}
        for event in self.connection.events("/alen/chat", body, cancel=cancel):
            if "answer" in event:
                return self._answer(event["answer"])
            if on_stage is not None:
                on_stage(str(event.get("stage")))
        raise ServerFailed(f"The server {self.connection.base} gave no answer.", "Its log may tell more.")

    def feedback(self, episode: str, *, correct: bool, answer: str | None = None) -> dict[str, Any]:
        """As ``Engine.feedback``."""
        return self.connection.post("/alen/feedback", {"episode": episode, "correct": correct, "answer": answer})

    def commit_verified(self, epsilon: float = 0.05) -> dict[str, Any]:
        """As ``Engine.commit_verified``."""
        return self.connection.post("/alen/memory/commit", {"epsilon": epsilon})

    def stats(self) -> dict[str, Any]:
        """As ``Engine.stats``."""
        return self.connection.get("/alen/memory")

    def provenance(self) -> dict[str, str]:
        """What answers of the server depend on: models, calibration and settings, as names and fingerprints."""
        return {str(name): str(value) for name, value in self.connection.get("/alen/provenance").items()}

    def belief(self) -> dict[str, Any]:
        """The JSON of ``Engine.belief``."""
        return self.connection.get("/alen/belief")

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> RemoteEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self, found: Any) -> Answer:
        answer: Answer = read(self.connection, Answer.from_json, found)
        return answer
