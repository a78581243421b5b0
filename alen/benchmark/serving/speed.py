"""What a server gives to clients that wait for each answer: ``alen serve`` alone, or in turns with others."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

from alen.benchmark import machine
from alen.benchmark.decoding import prompts, rivals
from alen.benchmark.decoding.turns import Room, processes
from alen.benchmark.harness import Report, in_turns
from alen.benchmark.plain_http import asked
from alen.benchmark.serving.load import PATIENCE, Body, Load, answer_line, closed_loop
from alen.benchmark.serving.measured import OURS, Measurements
from alen.benchmark.serving.served import ended_in_order, server
from alen.engine.model_server import Address, is_address
from alen.errors import BadInput, WorkError
from alen.models import ModelFiles
from alen.neural.weights import read_config

LLAMA_CPP = "llama.cpp"
PACKAGES = ("alen", "torch", "xllamacpp")
NUMBER = 16
"""Tokens, at most, of the number before each prompt."""

TEXTS = 64
"""Prompts that differ by more than their number."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Each round lasts ``seconds``, or until ``requests`` were asked where they are given. ``threads`` 0 leaves them to
    torch. Raises BadInput."""

    clients: int = 4
    seconds: float = 5.0
    requests: int | None = None
    rounds: int = 3
    prompt_tokens: int = 64
    max_tokens: int = 32
    threads: int = 0
    against: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        least = {"clients": 1, "rounds": 2, "prompt_tokens": 1, "max_tokens": 1, "threads": 0}
        if self.requests is not None:
            least["requests"] = 1
        for name, number in least.items():
            if getattr(self, name) < number:
                raise _wrong(f"--{name.replace('_', '-')}", str(getattr(self, name)), f"{number} or more")
        if not 0 < self.seconds <= 3600:
            raise _wrong("--seconds", str(self.seconds), "more than 0, at most 3600")
        names = [name for name in self.against if not is_address(name)]
        rivals.check(names, (LLAMA_CPP,), ", or the URL of a server: http://HOST:PORT/v1#MODEL")
        for name in filter(is_address, self.against):
            _address(name)


def run(model: ModelFiles, plan: Plan, *, report: Report) -> Measurements:
    """``alen serve`` with the model and an empty memory, and each server of ``against``, in turns: others by their
    address, llama.cpp in a process of its own. The first round warms up and does not count.

    Raises BadInput, and WorkError when a server does not start or answers nothing."""
    if model.kind != "decoder":
        raise BadInput("model", f"{model.name}, an {model.kind}", "a decoder", "For example smollm2-135m-instruct.")
    rivals.check_file((name for name in plan.against if not is_address(name)), model.path)
    tokens, most = plan.prompt_tokens + NUMBER + plan.max_tokens, read_config(model.path).max_seq_len
    if tokens > most:
        allowed = f"{most - NUMBER:,} with --prompt-tokens, the context of the model"
        raise _wrong("--max-tokens", f"{plan.prompt_tokens + plan.max_tokens:,} with --prompt-tokens", allowed)
    bodies = _bodies(model, plan)
    found: dict[str, list[Load]] = {name: [] for name in (OURS, *plan.against)}
    with ExitStack() as stack:
        stack.enter_context(ended_in_order())
        servers = {}
        for done, name in enumerate(found):
            report("starting", done, len(found))
            servers[name] = stack.enter_context(_started(name, model, plan, tokens))
        report("starting", len(found), len(found))
        turns = (1 + plan.rounds) * len(found)
        for done, (turn, name) in enumerate(in_turns(1 + plan.rounds, list(found))):
            url, more = servers[name]
            report("asking", done, turns)
            if turn:
                found[name].append(_asked(url, bodies(turn, more), plan))
            else:
                _warm(name, url, bodies(turn, more), plan.clients)
        report("asking", turns, turns)
        about = {**machine.machine(), **machine.versions(PACKAGES)}
    settings = asdict(plan) | ({"seconds": None} if plan.requests is not None else {})
    del settings["against"]
    return Measurements(model.name, settings, about, found)


def _asked(url: str, body: Body, plan: Plan) -> Load:
    if plan.requests is not None:
        return closed_loop(url, body, plan.clients, requests=plan.requests)
    return closed_loop(url, body, plan.clients, seconds=plan.seconds)


def _warm(name: str, url: str, body: Body, clients: int) -> None:
    load = closed_loop(url, body, clients, requests=clients)
    if load.taken:
        return
    reason = next(iter(load.failures))
    hint = "It asks for a key; measure a server without keys." if reason.startswith(("401", "403")) else ""
    raise WorkError(f"{name} answered none of {clients} requests. {reason}.", hint or "Look at the log of that server.")


@contextmanager
def _started(name: str, model: ModelFiles, plan: Plan, tokens: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Where it completes texts, and what its requests hold besides."""
    if is_address(name):
        address = _address(name)
        yield f"{address.base}/completions", {"model": address.model or _writing_model(address.base)}
    elif name == LLAMA_CPP:
        room = Room(plan.clients, tokens)
        with processes({name: str(model.path)}, plan.threads or _threads(), room) as made:
            yield f"{made[name].about['url']}/v1/completions", {}
    else:
        threads = {"ALEN_THREADS": str(plan.threads)} if plan.threads else {}
        with (
            tempfile.TemporaryDirectory() as folder,
            server("--store", f"sqlite:///{folder}/memory.db", "--model", str(model.path), **threads) as url,
        ):
            yield f"{url}/v1/completions", {}


def _bodies(model: ModelFiles, plan: Plan) -> Callable[[int, Mapping[str, Any]], Body]:
    """The same for all servers, and no text twice for one of them."""
    tokenizer = prompts.tokenizer_of(model.path)
    texts = [tokenizer.decode(ids) for ids in prompts.invented(tokenizer.encode, TEXTS, plan.prompt_tokens)]
    settings = {"max_tokens": plan.max_tokens, "temperature": 0, "ignore_eos": True}

    def of_round(turn: int, more: Mapping[str, Any]) -> Body:
        return lambda number: {"prompt": f"{turn}.{number:06d} {texts[number % TEXTS]}", **settings, **more}

    return of_round


def _writing_model(base: str) -> str:
    """The first of its models that completes a text: a server may list others too, which embed or answer chats."""
    status, told = asked(f"{base}/models", seconds=10)
    with suppress(ValueError, LookupError, TypeError):
        for row in json.loads(told)["data"]:
            trial = {"model": row["id"], "prompt": "Once", "max_tokens": 1}
            status, told = asked(f"{base}/completions", trial, seconds=PATIENCE)
            if status == 200:
                return str(row["id"])
    hint = "Name the model after the URL: --against http://HOST:PORT/v1#MODEL"
    raise WorkError(f"{base} has no model that completes texts. {answer_line(status, told)}.", hint)


def _address(url: str) -> Address:
    try:
        return Address.parse(url)
    except BadInput as error:
        hint = "For example: --against http://localhost:8000/v1"
        raise BadInput("--against", error.found, f"{LLAMA_CPP}, or {error.allowed}", hint) from None


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def _wrong(field: str, found: str, allowed: str) -> BadInput:
    return BadInput(field, found, allowed, "Correct it.")
