"""A language model that knows nothing yet."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch

from alen.errors import BadInput
from alen.neural.config import TransformerConfig
from alen.neural.named import GPT2Config, L1Config, LargeModelConfig
from alen.neural.transformer import Transformer
from alen.neural.weights import LoadedModel
from alen.text.byte_pairs import GrowingVocabulary

Shape = TransformerConfig | LargeModelConfig | L1Config | GPT2Config


@dataclass(frozen=True, slots=True)
class Fresh:
    loaded: LoadedModel
    vocabulary: GrowingVocabulary
    name: str
    fingerprint: str


def fresh(shape: Shape | None, seed: int) -> Fresh:
    """Random weights drawn from ``seed``, whatever was drawn before; ALEN small without a ``shape``. Raises
    BadInput for a shape that cannot write."""
    if shape is None:
        shape = LargeModelConfig.small()
    if not isinstance(shape, Shape):
        allowed = "TransformerConfig, LargeModelConfig, L1Config or GPT2Config"
        raise BadInput("config", type(shape).__name__, allowed, "For example LargeModelConfig.micro().")
    config = shape if isinstance(shape, TransformerConfig) else shape.transformer()
    if config.attention.mask_type == "bidirectional" or not config.language_head:
        raise BadInput("config", "an encoder", "a decoder with a head over its words", "Use BertForMaskedLM for it.")
    vocabulary = GrowingVocabulary(config.vocab_size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Transformer(config).eval().requires_grad_(False)
    size = getattr(shape, "size", None)
    made = hashlib.sha256(f"{seed} {config.model_dump_json()}".encode()).hexdigest()
    return Fresh(LoadedModel(model, config), vocabulary, "new" if size is None else size.value, made)
