"""How likely a served model finds a text: servers that echo the prompt tell it of every token of the prompt.

Two ways are known. vLLM tells ``prompt_logprobs`` of a conversation, in the model's own chat format. The older
``/completions`` echoes a plain text with ``logprobs``; there the conversation is a transcript, one paragraph a turn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from alen.engine.model_server import ModelServer, Refusal
from alen.engine.served_reply import covering
from alen.errors import BadInput, ModelServerFailed
from alen.text.chat_template import without_markers
from alen.types import CancelToken, Messages

AGREEMENT = 0.25
"""By how much an echoed log-probability may differ from the one told while writing: rounding, never another token's."""

_PROBE: Messages = ({"role": "user", "content": "Count from one to ten, in words."},)
_COUNTED = "one, two, three, four,"


@dataclass(frozen=True, slots=True)
class _Request:
    """``before`` is the text that the reply follows in the echo, where it is known."""

    path: str
    body: dict[str, Any]
    before: str
    reply: str


_Way = Callable[[str, Messages, str], _Request]


class RemoteScorer:
    """Scorer over a server; ``find_scorer`` makes it."""

    def __init__(self, server: ModelServer, model: str, way: _Way) -> None:
        self._server = server
        self._model = model
        self._way = way

    def score(
        self, messages: Messages, replies: Sequence[str], *, cancel: CancelToken | None = None
    ) -> list[tuple[float, ...]]:
        """The log-probability of each token of each reply, without white space at its ends. Raises BadInput for an
        empty reply, ModelServerFailed, Cancelled."""
        for place, reply in enumerate(replies):
            if not reply.strip():
                raise BadInput(f"replies[{place}]", repr(reply), "a text that is not empty", "Write a word.")
        plain = [without_markers(message) for message in messages]
        asked = [self._way(self._model, plain, reply.strip()) for reply in replies]
        try:
            found = [self._server.post(each.path, [each.body], cancel=cancel)[0] for each in asked]
        except Refusal as refusal:
            raise ModelServerFailed(
                f"The model server {self._server.base} scored nothing: {refusal.said}.", "Shorten the texts."
            ) from None
        scores = [_scores(answer, each) for answer, each in zip(found, asked, strict=True)]
        if not all(scores):
            raise ModelServerFailed(f"The model server {self._server.base} did not echo what it was to score.")
        return scores


def find_scorer(server: ModelServer, model: str) -> RemoteScorer | None:
    """The way in which this server scores, or None when it knows none: one that echoes is believed only when it says of
    a token that it wrote what it said while writing it. Costs four requests of a few tokens at most.

    Raises ModelServerFailed when the server is not there."""
    for way in (_conversation, _transcript):
        try:
            first = way(model, _PROBE, _COUNTED)
            (answer,) = server.post(first.path, [first.body])
            written = _written(answer, first)
            if written is None:
                continue
            text, told = written
            second = way(model, _PROBE, _COUNTED + text)
            (answer,) = server.post(second.path, [second.body])
        except Refusal:
            continue
        echoed = _scores(answer, second)
        if echoed and abs(echoed[-1] - told) <= AGREEMENT:
            return RemoteScorer(server, model, way)
    return None


def _conversation(model: str, messages: Messages, reply: str) -> _Request:
    turns = [*(dict(message) for message in messages), {"role": "assistant", "content": reply}]
    body = {
        "model": model,
        "messages": turns,
        "max_tokens": 1,
        "temperature": 0.0,
        "logprobs": True,
        "prompt_logprobs": 0,
        "add_generation_prompt": False,
        "continue_final_message": True,
    }
    return _Request("/chat/completions", body, "", reply)


def _transcript(model: str, messages: Messages, reply: str) -> _Request:
    before = "".join(f"{turn['role'].capitalize()}: {turn['content']}\n\n" for turn in messages) + "Assistant: "
    # One token is written although none is wanted: some servers take a length of 0 for no bound.
    body = {
        "model": model,
        "prompt": before + reply,
        "max_tokens": 1,
        "temperature": 0.0,
        "echo": True,
        "logprobs": 1,
    }
    return _Request("/completions", body, before, reply)


def _scores(answer: dict[str, Any], request: _Request) -> tuple[float, ...]:
    """The log-probabilities of the reply's tokens, found by their texts; none when the server did not tell them."""
    pieces = _echoed(answer)
    inside = covering([text.encode() for text, _ in pieces], request.reply, request.before)
    found = [value for _, value in pieces[inside]] if inside else []
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in found):
        return ()
    return tuple(min(float(value), 0.0) for value in found)


def _echoed(answer: dict[str, Any]) -> list[tuple[str, Any]]:
    """Text and log-probability of each token, nothing where the reply has another shape. The first has none."""
    try:
        if "prompt_logprobs" in answer:
            tokens = [next(iter(token.values())) for token in answer["prompt_logprobs"] if token]
            return [(str(token["decoded_token"]), token["logprob"]) for token in tokens]
        told = answer["choices"][0]["logprobs"]
        return [(str(text), value) for text, value in zip(told["tokens"], told["token_logprobs"], strict=True)]
    except (AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError):
        return []


def _written(answer: dict[str, Any], request: _Request) -> tuple[str, float] | None:
    """The token that followed the reply, and the log-probability the server told of it."""
    if not _scores(answer, request):
        return None
    try:
        if "prompt_logprobs" in answer:
            token = answer["choices"][0]["logprobs"]["content"][0]
            text, told = token["token"], token["logprob"]
        else:
            text, told = _echoed(answer)[-1]
    except (IndexError, KeyError, TypeError):
        return None
    return (text, float(told)) if isinstance(told, int | float) and str(text).strip() else None
