"""Architectures are found by name, built from data, and refused with the nearest name."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import BaseModel
from torch import Tensor, nn

from alen.errors import BadInput
from alen.neural import registry
from alen.neural.transformer import Transformer


class CountConfig(BaseModel, extra="forbid"):
    vocab_size: int


class Count(nn.Module):
    """A bigram table."""

    def __init__(self, config: CountConfig) -> None:
        super().__init__()
        self.table = nn.Embedding(config.vocab_size, config.vocab_size)

    def forward(self, tokens_BT: Tensor) -> Tensor:
        return self.table(tokens_BT)


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_KNOWN", dict(registry._KNOWN))


def test_the_transformer_is_one_of_them() -> None:
    model = registry.build("transformer", {"vocab_size": 11, "d_model": 16, "num_layers": 1})
    assert isinstance(model, Transformer)


def test_a_decorator_adds_one() -> None:
    registry.architecture("count", CountConfig)(Count)
    assert "count" in registry.names()
    assert registry.build("count", {"vocab_size": 5})(torch.zeros(1, 3, dtype=torch.long)).shape == (1, 3, 5)
    with pytest.raises(BadInput, match="Did you mean vocab_size"):
        registry.build("count", {"vocab_sizes": 5})
    with pytest.raises(BadInput, match="not taken"):
        registry.architecture("transformer", CountConfig)(Count)


def test_an_installed_package_brings_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        name = "elsewhere"

        def load(self) -> Any:
            return registry.architecture("elsewhere", CountConfig)(Count)

    def points(group: str, name: str | None = None) -> list[Point]:
        assert group == "alen.architectures"
        return [Point()] if name in (None, "elsewhere") else []

    monkeypatch.setattr(registry, "entry_points", points)
    assert "elsewhere" in registry.names()
    assert isinstance(registry.build("elsewhere", {"vocab_size": 3}), Count)
    with pytest.raises(BadInput, match="Did you mean elsewhere"):
        registry.find("elsewher")
