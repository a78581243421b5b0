"""Low-rank adapters (Hu et al., 2021): train a few million weights beside frozen ones, ship them, fold them in.

Axes: N output features, M input features, R rank.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from alen.errors import CorruptWeights
from alen.neural.transformer import Transformer

TARGETS = ("qkv", "o", "gate_up", "down")
_AGAIN = "Reinstall ALEN or train the adapter again."


class LoRALinear(nn.Module):
    """A frozen linear layer plus ``scale · B A``; B starts at zero, so training starts from the model as it was."""

    def __init__(self, base: nn.Linear, rank: int, alpha: float, dropout: float) -> None:
        super().__init__()
        self.base = base
        self.scale = alpha / rank
        self.dropout = nn.Dropout(dropout)
        self.A_RM = nn.Parameter(torch.randn(rank, base.in_features) / rank)
        self.B_NR = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        # The scale goes on the narrow side, and the sum into the product: the wide side is written once.
        low = F.linear(self.dropout(x), self.A_RM.to(x.dtype) * self.scale).flatten(0, -2)
        base = self.base(x)
        return torch.addmm(base.flatten(0, -2), low, self.B_NR.to(x.dtype).T).view(base.shape)


def attach(
    model: Transformer,
    rank: int = 16,
    alpha: float = 32.0,
    dropout: float = 0.0,
    targets: tuple[str, ...] = TARGETS,
    *,
    first: int = 0,
) -> list[nn.Parameter]:
    """Put adapters beside every target of the layers from ``first`` on and return their parameters; all others stay
    frozen."""
    model.requires_grad_(False)
    parameters: list[nn.Parameter] = []
    for module in [module for block in model.blocks[first:] for module in block.modules()]:
        for name in targets:
            layer = getattr(module, name, None)
            if isinstance(layer, nn.Linear):
                adapter = LoRALinear(layer, rank, alpha, dropout)
                setattr(module, name, adapter)
                parameters += [adapter.A_RM, adapter.B_NR]
    return parameters


def detach(model: Transformer) -> None:
    """Take all adapters away: the model is again what it was before ``attach``, frozen."""
    for module, name, adapter in list(_attached(model)):
        setattr(module, name, adapter.base)


def fold(model: Transformer) -> None:
    """Put what the adapters learnt into the weights beside them, in place, and take them away."""
    with torch.no_grad():
        for module, name, adapter in list(_attached(model)):
            weight = adapter.base.weight
            weight.copy_(weight.float() + adapter.scale * (adapter.B_NR.float() @ adapter.A_RM.float()))
            setattr(module, name, adapter.base)


def fold_for_now(model: Transformer) -> Callable[[], None]:
    """``fold``, and what undoes it to the bit: the adapters are then attached again as they are now. It holds a copy of
    the weights beside them."""
    attached = [(*found, found[2].base.weight.clone()) for found in _attached(model)]
    fold(model)

    def undo() -> None:
        for module, name, adapter, weight in attached:
            with torch.no_grad():
                adapter.base.weight.copy_(weight)
            setattr(module, name, adapter)

    return undo


def adapters(model: Transformer) -> list[LoRALinear]:
    """Those that are attached, in the order of their layers."""
    return [adapter for _, _, adapter in _attached(model)]


def parameters(model: Transformer) -> list[nn.Parameter]:
    """What they train."""
    return [parameter for adapter in adapters(model) for parameter in (adapter.A_RM, adapter.B_NR)]


def _attached(model: Transformer) -> Iterator[tuple[nn.Module, str, LoRALinear]]:
    for module in model.modules():
        for name, layer in module.named_children():
            if isinstance(layer, LoRALinear):
                yield module, name, layer


def save(model: Transformer, path: Path, metadata: dict[str, Any]) -> None:
    """Write the adapters as bfloat16 safetensors, ``metadata`` as JSON in the header."""
    tensors, scales = {}, {}
    for name, module in model.named_modules():
        if isinstance(module, LoRALinear):
            tensors[f"{name}.A"] = module.A_RM.detach().bfloat16().contiguous()
            tensors[f"{name}.B"] = module.B_NR.detach().bfloat16().contiguous()
            scales[name] = module.scale
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(tensors, partial, {"alen": json.dumps({**metadata, "scales": scales}, sort_keys=True)})
    partial.replace(path)


def read_metadata(path: Path) -> dict[str, Any]:
    """What ``save`` was given, with the scale of each layer. Raises CorruptWeights."""
    try:
        with safe_open(path, "pt") as file:
            return json.loads(file.metadata()["alen"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise CorruptWeights(
            f"{path}: not an adapter ({error}).", "Reinstall ALEN or train the adapter again."
        ) from None


def load(model: Transformer, path: Path) -> None:
    """Copy saved adapters into a model with the same adapters attached, to go on training. Raises CorruptWeights."""
    modules = dict(model.named_modules())
    for name, (low_RM, high_NR, _) in _saved(path).items():
        adapter = modules.get(name)
        if not isinstance(adapter, LoRALinear):
            raise CorruptWeights(f"{path}: no adapter at {name}.", "Attach the same targets first.")
        if adapter.A_RM.shape != low_RM.shape or adapter.B_NR.shape != high_NR.shape:
            raise CorruptWeights(f"{path}: {name} does not fit.", "Attach adapters of the same rank first.")
        with torch.no_grad():
            adapter.A_RM.copy_(low_RM)
            adapter.B_NR.copy_(high_NR)


def merge(model: Transformer, path: Path) -> None:
    """Fold saved adapters into the weights, in float32, in place.

    Raises CorruptWeights, before anything is changed, when they do not fit."""
    modules, saved = dict(model.named_modules()), _saved(path)
    fitting: dict[str, nn.Linear] = {}
    for name, (low_RM, high_NR, _) in saved.items():
        layer = modules.get(name)
        if not isinstance(layer, nn.Linear) or layer.weight.shape != (high_NR.shape[0], low_RM.shape[1]):
            raise CorruptWeights(f"{path}: {name} does not fit this model.", "Use the model it was trained for.")
        fitting[name] = layer
    with torch.no_grad():
        for name, layer in fitting.items():
            low_RM, high_NR, scale = saved[name]
            layer.weight.copy_(layer.weight.float() + scale * (high_NR @ low_RM))


def _saved(path: Path) -> dict[str, tuple[Tensor, Tensor, float]]:
    """(A, B, scale) of every adapter, in float32, by the name of its layer."""
    metadata = read_metadata(path)
    try:
        with safe_open(path, "pt") as file:
            return {
                name: (file.get_tensor(f"{name}.A").float(), file.get_tensor(f"{name}.B").float(), scale)
                for name, scale in metadata["scales"].items()
            }
    except (SafetensorError, KeyError, AttributeError) as error:
        raise CorruptWeights(f"{path}: {error}.", _AGAIN) from None
