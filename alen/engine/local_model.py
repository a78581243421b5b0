"""A model of this machine as the core sees it: replies to a conversation, and how likely a reply is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alen.generation.config import GenerationConfig
from alen.generation.stopping import StopScanner
from alen.generation.ticket import Step, Ticket
from alen.types import CancelToken, Completion, Messages

if TYPE_CHECKING:
    from alen.language_model import LargeLanguageModel


class LocalModel:
    """Generator and Scorer over a ``LargeLanguageModel``. Safe to use from many threads."""

    def __init__(self, model: LargeLanguageModel) -> None:
        self.model = model
        self.name = model.name
        self.family = model.name.split("-")[0]
        self.fingerprint = model.fingerprint

    @classmethod
    def load(cls, name_or_path: str | Path, home: Path | None = None) -> LocalModel:
        """Raises what ``LargeLanguageModel.from_pretrained`` raises."""
        from alen.language_model import LargeLanguageModel

        return cls(LargeLanguageModel.from_pretrained(name_or_path, home=home))

    def generate(
        self,
        messages: Messages,
        *,
        max_tokens: int,
        temperature: float = 0.0,
        n: int = 1,
        seed: int = 0,
        stop: Sequence[str] = (),
        cancel: CancelToken | None = None,
    ) -> list[Completion]:
        """``n`` replies; with temperature 0 one is written and repeated. Raises BadInput when the conversation is too
        long."""
        config = GenerationConfig(max_tokens=max_tokens, temperature=temperature, seed=seed)
        prompt = self._prompt(messages)
        count = n if temperature > 0 else min(n, 1)
        texts = [_Text(self.model.tokenizer.detokenizer(), StopScanner(stop)) for _ in range(count)]
        tickets = self.model.batch.submit(
            prompt,
            config,
            count=count,
            end_tokens=self.model.tokenizer.eos_ids,
            cancel=cancel,
            watches=[text.feed for text in texts],
            detailed=True,
        )
        made = [text.completion(ticket) for text, ticket in zip(texts, tickets, strict=True)]
        return made if temperature > 0 else made * n

    def score(
        self, messages: Messages, replies: Sequence[str], *, cancel: CancelToken | None = None
    ) -> list[tuple[float, ...]]:
        """The log-probability of each token of each reply. Raises BadInput for an empty reply, Cancelled."""
        return self.model.token_scores(self._prompt(messages), replies, cancel=cancel)

    def _prompt(self, messages: Messages) -> list[int]:
        return self.model.tokenizer.encode(self.model.chat_prompt(messages))


class _Text:
    """What one reply says so far."""

    def __init__(self, detokenizer: object, scanner: StopScanner) -> None:
        self._detokenizer: Any = detokenizer
        self._scanner = scanner
        self._pieces: list[str] = []

    def feed(self, step: Step) -> bool:
        """Whether a stop string is complete."""
        self._pieces.append(self._scanner.feed(self._detokenizer.feed(step.token)))
        return self._scanner.stopped

    def completion(self, ticket: Ticket) -> Completion:
        """Waits for the text."""
        steps = list(ticket)
        rest = self._scanner.feed(self._detokenizer.finish()) + self._scanner.finish()
        return Completion(
            text="".join([*self._pieces, rest]),
            tokens=len(steps),
            prompt_tokens=len(ticket.prompt),
            finish_reason=ticket.reason,
            logprobs=tuple(step.logprob for step in steps),
            margins=tuple(step.margin or 0.0 for step in steps),
            entropies=tuple(step.entropy or 0.0 for step in steps),
            token_ids=tuple(step.token for step in steps),
        )
