"""A request comes to the same whatever else is under way, is drafted, known before, or put back."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from alen.errors import BadInput, WorkError
from alen.generation.batching import Batcher, Closed, Overloaded
from alen.generation.config import GenerationConfig
from alen.generation.drafting import DraftCosts
from alen.generation.stepper import Stepper, TorchStepper
from alen.generation.ticket import Step, Ticket
from alen.neural.paging import Feed
from tests.kernels import decoder, model

END = 7
_CHANCE = torch.Generator().manual_seed(0)
PROMPTS = [torch.randint(0, 100, (size,), generator=_CHANCE).tolist() for size in (5, 70, 200, 64, 128, 3, 33, 300)]
PROMPTS[1] = (PROMPTS[1][:9] * 30)[:250]
PROMPTS[5] = [3] * 80
CONFIGS = [
    GenerationConfig(max_tokens=60),
    GenerationConfig(max_tokens=60, temperature=0.8, seed=1),
    GenerationConfig(max_tokens=90, top_k=5, seed=2),
    GenerationConfig(max_tokens=30, repetition_penalty=1.3, presence_penalty=0.5, frequency_penalty=0.2),
    GenerationConfig(max_tokens=40, min_p=0.1, seed=3, logit_bias={4: 3.0}),
    GenerationConfig(max_tokens=40, typical_p=0.7, seed=4),
    GenerationConfig(max_tokens=50, top_p=0.8, seed=5, min_tokens=50),
    GenerationConfig(max_tokens=64, temperature=1.3, seed=6),
]
Found = list[tuple[int, float]]


def found(ticket: Ticket) -> Found:
    return [(step.token, step.logprob) for step in ticket]


@pytest.fixture(scope="module")
def alone() -> list[Found]:
    """Each by itself, with a batch of its own and no drafts."""
    made = []
    for prompt, config in zip(PROMPTS, CONFIGS, strict=True):
        batch = Batcher(decoder(), drafts=0)
        made.append(found(batch.submit(prompt, config, end_tokens=[END])[0]))
        batch.close()
    return made


def together(batch: Batcher) -> tuple[list[Found], list[Ticket]]:
    tickets = [
        batch.submit(prompt, config, end_tokens=[END])[0] for prompt, config in zip(PROMPTS, CONFIGS, strict=True)
    ]
    return [found(ticket) for ticket in tickets], tickets


@pytest.fixture
def batch() -> Iterator[Batcher]:
    made = Batcher(decoder())
    yield made
    made.close()


def test_company_changes_no_bit(alone: list[Found]) -> None:
    batch = Batcher(decoder(), drafts=0)
    assert together(batch)[0] == alone
    batch.close()


def test_drafts_change_no_bit(batch: Batcher, alone: list[Found], monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, and whether they pay or not."""
    monkeypatch.setattr(DraftCosts, "worth", lambda self, run, rows, most: most)
    texts, tickets = together(batch)
    assert texts == alone
    assert sum(ticket.drafted for ticket in tickets) > 0
    assert sum(ticket.accepted for ticket in tickets) > 0
    assert sum(sum(ticket.quoted.values()) for ticket in tickets) == sum(ticket.accepted for ticket in tickets)


def test_what_was_read_before_changes_no_bit(alone: list[Found]) -> None:
    batch = Batcher(decoder(tokens=16_000), running=3)
    together(batch)
    texts, tickets = together(batch)
    assert texts == alone
    assert [ticket.cached for ticket in tickets] == [(len(prompt) - 1) // 64 * 64 for prompt in PROMPTS]
    batch.close()


def test_prompts_of_somebody_else_are_not_known() -> None:
    batch = Batcher(decoder(tokens=16_000))
    cached = []
    for owner in ("one", "two", "one", ""):
        (ticket,) = batch.submit(PROMPTS[2], GenerationConfig(max_tokens=2), end_tokens=[END], owner=owner)
        found(ticket)
        cached.append(ticket.cached)
    assert cached == [0, 0, (len(PROMPTS[2]) - 1) // 64 * 64, 0]
    batch.close()


def test_being_put_back_changes_no_bit(alone: list[Found], monkeypatch: pytest.MonkeyPatch) -> None:
    put_back = Counter[str]()
    monkeypatch.setattr("alen.generation.batching.AHEAD", 0)
    original = Batcher._put_back
    monkeypatch.setattr(Batcher, "_put_back", lambda self, ticket: (put_back.update("x"), original(self, ticket)))
    batch = Batcher(decoder(tokens=640))
    assert together(batch)[0] == alone
    assert put_back["x"]
    batch.close()


def test_several_texts_after_one_prompt_are_what_each_is_alone(batch: Batcher) -> None:
    config = GenerationConfig(max_tokens=40, temperature=1.0, seed=10)
    tickets = batch.submit(PROMPTS[2], config, count=5, end_tokens=[END])
    texts = [found(ticket) for ticket in tickets]
    again = [found(batch.submit(PROMPTS[2], replace(config, seed=10 + n), end_tokens=[END])[0]) for n in range(5)]
    assert texts == again
    assert len({tuple(text) for text in texts}) == 5
    assert [ticket.cached for ticket in tickets] == [0, 200, 200, 200, 200]


def test_a_torch_model_gives_what_it_gives_alone() -> None:
    """Its kernels round by how many rows there are, so that drafts are left out."""
    of = model()

    def run(prompt: list[int], config: GenerationConfig) -> Found:
        batch = Batcher(TorchStepper(of))
        made = found(batch.submit(prompt, config, end_tokens=[END])[0])
        batch.close()
        return made

    alone = [run(prompt, config) for prompt, config in zip(PROMPTS, CONFIGS, strict=True)]
    batch = Batcher(TorchStepper(of))
    assert together(batch)[0] == alone
    batch.close()


def test_drafted_samples_follow_the_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fourth token after a prompt that suggests one: its frequencies over many seeds, drafted and not."""
    monkeypatch.setattr(DraftCosts, "worth", lambda self, run, rows, most: most)
    of, prompt = model(4), [11, 12, 13, 14, 15] * 12
    counts: list[Counter[int]] = []
    for drafts in (0, 7):
        batch = Batcher(decoder(of), drafts=drafts)
        config = GenerationConfig(max_tokens=6, temperature=1.0, seed=0, ignore_eos=True)
        tickets = batch.submit(prompt, config, count=600)
        texts = [[step.token for step in ticket] for ticket in tickets]
        counts.append(Counter(text[3] for text in texts))
        if drafts:
            assert sum(ticket.drafted for ticket in tickets) > 100
        batch.close()
    assert counts[0] == counts[1]


def test_log_probabilities_alternatives_margins_and_entropies() -> None:
    of = model()
    batch = Batcher(TorchStepper(of), drafts=0)
    config = GenerationConfig(max_tokens=4, top_logprobs=3)
    steps = list(batch.submit(PROMPTS[0], config, detailed=True)[0])
    seen = list(PROMPTS[0])
    for step in steps:
        with torch.inference_mode():
            told_V = of(torch.tensor([seen]))[0, -1].log_softmax(-1)
        values, ids = told_V.topk(3)
        assert [token for token, _ in step.others] == ids.tolist()
        assert [value for _, value in step.others] == pytest.approx(values.tolist(), abs=1e-4)
        assert step.logprob == pytest.approx(float(told_V[step.token]), abs=1e-4)
        assert step.margin == pytest.approx(float(values[0] - values[1]), abs=1e-4)
        entropy = -sum(math.exp(x) * x for x in told_V.tolist())
        assert step.entropy == pytest.approx(entropy, abs=1e-4)
        seen.append(step.token)
    batch.close()


def test_an_end_token_is_not_part_of_a_text_unless_ends_are_ignored(batch: Batcher) -> None:
    config = GenerationConfig(max_tokens=60, temperature=1.0, seed=2)
    ticket = batch.submit(PROMPTS[0], config, end_tokens=range(0, 100, 4))[0]
    text = [step.token for step in ticket]
    assert ticket.reason == "stop"
    assert all(token % 4 for token in text)
    longer = batch.submit(PROMPTS[0], replace(config, ignore_eos=True), end_tokens=range(0, 100, 4))[0]
    assert [step.token for step in longer][: len(text)] == text
    assert (len(longer.tokens), longer.reason) == (60, "length")


def test_a_watch_ends_its_text_and_no_other(batch: Batcher) -> None:
    config = GenerationConfig(max_tokens=30, temperature=1.0, seed=3)
    heard: list[int] = []

    def watch(step: Any) -> bool:
        heard.append(step.token)
        return len(heard) == 4

    first, second = batch.submit(PROMPTS[0], config, count=2, watches=[watch, lambda step: False])
    assert len(list(first)) == 4
    assert (first.reason, len(list(second)), second.reason) == ("stop", 30, "length")


def test_closing_and_cancelling_stop_within_a_step_and_keep_what_came(batch: Batcher) -> None:
    cancel = threading.Event()
    long = GenerationConfig(max_tokens=290, ignore_eos=True)
    stays, closed = batch.submit(PROMPTS[0], long)[0], batch.submit(PROMPTS[3], long)[0]
    cancelled = batch.submit(PROMPTS[5], long, cancel=cancel)[0]
    assert next(iter(closed)).token >= 0
    closed.close()
    cancel.set()
    list(closed), list(cancelled)
    assert (closed.reason, cancelled.reason) == ("cancelled", "cancelled")
    assert 0 < len(closed.tokens) < 290
    assert len(list(stays)) == 290


def test_too_many_are_refused_and_the_others_come_to_their_end() -> None:
    batch = Batcher(decoder(), running=1, waiting=2)
    config = GenerationConfig(max_tokens=150, ignore_eos=True)
    first = batch.submit(PROMPTS[0], config)[0]
    next(iter(first))
    others = [batch.submit(PROMPTS[0], config)[0] for _ in range(2)]
    with pytest.raises(Overloaded):
        batch.submit(PROMPTS[0], config)
    assert [len(list(ticket)) for ticket in (first, *others)] == [149, 150, 150]
    batch.close()


def test_what_breaks_a_step_ends_its_requests_and_the_batch_goes_on() -> None:
    made = decoder()
    batch = Batcher(made)
    step, broken = made.step, threading.Event()

    def breaking(feeds: Any, **more: Any) -> Any:
        if broken.is_set():
            broken.clear()
            raise RuntimeError("a broken step")
        return step(feeds, **more)

    made.step = breaking  # type: ignore[method-assign]  # broken on purpose
    broken.set()
    with pytest.raises(RuntimeError, match="a broken step"):
        list(batch.submit(PROMPTS[0], CONFIGS[0])[0])
    assert len(list(batch.submit(PROMPTS[0], replace(CONFIGS[0], ignore_eos=True))[0])) == 60
    assert made.pool.free >= made.pool.count - 1
    batch.close()


def test_requests_that_are_wrong(batch: Batcher) -> None:
    with pytest.raises(BadInput, match="no tokens"):
        batch.submit([], CONFIGS[0])
    with pytest.raises(BadInput, match="600 tokens"):
        batch.submit([1] * 600, CONFIGS[0])
    small = Batcher(decoder(tokens=64))
    with pytest.raises(BadInput, match="cache"):
        list(small.submit([1] * 100, CONFIGS[0])[0])
    small.close()


def test_a_closed_batch_ends_what_is_under_way_and_takes_no_more() -> None:
    batch = Batcher(decoder())
    ticket = batch.submit(PROMPTS[0], GenerationConfig(max_tokens=500, ignore_eos=True))[0]
    next(iter(ticket))
    batch.close()
    list(ticket)
    assert ticket.reason == "cancelled"
    with pytest.raises(WorkError, match="closed"):
        batch.submit(PROMPTS[0], CONFIGS[0])


def test_a_closed_batch_refuses_the_jobs_that_wait() -> None:
    batch, held, refused = Batcher(decoder()), threading.Event(), []

    def late() -> None:
        try:
            batch.between(lambda stepper: 1)
        except Closed as error:
            refused.append(error)

    first = threading.Thread(target=lambda: batch.between(lambda stepper: held.wait()))
    first.start()
    while not batch._thread or batch._jobs:
        time.sleep(0.01)
    others = [threading.Thread(target=late) for _ in range(2)]
    for each in others:
        each.start()
    while len(batch._jobs) < 2:
        time.sleep(0.01)
    closing = threading.Thread(target=batch.close)
    closing.start()
    while not batch._closing:
        time.sleep(0.01)
    held.set()
    for each in (first, closing, *others):
        each.join(timeout=10)
        assert not each.is_alive()
    assert len(refused) == 2


def test_what_breaks_one_text_ends_no_other(batch: Batcher) -> None:
    def broken(step: Step) -> bool:
        raise ZeroDivisionError

    config = GenerationConfig(max_tokens=30, ignore_eos=True)
    other = batch.submit(PROMPTS[2], replace(config, max_tokens=200))[0]
    next(iter(other))
    one = batch.submit(PROMPTS[0], config, watches=[broken])[0]
    with pytest.raises(ZeroDivisionError):
        list(one)
    assert len(list(other)) == 199
    assert batch.running == 0


def test_who_stops_waiting_leaves_the_queue() -> None:
    batch = Batcher(decoder(), running=1, waiting=2)
    config = GenerationConfig(max_tokens=400, ignore_eos=True)
    first = batch.submit(PROMPTS[0], config)[0]
    next(iter(first))
    waiting = [batch.submit(PROMPTS[0], config)[0] for _ in range(2)]
    for each in waiting:
        each.close()
    assert [list(each) for each in waiting] == [[], []]
    assert batch.waiting == 0
    assert batch.running == 1
    batch.close()


def test_a_job_has_the_stepper_for_itself(batch: Batcher) -> None:
    ticket = batch.submit(PROMPTS[0], GenerationConfig(max_tokens=200, ignore_eos=True))[0]

    def job(stepper: Stepper) -> int:
        text = stepper.begin()
        best = int(stepper.step([Feed(text, PROMPTS[2])]).best[0])
        stepper.end(text)
        return best

    assert batch.between(job) == batch.between(job)
    with pytest.raises(ZeroDivisionError):
        batch.between(lambda stepper: 1 // 0)
    assert len(list(ticket)) == 200


def test_an_idle_thread_ends_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alen.generation.batching.IDLE", 0.05)
    batch = Batcher(decoder())
    first = found(batch.submit(PROMPTS[0], CONFIGS[0])[0])
    until = time.monotonic() + 20
    while batch._thread is not None and time.monotonic() < until:
        time.sleep(0.02)
    assert batch._thread is None
    assert found(batch.submit(PROMPTS[0], CONFIGS[0])[0]) == first
    batch.close()
