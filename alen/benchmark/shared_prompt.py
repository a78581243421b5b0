"""Many looks at one question, its prompt read once: the likely reply, samples, and how likely a text is.

Questions of a set begin alike, with the same examples: what two prompts share is not read again.

Axes: T tokens, V vocabulary, K likeliest tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from alen.generation.config import GenerationConfig
from alen.generation.stepper import PIECE, Stepper
from alen.generation.stopping import StopScanner
from alen.generation.ticket import Step, Ticket
from alen.language_model import LargeLanguageModel
from alen.neural.paging import Feed
from alen.types import Messages

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
        self._text: Any = None
        self._logits_V = torch.empty(0)
        self._is_text = False
        self._known: dict[tuple[int, ...], Tensor] = {}
        self.forwarded = 0
        """Tokens read or written so far, by all looks together; that the last of a prompt is read again for what is
        written after it does not count."""

    @property
    def length(self) -> int:
        """Tokens of the prompt."""
        return len(self._ids)

    def read(self, prompt: str | Messages) -> None:
        """A text to be continued up to the end of its line, or a conversation to be answered. Raises BadInput when it
        leaves no room for a reply."""
        self._is_text, self._known = isinstance(prompt, str), {}
        ids = self._tokenizer.encode(prompt if isinstance(prompt, str) else self._model.chat_prompt(prompt))
        GenerationConfig(max_tokens=1).budget(len(ids), self._model.context)
        self._model.batch.between(lambda stepper: self._read(stepper, ids))
        self._ids = ids

    def write(
        self, count: int, *, max_tokens: int, temperature: float, seed: int, stop: Sequence[str] = ()
    ) -> list[Reply]:
        """``count`` replies after the prompt."""
        config = GenerationConfig(max_tokens=max_tokens, temperature=temperature, seed=seed, ignore_eos=True)
        texts = [_Text(self._model, stop) for _ in range(count)]
        tickets = self._model.batch.submit(
            self._ids, config, count=count, watches=[text.feed for text in texts], detailed=True, begun=self._text
        )
        replies = [text.reply(list(ticket), ticket) for text, ticket in zip(texts, tickets, strict=True)]
        self.forwarded += sum(len(reply.tokens) for reply in replies)
        return replies

    def distribution(self, tokens: Sequence[int]) -> Distribution:
        """The distributions from which the tokens of a reply were chosen."""
        rows_TV = self._rows([list(tokens)])[0]
        return Distribution(
            top=[_rounded(row_V.topk(min(TOP, len(row_V))).values) for row_V in rows_TV],
            mean_logprob=_rounded(rows_TV.mean(-1)),
            root_sum=_rounded((rows_TV / 2).softmax(-1).sqrt().sum(-1)),
        )

    def given(self, texts: Sequence[str]) -> list[Reply]:
        """Texts as if the model had written them, each with what would have ended it."""
        replies = [self._ended(text) for text in texts]
        rows = self._rows(replies)
        return [_given(*each) for each in zip(texts, replies, rows, strict=True)]

    def next_token(self, text: str) -> float:
        """The natural log of the probability that the reply begins with the first token of a text."""
        return round(float(self._logits_V.log_softmax(-1)[self._tokenizer.encode(text)[0]]), 5)

    def _ended(self, text: str) -> list[int]:
        if self._is_text:
            return [*self._tokenizer.encode(f" {text.strip()}"), *self._tokenizer.encode("\n")[:1]]
        return [*self._tokenizer.encode(text.strip()), *self._tokenizer.eos_ids[:1]]

    def _read(self, stepper: Stepper, ids: list[int]) -> None:
        if self._text is None:
            self._text = stepper.begin(ids)
        # The last token is read anew, for its logits.
        stepper.truncate(self._text, min(_shared(self._ids, ids), len(ids) - 1))
        self.forwarded += len(ids) - self._text.length
        while self._text.length < len(ids):
            start = self._text.length
            piece = ids[start : start + PIECE]
            stepped = stepper.step([Feed(self._text, piece, int(start + len(piece) == len(ids)))], wide=True)
        stepper.keep(ids, self._text)
        self._logits_V = stepped.logits[0].clone()

    def _rows(self, replies: Sequence[list[int]]) -> list[Tensor]:
        """Of each reply the log-probabilities (T, V) before each of its tokens."""
        self._model.batch.between(
            lambda stepper: self._known.update(
                {
                    tuple(tokens): self._followed(stepper, tokens)
                    for tokens in replies
                    if tuple(tokens) not in self._known
                }
            )
        )
        return [self._known[tuple(tokens)] for tokens in replies]

    def _followed(self, stepper: Stepper, tokens: list[int]) -> Tensor:
        rows = [self._logits_V[None]]
        if len(tokens) > 1:
            fork = stepper.fork(self._text)
            rows.append(stepper.step([Feed(fork, tokens[:-1], len(tokens) - 1)]).logits)
            stepper.end(fork)
            self.forwarded += len(tokens) - 1
        return torch.cat(rows).log_softmax(-1)


class _Text:
    """What one reply says so far."""

    def __init__(self, model: LargeLanguageModel, stop: Sequence[str]) -> None:
        self._ends = set(model.tokenizer.eos_ids)
        self._detokenizer = model.tokenizer.detokenizer()
        self._scanner = StopScanner(stop)
        self._pieces: list[str] = []

    def feed(self, step: Step) -> bool:
        if step.token in self._ends:
            return True
        self._pieces.append(self._scanner.feed(self._detokenizer.feed(step.token)))
        return self._scanner.stopped

    def reply(self, steps: Sequence[Step], ticket: Ticket) -> Reply:
        rest = self._scanner.feed(self._detokenizer.finish()) + self._scanner.finish()
        return Reply(
            text="".join([*self._pieces, rest]).strip(),
            tokens=[step.token for step in steps],
            logprobs=_rounded([step.logprob for step in steps]),
            margins=_rounded([step.margin or 0.0 for step in steps]),
            entropies=_rounded([step.entropy or 0.0 for step in steps]),
            finish=ticket.reason,
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
