"""LatentDecoder: learns to say what belongs to a thought. What it was taught is in its weights, and nowhere else.

Axes: N thoughts, C thought.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from alen import models, paths
from alen.errors import BadInput
from alen.generation import decoder_folder
from alen.generation.latent_decoder import FittedDecoder
from alen.learning.latent_training import LatentRecipe, train
from alen.neural.conditioned import ConditionedTransformer
from alen.neural.config import TransformerConfig
from alen.neural.weights.gguf import read_metadata
from alen.text.compact_vocabulary import END, OTHER, CompactVocabulary
from alen.text.tokenizer import Tokenizer
from alen.thought import ThoughtState

PREFIX = 4
LAYERS = 2
CONTEXT = 256
"""Tokens of prefix and text together."""

_HEADS = 4
_DEFAULT_MODEL = "smollm2-135m-instruct"

Pairs = tuple[Sequence[ThoughtState], Sequence[str]]


@dataclass(frozen=True, slots=True)
class FitReport:
    """``recalled`` is the share of texts that are written word for word at their thoughts, ``held_out`` that of the
    validation, None without one. ``loss`` is in nats a token."""

    texts: int
    words: int
    parameters: int
    steps: int
    loss: float
    seconds: float
    recalled: float
    held_out: float | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class LatentDecoder:
    """Decodes a ``ThoughtState`` of ``thought_dim`` numbers into text by a causal transformer of width ``hidden_dim``,
    in the tokens of ``tokenizer``: that of the default language model when not given. Before ``fit`` it knows no word:
    it writes the empty text, and can score nothing."""

    def __init__(self, thought_dim: int = 256, hidden_dim: int = 64, *, tokenizer: Tokenizer | None = None) -> None:
        if thought_dim < 1:
            raise BadInput("thought_dim", str(thought_dim), "a whole number of at least 1", "384 with the encoder.")
        if hidden_dim < 1 or hidden_dim % (2 * _HEADS):
            raise BadInput("hidden_dim", str(hidden_dim), f"a multiple of {2 * _HEADS}", "For example 64.")
        self.thought_dim, self.hidden_dim = thought_dim, hidden_dim
        self._tokenizer = tokenizer
        self._fitted: FittedDecoder | None = None

    @property
    def fitted(self) -> FittedDecoder:
        """What ``fit`` or ``load`` made. Raises BadInput before."""
        if self._fitted is None:
            raise BadInput("decoder", "one that was taught nothing", "one that was fitted or loaded", "Call fit first.")
        return self._fitted

    def fit(
        self,
        thoughts: Sequence[ThoughtState],
        texts: Sequence[str],
        *,
        validation: Pairs | None = None,
        steps: int | None = None,
        minutes: float | None = None,
        seed: int = 0,
        recipe: LatentRecipe | None = None,
        progress: Callable[[str, int, int], None] | None = None,
        about: dict[str, Any] | None = None,
    ) -> FitReport:
        """Forget what was learned before, and learn to write each text at its thought and near it. A text may stand
        several times, at thoughts that put the same in other words. ``validation`` are thoughts with their texts that
        are not trained on. ``recipe`` says all that ``steps`` and ``seed`` do not; ``about`` is kept in the folder.

        The same input, seed and number of threads give the same weights, unless ``minutes`` cut the run short. Raises
        BadInput for thoughts of another dimension or of several spaces, and for texts that are empty or too long."""
        space = self._checked(thoughts, texts)
        tokenizer = self._tokenizer or tokenizer_of()
        rows = [tokenizer.encode(text) for text in texts]
        vocabulary = CompactVocabulary.of_texts(rows, tokenizer.eos_ids)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = ConditionedTransformer(_config(len(vocabulary), self.hidden_dim), self.thought_dim, PREFIX)
        chosen = recipe or LatentRecipe(steps=steps_for(len(texts)))
        given = {"seed": seed} | ({} if steps is None else {"steps": steps})
        trained = train(
            model,
            _stacked(thoughts),
            [vocabulary.slots(row) for row in rows],
            LatentRecipe(**(chosen.model_dump() | given)),
            end=END,
            hidden_token=OTHER,
            minutes=minutes,
            report=progress,
        )
        fitted = FittedDecoder(model, vocabulary, tokenizer, space, about)
        held_out = None if validation is None else recalled(fitted, *validation)
        self._fitted, self._tokenizer = fitted, tokenizer
        return FitReport(
            texts=len(set(texts)),
            words=len(vocabulary.tokens),
            parameters=fitted.parameters,
            steps=trained.steps,
            loss=trained.loss,
            seconds=trained.seconds,
            recalled=recalled(fitted, thoughts, texts),
            held_out=held_out,
        )

    def generate(
        self, thought: ThoughtState, max_tokens: int = 64, temperature: float = 0.0, *, seed: int | None = None
    ) -> str:
        """What it says at a thought; the empty text before ``fit``. Raises BadInput for a thought of another kind."""
        if self._fitted is None:
            self._same_length([thought])
            return ""
        return self._fitted.write([thought], max_tokens, temperature, seed)[0]

    def score(self, thought: ThoughtState, text: str) -> tuple[float, int]:
        """The natural log of the probability that what it says begins with ``text``, and the tokens of that."""
        return self.fitted.score(thought, text)

    def next(self, thought: ThoughtState, prefix_ids: Sequence[int] = ()) -> Tensor:
        """The natural log of the probability of each of the tokenizer's tokens after ``prefix_ids``."""
        return self.fitted.next(thought, prefix_ids)

    def save(self, folder: str | Path) -> str:
        """Write weights, tokenizer and a manifest with their hashes; the digest of that. Raises BadInput before ``fit``
        and for a folder that holds something else."""
        return decoder_folder.save(self.fitted, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> LatentDecoder:
        """Raises CorruptWeights."""
        fitted = decoder_folder.load(Path(folder))
        made = cls(fitted.model.condition_dim, fitted.model.config.d_model, tokenizer=fitted.tokenizer)
        made._fitted = fitted
        return made

    def _checked(self, thoughts: Sequence[ThoughtState], texts: Sequence[str]) -> str:
        """The one space of all thoughts."""
        if not thoughts or len(thoughts) != len(texts):
            found = f"{len(thoughts)} thoughts, {len(texts)} texts"
            raise BadInput("texts", found, "one text for each thought, at least one", "Give both, in one order.")
        self._same_length(thoughts)
        spaces = {thought.space for thought in thoughts}
        if len(spaces) > 1:
            raise BadInput("thoughts", ", ".join(sorted(spaces)), "one space", "Make all with one encoder.")
        for place, text in enumerate(texts):
            if not isinstance(text, str) or not text.strip():
                raise BadInput(f"texts[{place}]", repr(text)[:80], "a text that is not empty", "Leave it out.")
        return spaces.pop()

    def _same_length(self, thoughts: Sequence[ThoughtState]) -> None:
        for thought in thoughts:
            if thought.dim != self.thought_dim:
                found = f"{thought.dim} dimensions"
                raise BadInput(
                    "thought", found, f"{self.thought_dim}", "Make the decoder with the encoder's dimension."
                )


def recalled(decoder: FittedDecoder, thoughts: Sequence[ThoughtState], texts: Sequence[str]) -> float:
    """The share of texts that a decoder writes word for word at their thoughts."""
    longest = max(len(decoder.tokenizer.encode(text)) for text in texts)
    written = decoder.write(thoughts, max_tokens=longest + 1)
    return sum(said == text for said, text in zip(written, texts, strict=True)) / len(texts)


def steps_for(texts: int) -> int:
    """Steps that so many texts take: few are seen often, and of many each some sixty times."""
    return max(400, 60 * texts // LatentRecipe().batch)


def tokenizer_of(home: str | Path | None = None, model: str | Path = _DEFAULT_MODEL) -> Tokenizer:
    """That of an installed language model; its weights are not read. Raises UnknownModel, ModelNotInstalled,
    CorruptWeights."""
    files = models.locate(model, paths.home(home))
    if files.path.is_dir():
        return Tokenizer.from_folder(files.path)
    return Tokenizer.from_gguf(read_metadata(files.path))


def _config(slots: int, width: int) -> TransformerConfig:
    return TransformerConfig.parse(
        {
            "vocab_size": slots,
            "d_model": width,
            "num_layers": LAYERS,
            "max_seq_len": CONTEXT,
            "attention": {"variant": "mha", "num_heads": _HEADS},
        }
    )


def _stacked(thoughts: Sequence[ThoughtState]) -> Tensor:
    return torch.stack([torch.from_numpy(thought.vector).float() for thought in thoughts])
