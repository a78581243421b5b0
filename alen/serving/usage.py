"""What one request read and wrote, and how soon: for the client, for the monitor and for the log."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from alen.generation.ticket import Ticket
from alen.types import Answer


@dataclass(slots=True)
class Usage:
    """Filled while the request runs. ``first`` is the seconds until its first token; ``failed`` the status that tells
    what broke a stream after its own was sent, ``owner`` the namespace of the key."""

    started: float = field(default_factory=time.perf_counter)
    read: int = 0
    written: int = 0
    cached: int = 0
    accepted: int = 0
    quoted: dict[str, int] = field(default_factory=dict)
    first: float | None = None
    failed: int | None = None
    owner: str = ""
    confidence: float | None = None
    decision: str | None = None

    def wrote(self) -> None:
        """A token came."""
        if self.first is None:
            self.first = time.perf_counter() - self.started

    def note(self, ticket: Ticket) -> None:
        """A text is over."""
        self.written += len(ticket.tokens)
        self.cached = max(self.cached, ticket.cached)
        self.accepted += ticket.accepted
        for source, count in ticket.quoted.items():
            self.quoted[source] = self.quoted.get(source, 0) + count

    def answered(self, answer: Answer) -> None:
        self.read, self.confidence, self.decision = answer.tokens, answer.confidence, answer.decision

    def to_json(self) -> dict[str, object]:
        return {
            "prompt_tokens": self.read,
            "completion_tokens": self.written,
            "total_tokens": self.read + self.written,
            "prompt_tokens_details": {"cached_tokens": self.cached},
            "completion_tokens_details": {"accepted_prediction_tokens": self.accepted},
        }
