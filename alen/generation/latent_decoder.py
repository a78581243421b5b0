"""Thoughts in, texts out: what a fitted decoder writes, how likely it holds a text, and what it would write next.

Axes: B batch, N thoughts, T tokens, C thought, D model, S slots of the vocabulary, V tokens of the tokenizer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from alen.errors import BadInput
from alen.neural.cache import KVCache
from alen.neural.conditioned import ConditionedTransformer
from alen.text.compact_vocabulary import END, OTHER, CompactVocabulary
from alen.text.tokenizer import Tokenizer
from alen.thought import ThoughtState

_NEVER = float("-inf")


class FittedDecoder:
    """A model, the words that it was taught, and the ``space`` of the thoughts that it reads. It changes no more, so
    many threads may use it. ``about`` is what is kept with it: JSON, and nothing that it depends on."""

    def __init__(
        self,
        model: ConditionedTransformer,
        vocabulary: CompactVocabulary,
        tokenizer: Tokenizer,
        space: str,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        if model.config.vocab_size != len(vocabulary):
            found = f"{len(vocabulary)} slots for a model of {model.config.vocab_size}"
            raise BadInput("vocabulary", found, "as many slots as the model has", "Give the one it was made with.")
        self.model = model.eval().requires_grad_(False)
        self.vocabulary, self.tokenizer, self.space = vocabulary, tokenizer, space
        self.about = dict(about or {})

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.model.parameters())

    @cached_property
    def tokenizer_digest(self) -> str:
        return digest_of(self.tokenizer)

    @torch.inference_mode()
    def write(
        self, thoughts: Sequence[ThoughtState], max_tokens: int = 64, temperature: float = 0.0, seed: int | None = None
    ) -> list[str]:
        """A text for each thought, the likeliest words with temperature 0. Raises BadInput."""
        _at_least("max_tokens", max_tokens, 1)
        if not 0.0 <= temperature <= 100.0:
            raise BadInput("temperature", f"{temperature:g}", "0 to 100", "0 takes the likeliest words.")
        if not thoughts:
            return []
        chance = torch.Generator()
        chance.manual_seed(seed) if seed is not None else chance.seed()
        model, count = self.model, len(thoughts)
        most = min(max_tokens, model.room)
        cache = KVCache.allocate(model.config, count, model.prefix + most, torch.float32)
        hidden_BD = model.hidden(self._vectors(thoughts), torch.empty(count, 0, dtype=torch.long), cache=cache)[:, -1]
        written: list[list[int]] = [[] for _ in thoughts]
        is_over = [False] * count
        for place in range(most):
            logits_BS = model.decoder.logits(hidden_BD)
            logits_BS[:, OTHER] = _NEVER  # no single word
            chosen_B = _chosen(logits_BS, temperature, chance)
            for row, slot in enumerate(chosen_B.tolist()):
                is_over[row] |= slot == END
                if not is_over[row]:
                    written[row].append(self.vocabulary.token(slot))
            if all(is_over) or place + 1 == most:
                break
            hidden_BD = model.decoder.hidden(chosen_B[:, None], cache=cache)[:, -1]
        return [self.tokenizer.decode(tokens) for tokens in written]

    @torch.inference_mode()
    def next(self, thought: ThoughtState, written: Sequence[int], size: int | None = None) -> Tensor:
        """The natural log of the probability of each token (V,) after ``written`` tokens. The end is the tokenizer's
        first end token; what is listed nowhere shares the chance of the others. ``size`` is V, the tokenizer's when not
        given: models may have more rows than their tokenizer has tokens."""
        slots_BT = torch.tensor([self.vocabulary.slots(written[-self.model.room :])], dtype=torch.long)
        hidden_BTD = self.model.hidden(self._vectors([thought]), slots_BT)
        logits_S = self.model.decoder.logits(hidden_BTD[0, -1])
        return self._spread(logits_S.log_softmax(-1), size or self.tokenizer.vocab_size)

    @torch.inference_mode()
    def token_scores(self, thought: ThoughtState, tokens: Sequence[int]) -> tuple[float, ...]:
        """The natural log of the probability of each token, all read at once. Raises BadInput for too many."""
        if len(tokens) > self.model.room:
            raise BadInput("text", f"{len(tokens)} tokens", f"at most {self.model.room} tokens", "Shorten it.")
        slots = self.vocabulary.slots(tokens)
        hidden_BTD = self.model.hidden(self._vectors([thought]), torch.tensor([slots[:-1]], dtype=torch.long))
        logged_TS = self.model.decoder.logits(hidden_BTD[0]).log_softmax(-1)
        ends, others = set(self.tokenizer.eos_ids[:1]), self._others(self.tokenizer.vocab_size)
        found = []
        for place, (token, slot) in enumerate(zip(tokens, slots, strict=True)):
            if token in ends:
                slot = END
            logged = float(logged_TS[place, slot])
            found.append(logged - torch.tensor(max(others, 1)).log().item() if slot == OTHER else logged)
        return tuple(found)

    def score(self, thought: ThoughtState, text: str) -> tuple[float, int]:
        """The natural log of the probability that a text of this thought begins so, and its number of tokens."""
        tokens = self.tokenizer.encode(text)
        if not tokens:
            raise BadInput("text", repr(text), "a text that is not empty", "Write at least one character.")
        return sum(self.token_scores(thought, tokens)), len(tokens)

    def check(self, thoughts: Sequence[ThoughtState]) -> None:
        """Raises BadInput for a thought that was made by something else than those it was taught."""
        for thought in thoughts:
            if thought.space != self.space or thought.dim != self.model.condition_dim:
                raise BadInput(
                    "thought",
                    f"space {thought.space} of {thought.dim} dimensions",
                    f"space {self.space} of {self.model.condition_dim} dimensions",
                    "Make it with the encoder that made those it was taught.",
                )

    def _vectors(self, thoughts: Sequence[ThoughtState]) -> Tensor:
        self.check(thoughts)
        return torch.stack([torch.from_numpy(thought.vector).float() for thought in thoughts])

    def _others(self, size: int) -> int:
        """Tokens without a slot of their own."""
        return size - len(self.vocabulary.tokens) - len(self.tokenizer.eos_ids[:1])

    def _spread(self, logged_S: Tensor, size: int) -> Tensor:
        others = self._others(size)
        share = float(logged_S[OTHER]) - torch.tensor(max(others, 1)).log().item()
        logged_V = logged_S.new_full((size,), share)
        logged_V[list(self.vocabulary.tokens)] = logged_S[OTHER + 1 :]
        for end in self.tokenizer.eos_ids[:1]:
            logged_V[end] = logged_S[END]
        return logged_V


def digest_of(tokenizer: Tokenizer) -> str:
    """SHA-256 of all that a tokenizer is: equal ones give equal ids."""
    return hashlib.sha256(tokenizer.to_json().encode()).hexdigest()


def _chosen(logits_BS: Tensor, temperature: float, chance: torch.Generator) -> Tensor:
    if temperature == 0.0:
        return logits_BS.argmax(-1)
    return torch.multinomial((logits_BS / temperature).softmax(-1), 1, generator=chance)[:, 0]


def _at_least(field: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise BadInput(field, repr(value), f"a whole number of at least {least}", "For example 64.")
