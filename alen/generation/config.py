"""GenerationConfig: how long to write, how to choose tokens, when to stop."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any

from alen.errors import BadInput, TooLong

DEFAULT_MAX_TOKENS = 256
MOST_LOGPROBS = 20


@dataclass(frozen=True, kw_only=True)
class GenerationConfig:
    """What a request asks for. Every bad value raises BadInput naming its field.

    ``max_tokens`` bounds the new tokens (``max_new_tokens`` is accepted for it; 256 when nothing is said);
    ``max_length`` and ``min_length`` count the prompt too. ``temperature`` 0, or ``do_sample=False``, always takes the
    likeliest token; without a temperature, asking for sampling in any way means 1. ``top_k`` and ``top_p`` (Holtzman et
    al., 2020) keep the likeliest tokens, ``min_p`` (Nguyen et al., 2024) those at least that share as likely as the
    likeliest, ``typical_p`` (Meister et al., 2023) those whose surprise is nearest to the expected one.
    ``repetition_penalty`` (Keskar et al., 2019) above 1 makes tokens that have appeared, in the prompt too, less
    likely; ``presence_penalty`` is subtracted once from the logits of tokens that were written, ``frequency_penalty``
    once for each time. ``logit_bias`` is added to logits, by token. ``top_logprobs`` asks for the likeliest tokens of
    each place. ``seed`` fixes the text of this request, whatever else runs beside it. ``stop`` strings end the text and
    are not part of it. ``eos_token_id`` replaces the model's own end tokens, ``pad_token_id`` fills the shorter rows of
    a batch. ``ignore_eos`` writes on over end tokens. ``json_schema``, as text or as a dict, holds the text to JSON of
    that form; an empty dict allows any JSON."""

    max_tokens: int | None = None
    max_length: int | None = None
    min_tokens: int = 0
    min_length: int | None = None
    do_sample: bool | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical_p: float | None = None
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    top_logprobs: int = 0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    eos_token_id: int | tuple[int, ...] | None = None
    pad_token_id: int | None = None
    ignore_eos: bool = False
    json_schema: str | Mapping[str, Any] | None = None
    max_new_tokens: InitVar[int | None] = None

    def __post_init__(self, max_new_tokens: int | None) -> None:
        if max_new_tokens is not None:
            if self.max_tokens not in (None, max_new_tokens):
                raise BadInput(
                    "max_new_tokens",
                    f"{max_new_tokens} beside max_tokens {self.max_tokens}",
                    "one of the two, or the same value",
                    "They mean the same; give max_tokens alone.",
                )
            object.__setattr__(self, "max_tokens", max_new_tokens)
        if isinstance(self.stop, str):
            object.__setattr__(self, "stop", (self.stop,))
        object.__setattr__(self, "stop", tuple(self.stop))
        _whole("max_tokens", self.max_tokens, 1)
        _whole("max_length", self.max_length, 1)
        _whole("min_tokens", self.min_tokens, 0)
        _whole("min_length", self.min_length, 0)
        _whole("top_k", self.top_k, 1)
        _whole("seed", self.seed, 0, 2**63 - 1)
        _number("temperature", self.temperature, 0.0, 100.0)
        _number("top_p", self.top_p, 0.0, 1.0, open_low=True)
        _number("repetition_penalty", self.repetition_penalty, 0.0, 100.0, open_low=True)
        _number("min_p", self.min_p, 0.0, 1.0)
        _number("typical_p", self.typical_p, 0.0, 1.0, open_low=True)
        _number("presence_penalty", self.presence_penalty, -100.0, 100.0)
        _number("frequency_penalty", self.frequency_penalty, -100.0, 100.0)
        _whole("top_logprobs", self.top_logprobs, 0, MOST_LOGPROBS)
        for token, bias in self.logit_bias.items():
            _whole("logit_bias", token, 0)
            _number(f"logit_bias[{token}]", bias, -1000.0, 1000.0)
        for text in self.stop:
            if not isinstance(text, str) or not text:
                raise BadInput(
                    "stop", repr(text), "texts that are not empty", "Leave it out to stop at the model's end."
                )
        if self.temperature is None:
            asked = self.top_k or self.top_p or self.min_p or self.typical_p
            samples = self.do_sample or (self.do_sample is None and asked)
            object.__setattr__(self, "temperature", 1.0 if samples else 0.0)
        if self.do_sample is None:
            object.__setattr__(self, "do_sample", bool(self.temperature))

    @classmethod
    def greedy(cls, **fields: Any) -> GenerationConfig:
        """Always the likeliest token."""
        return cls(do_sample=False, temperature=0.0, **fields)

    @classmethod
    def sampling(cls, temperature: float = 1.0, **fields: Any) -> GenerationConfig:
        """Every token in proportion to its probability at this temperature."""
        return cls(temperature=temperature, **fields)

    @classmethod
    def top_k_sampling(cls, k: int, temperature: float = 1.0, **fields: Any) -> GenerationConfig:
        """Sample among the ``k`` likeliest tokens."""
        return cls(top_k=k, temperature=temperature, **fields)

    @classmethod
    def nucleus_sampling(cls, p: float, temperature: float = 1.0, **fields: Any) -> GenerationConfig:
        """Sample among the likeliest tokens that together reach probability ``p``."""
        return cls(top_p=p, temperature=temperature, **fields)

    @property
    def is_greedy(self) -> bool:
        return not self.do_sample or not self.temperature

    def budget(self, prompt_tokens: int, context: int) -> int:
        """How many new tokens fit: the request's own bounds and the model's ``context``. Raises BadInput when the
        prompt alone fills one of them."""
        if prompt_tokens >= context:
            raise TooLong(
                "prompt",
                f"{prompt_tokens:,} tokens",
                f"at most {context - 1:,} tokens for this model",
                "Shorten the prompt, or ask about a part of it.",
            )
        room = context - prompt_tokens
        if self.max_length is not None:
            if prompt_tokens >= self.max_length:
                raise BadInput(
                    "max_length",
                    f"{self.max_length} with a prompt of {prompt_tokens} tokens",
                    "more than the prompt, which it includes",
                    "Raise it, or give max_tokens, which counts new tokens only.",
                )
            room = min(room, self.max_length - prompt_tokens)
        if self.max_tokens is not None or self.max_length is None:
            room = min(room, self.max_tokens or DEFAULT_MAX_TOKENS)
        return room

    def least(self, prompt_tokens: int) -> int:
        """How many new tokens must come before the model may end."""
        return max(self.min_tokens, (self.min_length or 0) - prompt_tokens)

    def end_tokens(self, of_model: Sequence[int]) -> frozenset[int]:
        """The ids that end the text."""
        if self.ignore_eos:
            return frozenset()
        if self.eos_token_id is None:
            return frozenset(of_model)
        return frozenset([self.eos_token_id] if isinstance(self.eos_token_id, int) else self.eos_token_id)


def _whole(field: str, value: Any, low: int, high: int | None = None) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
        allowed = f"a whole number of at least {low}" + (f" and at most {high}" if high is not None else "")
        raise BadInput(field, repr(value), allowed, "Leave it out for the default.")


def _number(field: str, value: Any, low: float, high: float, *, open_low: bool = False) -> None:
    if value is None:
        return
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not low <= value <= high or (open_low and value == low):
        allowed = f"a number {'above' if open_low else 'from'} {low:g} {'up ' * open_low}to {high:g}"
        raise BadInput(field, repr(value), allowed, "Leave it out for the default.")
