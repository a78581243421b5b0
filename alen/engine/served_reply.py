"""What the reply of an OpenAI-compatible server says. Servers differ, so only the text must be right; log-probabilities
that are missing, null or of no use are none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from alen.types import Completion


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None
    logprobs: Any = None


class _Usage(BaseModel):
    prompt_tokens: int = Field(0, ge=0)
    completion_tokens: int = Field(0, ge=0)


class _Reply(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: Any = None


class _Alternative(BaseModel):
    token: str
    logprob: float = Field(le=1e-3, allow_inf_nan=False)


class _Token(_Alternative):
    raw: list[int] | None = Field(None, alias="bytes")
    top_logprobs: list[_Alternative] | None = None

    def piece(self) -> bytes:
        return bytes(self.raw) if self.raw is not None else self.token.encode()


class _Tokens(BaseModel):
    content: list[_Token]


def completion_of(reply: dict[str, Any], stop: Sequence[str] = ()) -> Completion | None:
    """The first choice as a Completion, cut at the first of the ``stop`` strings, which some servers ignore. None when
    the reply has no text to speak of.

    The log-probabilities are those of the tokens that make up the text. ``margins`` and ``entropies`` come from the
    likeliest tokens that the server lists, and are empty when it lists fewer than two. An entropy is that of the
    listed tokens and of one more that stands for all others, and so never more than the true one."""
    try:
        said = _Reply.model_validate(reply)
    except ValidationError:
        return None
    choice = said.choices[0]
    text, finish_reason = _cut(choice.message.content or "", stop)
    tokens = _tokens_of(choice.logprobs, text)
    listed = [_likeliest(token) for token in tokens]
    known = bool(listed) and all(len(each) > 1 for each in listed)
    usage = _usage_of(said.usage)
    return Completion(
        text=text,
        tokens=usage.completion_tokens or len(tokens),
        prompt_tokens=usage.prompt_tokens,
        finish_reason=finish_reason or ("length" if choice.finish_reason in ("length", "max_tokens") else "stop"),
        logprobs=tuple(min(token.logprob, 0.0) for token in tokens),
        margins=tuple(each[0] - each[1] for each in listed) if known else (),
        entropies=tuple(map(_entropy, listed)) if known else (),
    )


def covering(pieces: Sequence[bytes], text: str, before: str = "") -> slice | None:
    """The pieces that make up the last occurrence of ``text`` after ``before``, or None when there is none. What is
    left out are end marks, what a model thought before it spoke, and what was cut off."""
    wanted = text.strip().encode()
    place = b"".join(pieces).rfind(before.encode() + wanted)
    if place < 0 or not wanted:
        return None
    start = place + len(before.encode())
    end, at, inside = start + len(wanted), 0, []
    for place, piece in enumerate(pieces):
        if at < end and at + len(piece) > start:
            inside.append(place)
        at += len(piece)
    return slice(inside[0], inside[-1] + 1)


def _cut(text: str, stop: Sequence[str]) -> tuple[str, str | None]:
    places = [place for place in (text.find(each) for each in stop if each) if place >= 0]
    return (text[: min(places)], "stop") if places else (text, None)


def _tokens_of(logprobs: Any, text: str) -> list[_Token]:
    try:
        tokens = _Tokens.model_validate(logprobs).content
        inside = covering([token.piece() for token in tokens], text)
    except (ValidationError, ValueError):
        return []
    return tokens[inside] if inside else []


def _usage_of(usage: Any) -> _Usage:
    try:
        return _Usage.model_validate(usage)
    except ValidationError:
        return _Usage()


def _likeliest(token: _Token) -> list[float]:
    """Log-probabilities of the likeliest tokens in this place and of the chosen one, falling."""
    listed = token.top_logprobs or []
    known = any(each.token == token.token for each in listed)
    return sorted((each.logprob for each in (listed if known else [*listed, token])), reverse=True)


def _entropy(listed: Sequence[float]) -> float:
    rest = max(1.0 - sum(map(math.exp, listed)), 0.0)
    return max(-sum(math.exp(each) * each for each in listed) - (rest * math.log(rest) if rest else 0.0), 0.0)
