"""What a run will take, said before it begins: parameters, memory, tokens a second; what cannot fit is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from alen.errors import BadInput
from alen.neural.config import TransformerConfig
from alen.neural.describe import flops_per_token, parameters_by_part
from alen.neural.loss import PIECE_ELEMENTS
from alen.training.machine import Machine
from alen.training.peak import memory, peak
from alen.training.recipe import TrainingRecipe

SHARE = 0.5
"""Of the peak of a product of matrices that a whole step reaches; small models reach less."""

FORWARD_AND_BACK = 3
"""Times the operations of the way forward: the way back takes two for each."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Bytes are of one device, in float32 but for activations. ``available`` is None where it cannot be told."""

    parameters: int
    trained: int
    weights: int
    gradients: int
    optimizer: int
    activations: int
    available: int | None
    tokens_per_step: int
    steps: int | None
    flops_per_token: float
    peak: float
    tokens_per_second: float

    @property
    def bytes(self) -> int:
        return self.weights + self.gradients + self.optimizer + self.activations

    @property
    def checkpoint(self) -> int:
        """Bytes of one checkpoint, all its parts together."""
        return 4 * self.parameters + 8 * self.trained

    @property
    def seconds(self) -> float | None:
        return None if self.steps is None else self.steps * self.tokens_per_step / self.tokens_per_second

    def to_json(self) -> dict[str, Any]:
        names = self.__dataclass_fields__.keys() - {"parameters", "trained"} | {"bytes", "checkpoint", "seconds"}
        counts = {"total": self.parameters, "trained": self.trained}
        return {"parameters": counts, **{name: getattr(self, name) for name in sorted(names)}}


def plan(recipe: TrainingRecipe, config: TransformerConfig, length: int, machine: Machine, steps: int | None) -> Plan:
    """Raises BadInput when the model does not fit into one device."""
    parameters = sum(parameters_by_part(config).values())
    trained = parameters if recipe.lora is None else _adapters(config, recipe.lora.rank)
    if recipe.freeze_embeddings:
        trained -= parameters_by_part(config)["embedding"]
    texts = 2 * recipe.batch if recipe.r_drop else recipe.batch
    shards = machine.shards
    moments = 8 * trained
    if recipe.optimizer.kind == "muon":
        parts = parameters_by_part(config)
        moments -= 4 * (parts["attention"] + parts["ffn"])
    size = 2 if machine.dtype != torch.float32 else 4
    # Mixed precision keeps a copy of each weight, in half the bytes, until the way back.
    copies = 2 * parameters if size == 2 else 0
    flops = float(FORWARD_AND_BACK * flops_per_token(config, _context(config, length)))
    fastest = peak(machine.device, machine.dtype)
    found = Plan(
        parameters=parameters,
        trained=trained,
        weights=(4 * parameters + copies) // shards,
        gradients=4 * trained // shards,
        optimizer=moments // shards,
        activations=activations(config, texts * length, size),
        available=memory(machine.device),
        tokens_per_step=recipe.batch * length * recipe.accumulate * machine.ranks,
        steps=steps,
        flops_per_token=flops,
        peak=fastest,
        tokens_per_second=SHARE * fastest * machine.devices / flops,
    )
    if found.available is not None and found.bytes > found.available:
        raise BadInput(
            "recipe",
            f"{found.bytes / 2**30:.1f} GiB a device: weights {found.weights / 2**30:.1f}, gradients"
            f" {found.gradients / 2**30:.1f}, optimizer {found.optimizer / 2**30:.1f}, activations"
            f" {found.activations / 2**30:.1f}",
            f"at most {found.available / 2**30:.1f} GiB",
            smaller(recipe, found.activations > found.bytes / 2),
        )
    return found


def smaller(recipe: TrainingRecipe, activations: bool) -> str:
    """What to change so that a run takes less memory."""
    ways = []
    if recipe.batch > 1:
        ways.append(f"batch: {recipe.batch // 2} with accumulate: {recipe.accumulate * 2}")
    if not recipe.gradient_checkpointing:
        ways.append("gradient_checkpointing: 1")
    if recipe.precision == "32":
        ways.append("precision: bf16")
    ways.append("a smaller data.length")
    others = ["a smaller model", "machine.strategy: fsdp over more devices"]
    return f"Set {', or '.join([*ways, *others] if activations else [*others, *ways])}."


def activations(config: TransformerConfig, tokens: int, size: int) -> int:
    """Bytes that ``tokens`` leave for the way back, in numbers of ``size`` bytes: what goes into each matrix, norm and
    activation, without scores, which no kernel of attention keeps; and a piece of the logits with its float32 part."""
    D, F = config.d_model, config.hidden_dim
    heads = config.attention.num_heads * config.head_dim
    shared = config.num_kv_heads * config.head_dim
    gated = 1 if config.ffn.variant == "mlp" else 2
    numbers = 4 * D + 2 * heads + 2 * shared + (gated + 2) * F
    bytes_kept = size * numbers + (2 * D if config.dropout else 0)
    whole, kept = config.num_layers, 0
    if config.checkpoint_every:
        again = -(-config.num_layers // config.checkpoint_every)
        whole, kept = config.num_layers - again + 1, again
    logits = min(tokens * config.vocab_size, PIECE_ELEMENTS) * size
    return tokens * (whole * bytes_kept + kept * size * D) + logits


def _context(config: TransformerConfig, length: int) -> int:
    """Tokens that a token sees, on average."""
    return length if config.attention.mask_type == "bidirectional" else length // 2


def _adapters(config: TransformerConfig, rank: int) -> int:
    heads, shared = config.attention.num_heads, config.num_kv_heads
    D, F = config.d_model, config.hidden_dim
    qkv = (heads + shared) * config.query_dim + shared * config.head_dim
    wide = F * (1 if config.ffn.variant == "mlp" else 2)
    return config.num_layers * rank * (D + qkv + heads * config.head_dim + D + D + wide + F + D)
