"""The memory that steps take: expected before they are tried, and measured."""

from __future__ import annotations

import gc

import torch

from alen.benchmark import process_memory
from alen.benchmark.performance.steps import Step
from alen.errors import BadInput
from alen.neural.config import TransformerConfig
from alen.neural.describe import parameters_by_part
from alen.neural.host_memory import give_back
from alen.neural.transformer import Transformer
from alen.training.dry_run import activations
from alen.training.peak import memory


def check_weights(config: TransformerConfig, device: torch.device) -> None:
    """Raises BadInput when not even the weights fit, in float32."""
    needed, room = 4 * sum(parameters_by_part(config).values()), available(device)
    if room is not None and needed > room:
        found = f"{needed / 2**30:.1f} GiB of weights"
        raise BadInput("model", found, f"at most {room / 2**30:.1f} GiB, which are free", "Choose a smaller model.")


def fits(model: Transformer, step: Step, batch: int, length: int) -> bool:
    """Whether a step may be tried: a processor that is short of memory takes the whole machine down with it. A GPU says
    so itself."""
    weight = model.embedding.weight
    room = available(weight.device) if weight.device.type == "cpu" else None
    return room is None or expected(model.config, step, batch, length, weight.element_size()) <= room


def expected(config: TransformerConfig, step: Step, batch: int, length: int, size: int) -> int:
    """Bytes above the weights on a processor, in numbers of ``size`` bytes."""
    tokens = batch * length
    if step == "forward":
        logits = tokens * config.vocab_size * size if config.language_head else 0
        return activations(config.model_copy(update={"num_layers": 1}), tokens, size) + logits
    # Gradients and the two moments of AdamW.
    state = 3 * size * sum(parameters_by_part(config).values())
    scores = 0
    if config.attention.dropout:
        # No kernel there drops weights without keeping them all, before and after, and which.
        scores = config.num_layers * config.attention.num_heads * batch * length**2 * (2 * size + 1)
    return state + activations(config, tokens, size) + scores


def available(device: torch.device) -> int | None:
    """Bytes that are free; None where it cannot be told."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    limit, held = memory(device.type), process_memory.memory("VmRSS")
    known = [process_memory.left(), None if limit is None or held is None else limit - held]
    return min((each for each in known if each is not None), default=None)


def held(device: torch.device) -> int | None:
    """Bytes that are held once everything is given back; from now on the peak counts. None where it cannot be told."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device)
    give_back()
    return process_memory.memory("VmRSS") if process_memory.forget_peak() else None


def peak(device: torch.device) -> int | None:
    """The most bytes that were held since ``held`` was asked."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else process_memory.memory("VmHWM")
