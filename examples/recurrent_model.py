"""A new architecture in one file: a recurrent language model that ALEN builds by name and trains like any other.

A model needs a configuration (pydantic), ``forward(tokens_BT) -> logits_BTV``, and the decorator. In a package of your
own, name this module under the entry-point group ``alen.architectures`` and it is found once the package is installed:

    [project.entry-points."alen.architectures"]
    recurrent = "my_package.recurrent"

Run it to see it learn to spell: ``python examples/recurrent_model.py``. Axes: B batch, T time, D model, V words.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F

from alen.neural import registry
from alen.text.byte_pairs import train


class RecurrentConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    vocab_size: int = Field(ge=1)
    d_model: int = Field(64, ge=1)
    num_layers: int = Field(2, ge=1)


class Recurrence(nn.Module):
    """minGRU (Feng et al., 2024, "Were RNNs All We Needed?"): h = (1 - z) h_before + z h_new, where z and h_new depend
    on the input alone, so that all steps are computed at once as a scan in logarithms."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(width)
        self.gate_new = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x_BTD: Tensor) -> Tensor:
        gate_BTD, new_BTD = self.gate_new(self.norm(x_BTD)).float().chunk(2, dim=-1)
        log_keep = -F.softplus(gate_BTD)
        log_new = -F.softplus(-gate_BTD) + torch.where(
            new_BTD >= 0, (new_BTD.relu() + 0.5).log(), -F.softplus(-new_BTD)
        )
        kept = log_keep.cumsum(1)
        hidden = (kept + (log_new - kept).logcumsumexp(1)).exp()
        return x_BTD + self.out(hidden.to(x_BTD.dtype))


@registry.architecture("recurrent", RecurrentConfig)
class RecurrentModel(nn.Module):
    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__()
        self.embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.layers = nn.ModuleList(Recurrence(config.d_model) for _ in range(config.num_layers))
        self.norm = nn.RMSNorm(config.d_model)

    def forward(self, tokens_BT: Tensor) -> Tensor:
        x_BTD = self.embedding(tokens_BT)
        for layer in self.layers:
            x_BTD = layer(x_BTD)
        return F.linear(self.norm(x_BTD), self.embedding.weight)


TEXT = "A barometer weighs the air. When the air grows light, the mercury falls, and rain is near. " * 8


def main(steps: int = 80) -> tuple[float, float]:
    """The loss before and after ``steps``."""
    torch.manual_seed(0)
    tokenizer = train([TEXT], 300)
    tokens_BT = torch.tensor(tokenizer.encode(TEXT))[None]
    model = registry.build("recurrent", {"vocab_size": tokenizer.vocab_size})
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(steps):
        logits_BTV = model(tokens_BT[:, :-1])
        loss = F.cross_entropy(logits_BTV.flatten(0, 1), tokens_BT[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"{sum(part.numel() for part in model.parameters()):,} parameters, loss {losses[0]:.2f} to {losses[-1]:.2f}")
    return losses[0], losses[-1]


if __name__ == "__main__":
    main()
