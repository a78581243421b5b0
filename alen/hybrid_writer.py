"""HybridWriter: a language model that writes together with a decoder of thoughts and with what memory recalls.

Axes: T tokens, K mixed (the language model, the decoder, memory), N known thoughts, D dimension.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alen.errors import BadInput
from alen.generation import mixture
from alen.generation.config import GenerationConfig
from alen.generation.hybrid import Mixer, RecalledTexts, Source, ThoughtSource, told_apart
from alen.generation.latent_decoder import FittedDecoder, digest_of
from alen.generation.mixture import Mixture
from alen.language_model import LargeLanguageModel
from alen.thought import ThoughtState
from alen.types import CancelToken, Completion, Messages

NAMES = ("latent", "memory")

Recalled = Sequence[tuple[str, float]]
"""Texts, each with how much it counts: the scores of a recall."""


@dataclass(frozen=True, slots=True)
class Held:
    """A text that shares are fitted to: what it follows, the thought it answers, what memory recalls for that."""

    messages: Messages
    thought: ThoughtState
    text: str
    answers: Recalled = ()
    passages: Recalled = ()


class HybridWriter:
    """``known_ND`` are the vectors of what the decoder was taught: how far a thought is from the nearest of them says
    whether the ``mixture`` is used or the language model writes alone. Without one it does until ``fit``. Where memory
    is not asked the shares are those of ``without_memory``."""

    def __init__(
        self,
        model: LargeLanguageModel,
        decoder: FittedDecoder,
        known_ND: np.ndarray,
        mixture: Mixture | None = None,
        without_memory: Mixture | None = None,
    ) -> None:
        if decoder.tokenizer_digest != digest_of(model.tokenizer):
            raise BadInput("decoder", "one of another tokenizer", f"that of {model.name}", "Fit it with that one.")
        if known_ND.ndim != 2 or not len(known_ND) or known_ND.shape[1] != decoder.model.condition_dim:
            allowed = f"(N, {decoder.model.condition_dim}), at least one row"
            raise BadInput("known", f"vectors of shape {known_ND.shape}", allowed, "Give those that were taught.")
        self.model, self.decoder, self.known_ND = model, decoder, known_ND
        self.mixture = mixture or Mixture(NAMES, (1.0, 0.0, 0.0), 0.0)
        self.without_memory = without_memory or Mixture(NAMES[:1], (1.0, 0.0), 0.0)

    def fit(self, texts: Sequence[Held]) -> Mixture:
        """Shares and gate from held-out texts, some of what was taught and some of other things: as much of the decoder
        and of memory as makes them likelier, nothing where that is not sure. Raises BadInput for too few."""
        return self.fit_told([self.told(held) for held in texts], [self.unfamiliarity(held.thought) for held in texts])

    def fit_told(self, told: Sequence[np.ndarray], unfamiliarities: Sequence[float]) -> Mixture:
        """The same from what ``told`` gave for each text."""
        self.mixture = mixture.fit(NAMES, told, unfamiliarities)
        self.without_memory = mixture.fit(NAMES[:1], [told_TK[:, :2] for told_TK in told], unfamiliarities)
        return self.mixture

    def unfamiliarity(self, thought: ThoughtState) -> float:
        """Of a thought beside the nearest that was taught, 0..2."""
        return thought.unfamiliarity(self.known_ND, neighbours=1)

    def chat(
        self,
        messages: Messages,
        thought: ThoughtState,
        config: GenerationConfig | None = None,
        *,
        answers: Recalled = (),
        passages: Recalled = (),
        cancel: CancelToken | None = None,
        **fields: Any,
    ) -> Completion:
        """The next turn of a conversation about ``thought``, with the mixed log-probabilities of its tokens."""
        shares = self.shares(thought, memory=bool(answers or passages))
        mixer = Mixer(shares, self._sources(thought, answers, passages)) if any(shares[1:]) else None
        return self.model.chat(messages, config, cancel=cancel, mixer=mixer, **fields)

    def score(self, held: Held) -> tuple[float, int]:
        """The natural log of the mixed probability of a text, and its tokens."""
        told_TK = self.told(held)
        shares = self.shares(held.thought, memory=bool(held.answers or held.passages))
        return mixture.likelihood(told_TK, np.array(shares)), len(told_TK)

    def shares(self, thought: ThoughtState, *, memory: bool = True) -> tuple[float, ...]:
        """Of the language model, the decoder and memory at this thought."""
        unfamiliarity = self.unfamiliarity(thought)
        return self.mixture.at(unfamiliarity) if memory else (*self.without_memory.at(unfamiliarity), 0.0)

    def told(self, held: Held) -> np.ndarray:
        """float64 (T, K): what each would have given each token of a text, natural log."""
        prompt = self.model.tokenizer.encode(self.model.chat_prompt(held.messages))
        [logged_T] = self.model.token_scores(prompt, [held.text])
        tokens = self.model.tokenizer.encode(held.text)
        sources = self._sources(held.thought, held.answers, held.passages)
        return told_apart(logged_T, sources, tokens, self.model.config.vocab_size)

    def _sources(self, thought: ThoughtState, answers: Recalled, passages: Recalled) -> list[Source]:
        encode = self.model.tokenizer.encode
        recalled = RecalledTexts(
            [(encode(text), weight) for text, weight in answers],
            [(encode(text), weight) for text, weight in passages],
            end=self.model.tokenizer.eos_id,
        )
        return [ThoughtSource(self.decoder, thought), recalled]
