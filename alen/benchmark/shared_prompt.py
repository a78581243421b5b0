"""Many looks at one question, its prompt read once: the likely reply, samples, and how likely a text is.

Questions of a set begin alike, with the same examples: what two prompts share is not read again.

Axes: T tokens, V vocabulary, K likeliest tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from alen.generation.config import GenerationConfig
from alen.generation.several import Draft, continue_several
from alen.generation.stopping import StopScanner
from alen.language_model import LargeLanguageModel
from alen.neural.cache import KVCache
from alen.types import Messages

ROOM = 128
"""Tokens by which a prompt may outgrow the one before it without making a new cache."""
TOP = 15
"""Log-probabilities kept of each token's rivals: as many as uqlm asks a model for."""


@dataclass(frozen=True, slots=True)
class Reply:
    """``tokens`` and what goes with each hold an end mark too when there is one: an empty reply has a probability as
    well. ``text`` does not."""

    text: str
    tokens: list[int]
    logprobs: list[float]
    margins: list[float]
    entropies: list[float]
    finish: str


@dataclass(frozen=True, slots=True)
class Distribution:
    """What is kept of the distribution over the vocabulary at each token of a reply.

    ``top`` are the likeliest tokens' log-probabilities, falling; ``mean_logprob`` is the mean over the vocabulary, and
    ``root_sum`` the sum of the square roots of the probabilities at temperature 2: all that the divergences from the
    uniform distribution of Kang et al., 2025 and Darrin et al., 2023 depend on."""

    top: list[list[float]]
    mean_logprob: list[float]
    root_sum: list[float]


class SharedPrompt:
    """One prompt at a time; ``read`` begins the next. Not for several threads."""

    def __init__(self, model: LargeLanguageModel) -> None:
        self._model = model
        self._tokenizer = model.tokenizer
        self._ids: list[int] = []
        self._cache: KVCache | None = None
        self._logits_V = torch.empty(0)
        self._is_text = False
        self._known: dict[tuple[int, ...], Tensor] = {}
        self.forwarded = 0
        """Tokens read or written so far, by all looks together."""

    @property
    def length(self) -> int:
        """Tokens of the prompt."""
        return len(self._ids)

    @torch.inference_mode()
    def read(self, prompt: str | Messages) -> None:
        """A text to be continued up to the end of its line, or a conversation to be answered. Raises BadInput when it
        leaves no room for a reply."""
        self._is_text, self._known = isinstance(prompt, str), {}
        ids = self._tokenizer.encode(prompt if isinstance(prompt, str) else self._model.chat_prompt(prompt))
        GenerationConfig(max_tokens=1).budget(len(ids), self._model.context)
        # The last token is read anew, for its logits.
        shared = min(_shared(self._ids, ids), len(ids) - 1)
        if self._cache is None or self._cache.capacity < len(ids):
            dtype = self._model.model.embedding.weight.dtype
            self._cache = KVCache.allocate(self._model.model.config, 1, len(ids) + ROOM, dtype)
            shared = 0
        self._cache.truncate(shared)
        self.forwarded += len(ids) - shared
        with self._model.lock:
            tokens_BT = torch.tensor([ids[shared:]])
            self._logits_V = self._model.model(tokens_BT, cache=self._cache, last_only=True)[0, -1].float()
        self._ids = ids

    def write(
        self, count: int, *, max_tokens: int, temperature: float, seed: int, stop: Sequence[str] = ()
    ) -> list[Reply]:
        """``count`` replies after the prompt."""
        assert self._cache is not None
        config = GenerationConfig(max_tokens=max_tokens, temperature=temperature, seed=seed, eos_token_id=())
        texts = [_Text(self._model, stop) for _ in range(count)]
        drafts = continue_several(
            self._model.model,
            self._cache.prefix(len(self._ids) + max_tokens),
            self._logits_V,
            count,
            config,
            budget=max_tokens,
            is_over=lambda text, token: texts[text].feed(token),
            lock=self._model.lock,
        )
        self.forwarded += sum(len(draft.tokens) for draft in drafts)
        return [text.reply(draft) for text, draft in zip(texts, drafts, strict=True)]

    @torch.inference_mode()
    def distribution(self, tokens: Sequence[int]) -> Distribution:
        """The distributions from which the tokens of a reply were chosen."""
        rows_TV = self._rows([list(tokens)])[0]
        return Distribution(
            top=[_rounded(row_V.topk(min(TOP, len(row_V))).values) for row_V in rows_TV],
            mean_logprob=_rounded(rows_TV.mean(-1)),
            root_sum=_rounded((rows_TV / 2).softmax(-1).sqrt().sum(-1)),
        )

    @torch.inference_mode()
    def given(self, texts: Sequence[str]) -> list[Reply]:
        """Texts as if the model had written them, each with what would have ended it."""
        replies = [self._ended(text) for text in texts]
        rows = self._rows(replies)
        return [_given(*each) for each in zip(texts, replies, rows, strict=True)]

    @torch.inference_mode()
    def next_token(self, text: str) -> float:
        """The natural log of the probability that the reply begins with the first token of a text."""
        return round(float(self._logits_V.log_softmax(-1)[self._tokenizer.encode(text)[0]]), 5)

    def _ended(self, text: str) -> list[int]:
        if self._is_text:
            return [*self._tokenizer.encode(f" {text.strip()}"), *self._tokenizer.encode("\n")[:1]]
        return [*self._tokenizer.encode(text.strip()), *self._tokenizer.eos_ids[:1]]

    def _rows(self, replies: Sequence[list[int]]) -> list[Tensor]:
        """Of each reply the log-probabilities (T, V) before each of its tokens. Shorter ones are padded at their end,
        where nothing looks at them."""
        assert self._cache is not None
        if all(tuple(tokens) in self._known for tokens in replies):
            return [self._known[tuple(tokens)] for tokens in replies]
        longest = max(map(len, replies)) - 1
        first_1V = self._logits_V.log_softmax(-1)[None]
        if not longest:
            return [first_1V for _ in replies]
        cache = self._cache.prefix(len(self._ids) + longest).rows(torch.zeros(len(replies), dtype=torch.long))
        padded = [[*tokens[:-1], *[0] * (longest + 1 - len(tokens))] for tokens in replies]
        self.forwarded += sum(len(tokens) - 1 for tokens in replies)
        with self._model.lock:
            states_BTD = self._model.model.hidden(torch.tensor(padded), cache=cache)
            self._known = {
                tuple(tokens): torch.cat([first_1V, *(self._told(states_TD[t]) for t in range(len(tokens) - 1))])
                for tokens, states_TD in zip(replies, states_BTD, strict=True)
            }
        return [self._known[tuple(tokens)] for tokens in replies]

    def _told(self, state_D: Tensor) -> Tensor:
        # One row at a time: many rows may be multiplied in bfloat16, too coarse for differences of logits.
        return self._model.model.logits(state_D[None, None])[0].float().log_softmax(-1)


class _Text:
    """What one reply says so far."""

    def __init__(self, model: LargeLanguageModel, stop: Sequence[str]) -> None:
        self._ends = set(model.tokenizer.eos_ids)
        self._detokenizer = model.tokenizer.detokenizer()
        self._scanner = StopScanner(stop)
        self._pieces: list[str] = []

    def feed(self, token: int) -> bool:
        if token in self._ends:
            return True
        self._pieces.append(self._scanner.feed(self._detokenizer.feed(token)))
        return self._scanner.stopped

    def reply(self, draft: Draft) -> Reply:
        rest = self._scanner.feed(self._detokenizer.finish()) + self._scanner.finish()
        return Reply(
            text="".join([*self._pieces, rest]).strip(),
            tokens=draft.tokens,
            logprobs=_rounded(draft.logprobs),
            margins=_rounded(draft.margins),
            entropies=_rounded(draft.entropies),
            finish=draft.finish_reason,
        )


def _given(text: str, tokens: list[int], rows_TV: Tensor) -> Reply:
    best_T2 = rows_TV.topk(2).values
    return Reply(
        text=text.strip(),
        tokens=tokens,
        logprobs=_rounded(rows_TV.gather(1, torch.tensor(tokens)[:, None])[:, 0]),
        margins=_rounded(best_T2[:, 0] - best_T2[:, 1]),
        entropies=_rounded(-(rows_TV.exp() * rows_TV).nan_to_num().sum(-1)),
        finish="given",
    )


def _shared(first: Sequence[int], second: Sequence[int]) -> int:
    return next(
        (place for place, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )


def _rounded(values: Tensor | Sequence[float]) -> list[float]:
    return [round(float(value), 5) for value in values]
