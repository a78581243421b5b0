"""InferenceMonitor: how fast, how often wrong, how sure; over the last minutes, and for Prometheus since the start."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import asdict, dataclass

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

WINDOW_SECONDS = 300.0
MOST_KEPT = 20_000
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Of the requests that ended within the window. Latencies are in seconds; None where nothing was to be measured."""

    requests: int
    p50_latency: float | None
    p95_latency: float | None
    p99_latency: float | None
    requests_per_second: float
    error_rate: float | None
    average_confidence: float | None
    abstention_rate: float | None
    tokens_per_second: float
    running: int
    waiting: int

    def to_json(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Ended:
    at: float
    seconds: float
    failed: bool
    tokens: int
    confidence: float | None
    abstained: bool | None


class InferenceMonitor:
    """Safe to use from many threads. ``registry`` is what Prometheus is shown."""

    def __init__(self, window: float = WINDOW_SECONDS) -> None:
        self._window, self._lock, self._started = window, threading.Lock(), time.monotonic()
        self._ended: deque[_Ended] = deque(maxlen=MOST_KEPT)
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "alen_requests", "Requests by route and status.", ["route", "status"], registry=self.registry
        )
        self._latency = Histogram(
            "alen_request_seconds", "Time to the last byte.", ["route"], buckets=_BUCKETS, registry=self.registry
        )
        self._first = Histogram(
            "alen_first_token_seconds", "Time to the first token.", buckets=_BUCKETS, registry=self.registry
        )
        self._tokens = Counter("alen_tokens", "Tokens read and written.", ["kind"], registry=self.registry)
        self._answers = Counter("alen_answers", "Answers by decision.", ["decision"], registry=self.registry)
        self._confidence = Histogram(
            "alen_confidence",
            "Probability of the best candidate.",
            buckets=[n / 10 for n in range(1, 11)],
            registry=self.registry,
        )
        self.running = Gauge("alen_running", "Texts being written.", registry=self.registry)
        self.waiting = Gauge("alen_waiting", "Requests that wait for their turn.", registry=self.registry)

    def ended(
        self,
        route: str,
        status: int,
        seconds: float,
        *,
        read: int = 0,
        written: int = 0,
        confidence: float | None = None,
        decision: str | None = None,
    ) -> None:
        self._latency.labels(route).observe(seconds)
        self._tokens.labels("read").inc(read)
        self._tokens.labels("written").inc(written)
        if decision is not None:
            self._answers.labels(decision).inc()
        if confidence is not None:
            self._confidence.observe(confidence)
        abstained = None if decision is None else decision != "answer"
        with self._lock:
            failed = status >= 500
            self._ended.append(_Ended(time.monotonic(), seconds, failed, written, confidence, abstained))
        # The last, so that who sees the request counted sees its tokens too.
        self._requests.labels(route, str(status)).inc()

    def first_token(self, seconds: float) -> None:
        self._first.observe(seconds)

    def queue(self, running: int, waiting: int) -> None:
        self.running.set(running)
        self.waiting.set(waiting)

    def snapshot(self) -> Snapshot:
        now = time.monotonic()
        with self._lock:
            recent = [each for each in self._ended if now - each.at <= self._window]
        span = max(1e-9, min(self._window, now - self._started))
        seconds = np.array([each.seconds for each in recent])
        sure = [each.confidence for each in recent if each.confidence is not None]
        abstained = [each.abstained for each in recent if each.abstained is not None]
        p50, p95, p99 = (float(x) for x in np.quantile(seconds, [0.5, 0.95, 0.99])) if recent else (None, None, None)
        return Snapshot(
            requests=len(recent),
            p50_latency=p50,
            p95_latency=p95,
            p99_latency=p99,
            requests_per_second=len(recent) / span,
            error_rate=sum(each.failed for each in recent) / len(recent) if recent else None,
            average_confidence=float(np.mean(sure)) if sure else None,
            abstention_rate=float(np.mean(abstained)) if abstained else None,
            tokens_per_second=sum(each.tokens for each in recent) / span,
            running=int(self.running._value.get()),
            waiting=int(self.waiting._value.get()),
        )
