"""A step in Lightning is the step that its parts say: schedule, clipping, accumulation, a known curve."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from alen.errors import WorkError
from alen.learning.schedule import factor
from alen.training.building import configuration, make_model
from alen.training.gradient_norm import clip_by_norm
from alen.training.module import LanguageModelModule, Length
from alen.training.objective import Objective
from alen.training.recipe import ScheduleRecipe, TrainingRecipe
from alen.training.run import train
from tests.training.made_rows import MadeRows, causal

Recipe = Callable[..., TrainingRecipe]

STILL = {"preset": "gpt2-tiny", "overrides": {"vocab_size": 64, "dropout": 0.0, "attention": {"dropout": 0.0}}}
GOLDEN = (4.1918, 3.7046, 3.4727, 2.7089, 2.2746, 1.8363)
"""Losses of every fifth step, as they were when this was written."""


def test_the_rate_follows_the_schedule_at_every_step(recipe: Recipe) -> None:
    made = recipe(steps=8, schedule={"kind": "wsd", "warm_up": 2, "floor": 0.1, "decay": 0.5})
    rates = train(made, data=(MadeRows(), None)).monitor.learning_rates
    wanted = [1e-2 * factor(step, 8, schedule="wsd", warm_up=2, floor=0.1, decay=0.5) for step in range(8)]
    assert rates == pytest.approx(wanted)


def test_a_run_by_the_clock_has_its_schedule_too(recipe: Recipe) -> None:
    model = make_model(recipe(), configuration(recipe(), None))
    module = LanguageModelModule(model, schedule=ScheduleRecipe(kind="linear", warm_up=0.5), length=Length(seconds=10))
    module.progress.seconds = 2.5
    assert module.rate(10**6) == pytest.approx(0.5, abs=0.01)
    module.progress.seconds = 20.0
    assert module.rate(0) == pytest.approx(0.1)


def test_clipping_scales_the_common_norm() -> None:
    parameters = [nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1, 1))]
    parameters[0].grad, parameters[1].grad = torch.tensor([3.0, 0.0]), torch.tensor([[4.0]])
    assert clip_by_norm(parameters, 1.0) == pytest.approx(5.0)
    assert parameters[0].grad.tolist() == pytest.approx([0.6, 0.0])
    assert parameters[1].grad.item() == pytest.approx(0.8)
    assert clip_by_norm(parameters, None) == pytest.approx(1.0)
    assert parameters[1].grad.item() == pytest.approx(0.8)


def test_accumulated_batches_are_one_large_batch(recipe: Recipe) -> None:
    whole = train(recipe(batch=8, out=recipe().out / "whole", model=STILL), data=(MadeRows(8), None))
    parts = train(recipe(batch=4, accumulate=2, out=recipe().out / "parts", model=STILL), data=(MadeRows(4), None))
    assert parts.monitor.train_loss == pytest.approx(whole.monitor.train_loss, abs=1e-5)
    assert parts.validation["val_loss"] == pytest.approx(whole.validation["val_loss"], abs=1e-5)
    assert parts.tokens == whole.tokens == 6 * 8 * 16


def test_thirty_steps_are_those_of_a_plain_loop_and_of_yesterday(recipe: Recipe) -> None:
    made = recipe(steps=30, schedule={"kind": "cosine", "warm_up": 3}, model=STILL)
    found = train(made, data=(MadeRows(), None)).monitor
    objective = Objective(make_model(made, configuration(made, None)))
    decayed = [parameter for parameter in objective.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in objective.parameters() if parameter.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}], betas=(0.9, 0.95)
    )
    rows, losses = causal(64), []
    for step in range(30):
        first = step * 4 % 64
        loss = objective({name: part[first : first + 4] for name, part in rows.items()})
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(objective.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * factor(step, 30, warm_up=3)
        optimizer.step()
        losses.append(loss.item())
    assert found.train_loss == pytest.approx(losses, abs=2e-4)
    assert found.train_loss[::5] == pytest.approx(GOLDEN, abs=2e-3)


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_batch(recipe: Recipe) -> None:
    data, made = MadeRows(), recipe()
    module_of = LanguageModelModule.training_step

    def broken(self: LanguageModelModule, batch: dict[str, torch.Tensor], index: int) -> torch.Tensor:
        if self.global_step == 3:
            with torch.no_grad():
                next(self.parameters()).fill_(math.nan)
        return module_of(self, batch, index)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LanguageModelModule, "training_step", broken)
        with pytest.raises(WorkError, match="loss of step 3 is not a number") as stopped:
            train(made, data=(data, None))
    assert "optimizer.lr" in stopped.value.hint
    kept = load_file(made.out / "broken-batch-3.safetensors")
    assert torch.equal(kept["tokens_BT"], data.rows["tokens_BT"][12:16])


def test_bits_are_counted_by_the_byte(recipe: Recipe, tmp_path: Path) -> None:
    model = make_model(recipe(), configuration(recipe(), None))
    found = LanguageModelModule(model, bytes_per_token=2.0, folder=tmp_path).figures(math.log(16), 0.0)
    assert found == pytest.approx({"val_loss": math.log(16), "perplexity": 16.0, "bits_per_byte": 2.0})
