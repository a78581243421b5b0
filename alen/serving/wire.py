"""What requests look like on the wire: the shapes of OpenAI's API. Fields that are not known are left out of account,
as its clients expect of servers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alen.errors import BadInput
from alen.generation.config import GenerationConfig

TOKENS_OF_COMPLETION = 16
"""What OpenAI's completions write when no length is given."""

MOST_STOPS = 32
LONGEST_STOP = 256
"""Characters. Every piece of a text is held against every beginning of every stop string."""

MOST_TEXTS = 2048
"""Prompts, or texts to embed, in one request."""


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", protected_namespaces=())


class Body(_Wire):
    """A whole request."""

    @model_validator(mode="before")
    @classmethod
    def _is_unicode(cls, given: Any) -> Any:
        """JSON can write half a surrogate pair, which no tokenizer and no database takes."""
        for field, value in given.items() if isinstance(given, dict) else ():
            if not _encodes(field) or not _encodes(value):
                raise ValueError(f"{field!r} holds half a surrogate pair")
        return given


def _encodes(value: Any) -> bool:
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, str):
            try:
                each.isascii() or each.encode()
            except UnicodeEncodeError:
                return False
        elif isinstance(each, dict):
            left += [*each, *each.values()]
        elif isinstance(each, list):
            left += each
    return True


class StreamOptions(_Wire):
    include_usage: bool = False


class ResponseFormat(_Wire):
    type: str = "text"
    json_schema: dict[str, Any] | None = None

    def form(self) -> str | None:
        """The schema to hold the text to, None for free text. Raises BadInput."""
        if self.type == "text":
            return None
        if self.type == "json_object":
            return "{}"
        if self.type == "json_schema" and self.json_schema is not None:
            try:
                return json.dumps(self.json_schema.get("schema", {}), allow_nan=False)
            except (ValueError, RecursionError) as error:
                raise BadInput("response_format", str(error), "a JSON schema", "Correct it.") from None
        raise BadInput(
            "response_format", self.type, "text, json_object, or json_schema with a json_schema", "Correct it."
        )


class Writing(Body):
    """What completions and chats share."""

    model: str | None = None
    temperature: float | None = 1.0
    top_p: float | None = 1.0
    top_k: int | None = None
    min_p: float | None = None
    typical_p: float | None = None
    repetition_penalty: float | None = 1.0
    presence_penalty: float | None = 0.0
    frequency_penalty: float | None = 0.0
    logit_bias: dict[str, float] | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    n: int | None = Field(1, ge=1, le=32)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    response_format: ResponseFormat | None = None
    ignore_eos: bool | None = False
    min_tokens: int | None = 0

    @property
    def tells_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage

    def check(self) -> None:
        """What fields say of each other. Raises BadInput."""
        words = self._stops()
        if len(words) > MOST_STOPS or any(len(word) > LONGEST_STOP for word in words):
            allowed = f"at most {MOST_STOPS} of at most {LONGEST_STOP} characters"
            raise BadInput("stop", f"{len(words)} texts, the longest of {max(map(len, words))}", allowed, "Give fewer.")

    def config(self, max_tokens: int, alternatives: int) -> GenerationConfig:
        """Raises BadInput naming the field."""
        top_k = None if self.top_k in (None, -1, 0) else self.top_k
        greedy = not (1.0 if self.temperature is None else self.temperature)
        return GenerationConfig(
            max_tokens=max_tokens,
            min_tokens=self.min_tokens or 0,
            temperature=1.0 if self.temperature is None else self.temperature,
            top_k=None if greedy else top_k,
            top_p=None if greedy or self.top_p in (None, 1.0) else self.top_p,
            min_p=None if greedy else self.min_p,
            typical_p=None if greedy else self.typical_p,
            repetition_penalty=1.0 if self.repetition_penalty is None else self.repetition_penalty,
            presence_penalty=self.presence_penalty or 0.0,
            frequency_penalty=self.frequency_penalty or 0.0,
            logit_bias={_token(name): bias for name, bias in (self.logit_bias or {}).items()},
            top_logprobs=alternatives,
            seed=None if self.seed is None else self.seed % 2**63,
            stop=tuple(word for word in self._stops() if word),
            ignore_eos=bool(self.ignore_eos),
            json_schema=None if self.response_format is None else self.response_format.form(),
        )

    def _stops(self) -> Sequence[str]:
        return [self.stop] if isinstance(self.stop, str) else self.stop or ()


class CompletionRequest(Writing):
    prompt: str | list[str] | list[int] | list[list[int]]
    """An empty text or list is refused, as are more than MOST_TEXTS prompts."""
    max_tokens: int | None = Field(TOKENS_OF_COMPLETION, ge=0)
    logprobs: int | None = Field(None, ge=0, le=20)
    echo: bool | None = False
    suffix: str | None = None
    best_of: int | None = None
    add_special_tokens: bool = True

    @property
    def length(self) -> int:
        return TOKENS_OF_COMPLETION if self.max_tokens is None else self.max_tokens

    def check(self) -> None:
        super().check()
        if self.suffix:
            raise BadInput("suffix", "a text", "leaving it out: the model writes on only", "Put it into the prompt.")
        if self.best_of not in (None, self.n or 1):
            raise BadInput("best_of", str(self.best_of), "the same as n", "Leave it out.")

    def prompts(self) -> list[str | list[int]]:
        """Each prompt, text or tokens. Raises BadInput."""
        given = self.prompt
        if isinstance(given, str):
            return [given]
        if given and all(isinstance(each, int) for each in given):
            return [list(given)]  # type: ignore[arg-type]  # all of them are numbers
        if not given:
            raise BadInput("prompt", "an empty list", "a text, texts, or lists of tokens", "Give at least one.")
        if len(given) > MOST_TEXTS:
            raise BadInput("prompt", f"{len(given):,} prompts", f"at most {MOST_TEXTS:,}", "Send several requests.")
        return list(given)  # type: ignore[arg-type]  # the validator let no other mixture in


class Part(_Wire):
    type: str
    text: str = ""


class ChatMessage(_Wire):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = ""

    def text(self) -> str:
        """All parts that are text. Raises BadInput for others."""
        if isinstance(self.content, list):
            for part in self.content:
                if part.type != "text":
                    raise BadInput("messages", f"a part of type {part.type}", "text", "Leave it out.")
            return "".join(part.text for part in self.content)
        return self.content or ""


class ChatRequest(Writing):
    messages: list[ChatMessage] = Field(min_length=1)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    logprobs: bool | None = False
    top_logprobs: int | None = Field(None, ge=0, le=20)
    session: str | None = None
    effort: str | None = None
    draft_from_memory: int | None = Field(0, ge=0, le=32)

    def conversation(self) -> list[dict[str, str]]:
        """What newer clients call a developer, models know as the system."""
        return [
            {"role": "system" if message.role == "developer" else message.role, "content": message.text()}
            for message in self.messages
        ]

    def check(self) -> None:
        super().check()
        if self.top_logprobs is not None and not self.logprobs:
            raise BadInput("top_logprobs", str(self.top_logprobs), "only with logprobs true", "Add logprobs.")


class EmbeddingRequest(Body):
    model: str | None = None
    input: str | list[str] | list[int] | list[list[int]]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(None, ge=1)

    def texts(self) -> list[str]:
        """Raises BadInput."""
        texts = [self.input] if isinstance(self.input, str) else self.input
        found = [text for text in texts if isinstance(text, str)]
        if len(found) < len(texts):
            raise BadInput("input", "tokens", "texts: an encoder has tokens of its own", "Send what they stand for.")
        if not 0 < len(found) <= MOST_TEXTS or not all(found):
            allowed = f"1 to {MOST_TEXTS:,} texts, none of them empty"
            raise BadInput("input", f"{len(found):,} texts, {found.count('')} empty", allowed, "Correct it.")
        return found


class TokenizeRequest(Body):
    model: str | None = None
    prompt: str
    add_special_tokens: bool = True


class DetokenizeRequest(Body):
    model: str | None = None
    tokens: list[int]


def _token(name: str) -> int:
    try:
        return int(name)
    except ValueError:
        raise BadInput("logit_bias", repr(name), "ids of tokens", "See /tokenize.") from None
