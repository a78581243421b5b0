"""Which parameters of a model are matrices of its hidden layers, and which are not: optimizers treat them apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from torch import nn

from alen.neural.attention import Attention
from alen.neural.feedforward import FeedForward


@dataclass(frozen=True, slots=True)
class Matrix:
    """A weight of a hidden layer. ``rows`` are the heights of the matrices that stand in it one over the other:
    queries, keys and values, or gate and up, are matrices of their own however they are stored."""

    name: str
    weight: nn.Parameter
    rows: tuple[int, ...]


@dataclass(slots=True)
class Roles:
    """``tables`` are embeddings and output heads, ``vectors`` biases and norms; each parameter stands once, with its
    name."""

    matrices: list[Matrix] = field(default_factory=list)
    tables: list[tuple[str, nn.Parameter]] = field(default_factory=list)
    vectors: list[tuple[str, nn.Parameter]] = field(default_factory=list)


def roles(model: nn.Module) -> Roles:
    """Of everything in ``model`` that is trained. Hidden layers are the linear ones inside of a list of layers; a head,
    which stands outside of it, is a table."""
    hidden = dict(_hidden(model))
    found, seen = Roles(), set[int]()
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad or id(parameter) in seen:
            continue
        seen.add(id(parameter))
        if parameter.ndim < 2:
            found.vectors.append((name, parameter))
        elif id(parameter) in hidden:
            found.matrices.append(Matrix(name, parameter, hidden[id(parameter)]))
        else:
            found.tables.append((name, parameter))
    return found


def _hidden(model: nn.Module) -> Iterator[tuple[int, tuple[int, ...]]]:
    layers = [layer for each in model.modules() if isinstance(each, nn.ModuleList) for layer in each.modules()]
    for layer in layers:
        if isinstance(layer, nn.Linear):
            yield id(layer.weight), (layer.out_features,)
    # After the plain ones: what is known of these goes before.
    for layer in layers:
        if isinstance(layer, Attention) and isinstance(layer.qkv, nn.Linear):
            yield id(layer.qkv.weight), tuple(layer.sizes)
        elif isinstance(layer, FeedForward) and layer.gated and isinstance(layer.gate_up, nn.Linear):
            yield id(layer.gate_up.weight), (layer.gate_up.out_features // 2,) * 2
