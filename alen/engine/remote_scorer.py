"""How likely a served model finds a text: servers that echo the prompt tell it of every token of the prompt.

Two ways are known. vLLM tells ``prompt_logprobs`` of a conversation, in the model's own chat format. The older
``/completions`` echoes a plain text with ``logprobs``; there the conversation is a transcript, one line a turn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from alen.engine.model_server import ModelServer, Refusal
from alen.engine.served_reply import covering
from alen.errors import BadInput, ModelServerFailed
from alen.text.chat_template import without_markers
from alen.types import CancelToken, Messages

_PROBE: Messages = ({"role": "user", "content": "Say one two."},)
_Way = Callable[[str, Messages, str], tuple[str, dict[str, Any], str]]
"""Model, conversation and reply to a path, a body, and the text that the reply follows, where it is known."""


class RemoteScorer:
    """Scorer over a server; ``find_scorer`` makes it."""

    def __init__(self, server: ModelServer, model: str, way: _Way) -> None:
        self._server = server
        self._model = model
        self._way = way

    def score(
        self, messages: Messages, replies: Sequence[str], *, cancel: CancelToken | None = None
    ) -> list[tuple[float, ...]]:
        """The log-probability of each token of each reply. Raises BadInput for an empty reply, ModelServerFailed,
        Cancelled."""
        for place, reply in enumerate(replies):
            if not reply.strip():
                raise BadInput(f"replies[{place}]", repr(reply), "a text that is not empty", "Write a word.")
        plain = [without_markers(message) for message in messages]
        asked = [self._way(self._model, plain, reply.strip()) for reply in replies]
        path = asked[0][0] if asked else ""
        try:
            found = self._server.post(path, [body for _, body, _ in asked], cancel=cancel)
        except Refusal as refusal:
            raise ModelServerFailed(f"The model server {self._server.base} scored nothing: {refusal.said}.") from None
        rows = zip(found, replies, asked, strict=True)
        scores = [_scores(answer, reply.strip(), before) for answer, reply, (_, _, before) in rows]
        if any(each is None for each in scores):
            raise ModelServerFailed(f"The model server {self._server.base} did not echo what it was to score.")
        return [each for each in scores if each is not None]


def find_scorer(server: ModelServer, model: str) -> RemoteScorer | None:
    """The way in which this server scores, or None when it knows none. Costs a request or two of a few tokens.

    Raises ModelServerFailed when the server is not there."""
    for way in (_conversation, _transcript):
        path, body, before = way(model, _PROBE, "one two")
        try:
            (found,) = server.post(path, [body])
        except Refusal:
            continue
        if _scores(found, "one two", before):
            return RemoteScorer(server, model, way)
    return None


def _conversation(model: str, messages: Messages, reply: str) -> tuple[str, dict[str, Any], str]:
    turns = [*(dict(message) for message in messages), {"role": "assistant", "content": reply}]
    body = {
        "model": model,
        "messages": turns,
        "max_tokens": 1,
        "temperature": 0.0,
        "prompt_logprobs": 0,
        "add_generation_prompt": False,
        "continue_final_message": True,
    }
    return "/chat/completions", body, ""


def _transcript(model: str, messages: Messages, reply: str) -> tuple[str, dict[str, Any], str]:
    before = "".join(f"{turn['role'].capitalize()}: {turn['content']}\n\n" for turn in messages) + "Assistant: "
    # One token is written and not looked at: some servers take a length of 0 for no bound.
    body = {
        "model": model,
        "prompt": before + reply,
        "max_tokens": 1,
        "temperature": 0.0,
        "echo": True,
        "logprobs": 1,
    }
    return "/completions", body, before


def _scores(answer: dict[str, Any], reply: str, before: str) -> tuple[float, ...] | None:
    """The log-probabilities of the reply's tokens, found by their texts; None when the server did not tell them."""
    try:
        pieces = _told(answer)
        inside = covering([text.encode() for text, _ in pieces], reply, before)
        found = [float(value) for _, value in pieces[inside]] if inside else []
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None
    return tuple(min(value, 0.0) for value in found) if found and all(map(math.isfinite, found)) else None


def _told(answer: dict[str, Any]) -> list[tuple[str, Any]]:
    """Text and log-probability of each token that is told of; that of the first is unknown."""
    if "prompt_logprobs" in answer:
        tokens = [next(iter(token.values())) for token in answer["prompt_logprobs"] if token]
        return [(token["decoded_token"], token["logprob"]) for token in tokens]
    told = answer["choices"][0]["logprobs"]
    return list(zip(told["tokens"], told["token_logprobs"], strict=True))
