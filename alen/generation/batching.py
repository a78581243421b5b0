"""Many requests over one model: prompts are read in pieces between the steps of texts that are being written.

What a request comes to does not depend on what else is under way: rows of a step never mix, and each request draws from
its own random numbers. Drafts change nothing either: a drafted token is taken where the request would have chosen it.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, TypeVar

from alen.errors import BadInput, WorkError
from alen.generation.choosing import Chooser, Constraint
from alen.generation.config import GenerationConfig
from alen.generation.drafting import NONE, Draft, DraftCosts, Drafter
from alen.generation.hybrid import Mixer
from alen.generation.stepper import PIECE, Stepper
from alen.generation.ticket import Sink, Ticket, Watch
from alen.neural.paging import Feed, Stepped
from alen.types import CancelToken

T = TypeVar("T")

ALONE = 4 * PIECE
"""Tokens of prompts that are read at once where nothing is being written; else a piece."""

AHEAD = 64
"""Tokens that there is room for, beside its prompt, when a request is begun beside others."""

IDLE = 5.0
"""Seconds after which a thread without work ends, so that a batch nobody holds any more can go."""


class Overloaded(WorkError):
    """More requests wait than are allowed."""


class Closed(WorkError):
    """What should do the work has been closed."""


class Batcher:
    """Owns a ``stepper`` and a thread that steps it while there is work. At most ``running`` requests are written at a
    time and ``waiting`` more wait; when pages run out, the youngest is put back and read again later. A text is drafted
    by at most ``drafts`` tokens, 0 for none. ``lock`` is held while the model computes, and only then."""

    def __init__(
        self,
        stepper: Stepper,
        *,
        running: int = 16,
        waiting: int = 256,
        drafts: int = 7,
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        self._stepper, self._most_running, self._most_waiting = stepper, running, waiting
        self._drafts, self._costs = drafts if stepper.exact else 0, DraftCosts()
        self._lock = lock if lock is not None else nullcontext()
        self._waiting: deque[Ticket] = deque()
        self._running: list[Ticket] = []
        self._jobs: deque[Callable[[], None]] = deque()
        self._work = threading.Condition()
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        self._closing = False
        _ALL.add(self)

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def submit(
        self,
        prompt: Sequence[int],
        config: GenerationConfig,
        *,
        count: int = 1,
        end_tokens: Sequence[int] = (),
        cancel: CancelToken | None = None,
        constraints: Sequence[Constraint] = (),
        recalled: Mapping[str, Sequence[int]] | None = None,
        watches: Sequence[Watch] = (),
        sinks: Sequence[Sink] = (),
        detailed: bool = False,
        begun: Any = None,
        owner: str = "",
        mixer: Mixer | None = None,
    ) -> list[Ticket]:
        """``count`` texts after one prompt, which is read once; seeds count up from that of ``config``. Each has its
        own of ``constraints``, ``watches`` and ``sinks``, where there are any. ``recalled`` are texts that may be
        quoted, by where they come from: they are drafted from. ``detailed`` steps tell margin and entropy. ``begun``
        is a text of the stepper's that has read the prompt; it must stay until the first token is there. What was read
        before is shared with those of the same ``owner``. A ``mixer`` has its say in every token of all of them.

        Raises BadInput when the prompt is empty or does not fit, Overloaded when too many wait."""
        if not prompt:
            raise BadInput("prompt", "no tokens", "at least one token", "Write something to continue.")
        budget = config.budget(len(prompt), self._stepper.config.max_seq_len)
        ends, least = config.end_tokens(end_tokens), config.least(len(prompt))
        made = []
        for number in range(count):
            own = config if config.seed is None else replace(config, seed=(config.seed + number) % 2**63)
            constraint = constraints[number] if constraints else None
            chooser = Chooser(own, prompt, ends=ends, least=least, constraint=constraint)
            drafter = Drafter(self._costs, prompt, recalled) if self._drafts else None
            watch = watches[number] if watches else None
            sink = sinks[number] if sinks else None
            made.append(
                Ticket(prompt, own, budget, ends, chooser, cancel, drafter, watch, detailed, sink, begun, owner, mixer)
            )
        made[0].others = made[1:]
        self._enqueue(made[0])
        return made

    def between(self, job: Callable[[Stepper], T]) -> T:
        """What ``job`` returns; it has the stepper for itself, between two steps. Raises what it raises."""
        future: Future[T] = Future()

        def work() -> None:
            try:
                self._refuse_when_closed()
                with self._lock:
                    future.set_result(job(self._stepper))
            except BaseException as error:
                future.set_exception(error)

        with self._work:
            self._refuse_when_closed()
            self._jobs.append(work)
            self._wake()
        return future.result()

    def close(self) -> None:
        """End everything under way, and the thread."""
        with self._work:
            self._closing = True
            self._work.notify()
            thread = self._thread
        if thread is not None and self._process == os.getpid() and thread is not threading.current_thread():
            thread.join()

    def _enqueue(self, ticket: Ticket) -> None:
        with self._work:
            self._refuse_when_closed()
            if len(self._waiting) >= self._most_waiting:
                raise Overloaded(f"{len(self._waiting)} requests wait already.", "Try again in a moment.")
            self._waiting.append(ticket)
            self._wake()

    def _refuse_when_closed(self) -> None:
        if self._closing:
            raise Closed("The model was closed.")

    def _wake(self) -> None:
        if self._process != os.getpid():  # a fork has no threads but the one that forked
            self._process, self._thread, self._running = os.getpid(), None, []
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="alen-batch", daemon=True)
            self._thread.start()
        self._work.notify()

    def _run(self) -> None:
        while self._wait_for_work():
            try:
                while self._jobs:
                    self._jobs.popleft()()
                self._admit()
                self._drop_stopped()
                self._read()
                self._write()
            except BaseException as error:  # what breaks a step ends the requests in it, and only them
                for ticket in list(self._running):
                    self._end(ticket, error)
        while self._jobs:
            self._jobs.popleft()()
        for ticket in (*self._running, *self._waiting) if self._closing else ():
            self._end(ticket, "cancelled")

    def _wait_for_work(self) -> bool:
        with self._work:
            while not self._has_work() and not self._closing:
                if not self._work.wait(IDLE) and not self._has_work():
                    self._thread = None
                    return False
            return not self._closing

    def _has_work(self) -> bool:
        return bool(self._waiting or self._running or self._jobs)

    def _admit(self) -> None:
        while True:
            with self._work:
                if not self._waiting or len(self._running) + len(self._waiting[0].others) >= max(
                    self._most_running, 1 + len(self._waiting[0].others)
                ):
                    return
                ticket = self._waiting.popleft()
            ticket.text = self._begun(ticket)
            ticket.cached = ticket.text.length
            ahead = [0] * (AHEAD * (1 + len(ticket.others)))
            if self._running and not self._stepper.fits([Feed(ticket.text, [*ticket.unread(), *ahead])]):
                self._put_back(ticket)
                return
            self._running.append(ticket)

    def _begun(self, ticket: Ticket) -> Any:
        """The last token of a prompt is always read, for what comes after it."""
        if ticket.begun is None:
            return self._stepper.begin(ticket.prompt, ticket.owner)
        return self._stepper.fork(ticket.begun, len(ticket.prompt) - 1)

    def _drop_stopped(self) -> None:
        with self._work:
            gone = [ticket for ticket in self._waiting if ticket.is_stopped]
            for ticket in gone:
                self._waiting.remove(ticket)
        for ticket in [*gone, *(ticket for ticket in self._running if ticket.is_stopped)]:
            self._end(ticket, "cancelled")

    def _read(self) -> None:
        """A piece of the oldest prompts that are not read yet."""
        left = PIECE if any(ticket.is_read for ticket in self._running) else ALONE
        feeds, tickets = [], []
        for ticket in self._running:
            if ticket.is_read or left <= 0:
                continue
            start = ticket.text.length
            piece = ticket.prompt[start : start + max(1, left // PIECE) * PIECE]
            is_whole = start + len(piece) == len(ticket.prompt)
            feeds.append(Feed(ticket.text, piece, int(is_whole and not ticket.tokens)))
            tickets.append(ticket)
            left -= len(piece)
        feeds, tickets, _ = self._fitting(feeds, tickets, [NONE] * len(feeds))
        if not feeds:
            return
        with self._lock:
            stepped = self._stepper.step(feeds, wide=True)
        row = 0
        for ticket, feed in zip(tickets, feeds, strict=True):
            if ticket.is_read:
                self._stepper.keep(ticket.prompt, ticket.text, ticket.owner)
            if feed.wanted:
                for each in self._with_others(ticket):
                    self._take(each, stepped, slice(row, row + 1), NONE)
                row += 1

    def _with_others(self, ticket: Ticket) -> list[Ticket]:
        """And those that go on from the same prompt, now that it is read."""
        others, ticket.others = ticket.others, []
        together = [ticket]
        for place, other in enumerate(others):
            if not self._stepper.fits([Feed(ticket.text, [0] * (AHEAD + 1))]):
                with self._work:  # these read the prompt again, when there are pages for them
                    self._waiting.extendleft(reversed(others[place:]))
                break
            other.text, other.cached = self._stepper.fork(ticket.text), len(ticket.prompt)
            self._running.append(other)
            together.append(other)
        return together

    def _write(self) -> None:
        """The next tokens of every text whose prompt was read."""
        tickets = [ticket for ticket in self._running if ticket.is_read and ticket.tokens]
        rows, drafts = len(tickets), []
        for ticket in tickets:
            drafts.append(ticket.draft(rows, self._drafts))
            rows += len(drafts[-1].tokens)
        feeds = [
            Feed(ticket.text, [*ticket.unread(), *draft.tokens], 1 + len(draft.tokens))
            for ticket, draft in zip(tickets, drafts, strict=True)
        ]
        feeds, tickets, drafts = self._fitting(feeds, tickets, drafts)
        if not feeds:
            return
        started = time.perf_counter()
        with self._lock:
            stepped = self._stepper.step(feeds)
        self._costs.timed(sum(len(feed.tokens) for feed in feeds), time.perf_counter() - started)
        row = 0
        for ticket, feed, draft in zip(tickets, feeds, drafts, strict=True):
            self._take(ticket, stepped, slice(row, row + feed.wanted), draft)
            row += feed.wanted

    def _take(self, ticket: Ticket, stepped: Stepped, rows: slice, draft: Draft) -> None:
        try:
            is_over = ticket.take(stepped.logits[rows], stepped.best[rows], stepped.log_total[rows], draft)
        except Exception as error:  # its own form, watch or sink: the others have no part in it
            self._end(ticket, error)
            return
        if is_over:
            self._end(ticket, ticket.reason)
        else:
            self._stepper.truncate(ticket.text, len(ticket.prompt) + len(ticket.tokens) - 1)

    def _fitting(
        self, feeds: list[Feed], tickets: list[Ticket], drafts: list[Draft]
    ) -> tuple[list[Feed], list[Ticket], list[Draft]]:
        """Put the youngest back until there are pages for the others."""
        while feeds and not self._stepper.fits(feeds):
            youngest = self._running[-1]
            if len(self._running) == 1:
                self._end(youngest, BadInput("prompt", "more than the cache holds", "less", "Enlarge the cache."))
                return [], [], []
            self._running.pop()
            self._put_back(youngest)
            if youngest in tickets:
                place = tickets.index(youngest)
                for column in (feeds, tickets, drafts):
                    del column[place]
        return feeds, tickets, drafts

    def _put_back(self, ticket: Ticket) -> None:
        self._stepper.end(ticket.text)
        ticket.text = None
        with self._work:
            self._waiting.appendleft(ticket)

    def _end(self, ticket: Ticket, reason: str | BaseException) -> None:
        if ticket.text is not None:
            self._stepper.end(ticket.text)
            ticket.text = None
        if ticket in self._running:
            self._running.remove(ticket)
        for each in (ticket, *ticket.others):
            each.end(reason)
        ticket.others = []


_ALL: weakref.WeakSet[Batcher] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """A thread that is still inside of a library when the interpreter ends would take the process down."""
    for batcher in list(_ALL):
        batcher.close()
