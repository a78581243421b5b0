"""Train a decoder of thoughts: each vector is shaken, so that what lies near a thought says the same.

Axes: N texts, B batch, T tokens, C thought, D model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from alen.errors import BadInput, WorkError
from alen.learning.optimizer import OptimizerConfig, make_optimizer, set_rate
from alen.learning.schedule import factor
from alen.neural.conditioned import ConditionedTransformer
from alen.neural.loss import IGNORED, cross_entropy

Report = Callable[[str, int, int], None]


class LatentRecipe(BaseModel):
    """How thoughts become texts. Each time a vector is seen it is moved by random noise of up to ``noise``, by up to
    ``drift`` along the difference of two other thoughts, as questions that are put otherwise lie, and scaled back to
    length 1. ``unread`` is the share of tokens before a place that are hidden: what the thought says must be enough."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(400, ge=1)
    batch: int = Field(128, ge=1)
    lr: float = Field(3e-3, gt=0, le=1)
    weight_decay: float = Field(0.05, ge=0, lt=1)
    warm_up: int = Field(20, ge=0)
    noise: float = Field(0.6, ge=0)
    drift: float = Field(0.4, ge=0)
    unread: float = Field(0.1, ge=0, lt=1)
    label_smoothing: float = Field(0.02, ge=0, lt=1)
    clip: float = Field(1.0, gt=0)
    seed: int = Field(0, ge=0)


@dataclass(frozen=True, slots=True)
class Trained:
    """``loss`` is the mean over the last tenth of all steps, in nats a token of shaken thoughts."""

    steps: int
    loss: float
    seconds: float


def train(
    model: ConditionedTransformer,
    thoughts_NC: Tensor,
    texts: Sequence[Sequence[int]],
    recipe: LatentRecipe,
    *,
    end: int,
    hidden_token: int,
    minutes: float | None = None,
    report: Report | None = None,
) -> Trained:
    """Teach ``model`` to say each of ``texts`` (slots of its vocabulary, without the ``end``) at its thought.
    ``hidden_token`` stands where one is not to be read. With ``minutes`` the schedule is as long as what can be done
    in them, and at most ``steps``; without, the same seed and number of threads give the same weights.

    Raises BadInput for texts too long, WorkError when the loss is no number."""
    _check(model, thoughts_NC, texts)
    started = time.monotonic()
    chance = torch.Generator().manual_seed(recipe.seed)
    inputs_NT, targets_NT = _laid_out(texts, end)
    optimizer = make_optimizer(model, OptimizerConfig(lr=recipe.lr, weight_decay=recipe.weight_decay))
    order_N = torch.empty(0, dtype=torch.long)
    size, total, step, losses = min(recipe.batch, len(texts)), recipe.steps, 0, list[float]()
    model.train()
    while step < total:
        if len(order_N) < size:
            order_N = torch.cat([order_N, torch.randperm(len(texts), generator=chance)])
        rows_B, order_N = order_N[:size], order_N[size:]
        set_rate(optimizer, factor(step, total, warm_up=min(recipe.warm_up, total // 4), floor=0.02))
        targets_BT = targets_NT[rows_B]
        width = int((targets_BT != IGNORED).sum(1).max())
        shaken_BC = shaken(thoughts_NC[rows_B], thoughts_NC, recipe, chance)
        read_BT = inputs_NT[rows_B, : width - 1]
        is_unread_BT = torch.rand(read_BT.shape, generator=chance) < recipe.unread
        hidden_BTD = model.hidden(shaken_BC, read_BT.masked_fill(is_unread_BT, hidden_token))
        loss = cross_entropy(
            hidden_BTD.flatten(0, 1),
            model.decoder.output_weight,
            targets_BT[:, :width].flatten(),
            label_smoothing=recipe.label_smoothing,
        )
        loss.backward()
        losses.append(float(loss.detach()))
        if losses[-1] != losses[-1]:
            raise WorkError(f"The loss of step {step} is no number.", "Lower the learning rate.")
        nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        if minutes is not None and step == min(20, total):
            total = max(step, min(total, int(60 * minutes / (time.monotonic() - started) * step)))
        if report is not None:
            report("training", step, total)
    model.eval()
    last = losses[-max(1, len(losses) // 10) :]
    return Trained(step, sum(last) / len(last), time.monotonic() - started)


def shaken(thoughts_BC: Tensor, others_NC: Tensor, recipe: LatentRecipe, chance: torch.Generator) -> Tensor:
    """Each vector moved as ``LatentRecipe`` says, of length 1 again."""
    count, dim = thoughts_BC.shape
    size_B1 = recipe.noise * torch.rand(count, 1, generator=chance)
    moved_BC = thoughts_BC + size_B1 / dim**0.5 * torch.randn(count, dim, generator=chance)
    first_B, second_B = torch.randint(len(others_NC), (2, count), generator=chance)
    along_BC = others_NC[first_B] - others_NC[second_B]
    moved_BC = moved_BC + recipe.drift * torch.rand(count, 1, generator=chance) * along_BC
    return nn.functional.normalize(moved_BC, dim=-1)


def _laid_out(texts: Sequence[Sequence[int]], end: int) -> tuple[Tensor, Tensor]:
    """Inputs (N, T) padded with the end, and targets (N, T + 1) with it once and nothing to learn behind it."""
    longest = max(map(len, texts))
    inputs_NT = torch.full((len(texts), longest), end)
    targets_NT = torch.full((len(texts), longest + 1), IGNORED)
    for row, text in enumerate(texts):
        inputs_NT[row, : len(text)] = torch.tensor(text, dtype=torch.long)
        targets_NT[row, : len(text) + 1] = torch.tensor([*text, end])
    return inputs_NT, targets_NT


def _check(model: ConditionedTransformer, thoughts_NC: Tensor, texts: Sequence[Sequence[int]]) -> None:
    if not len(texts) or len(texts) != len(thoughts_NC):
        found = f"{len(texts)} texts for {len(thoughts_NC)} thoughts"
        raise BadInput("texts", found, "one text for each thought, at least one", "Give both, in one order.")
    longest = max(map(len, texts))
    if longest > model.room:
        raise BadInput(
            "texts", f"{longest} tokens", f"at most {model.room} tokens", "Shorten the text, or leave it out."
        )
