"""Loops that are compared: on the same rows they learn what there is, and stop where they are told to."""

from __future__ import annotations

import importlib
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alen.benchmark.loop_runs import Switches, fastest, in_turns, to_the_end
from alen.benchmark.loops.task import Rows, Task, held_out_loss
from alen.errors import WorkError

WORDS = 128
STEP = math.log(3)
"""Nats of the next token: one of three."""


@pytest.fixture
def task(tmp_path: Path) -> Task:
    chance = np.random.default_rng(0)
    tokens = (np.cumsum(chance.integers(0, 3, 20_000)) % 100).astype(np.uint16)
    np.save(tmp_path / "train.npy", tokens[:18_000])
    np.save(tmp_path / "rest.npy", tokens[18_000:])
    return Task(
        width=32,
        layers=2,
        heads=2,
        hidden=88,
        vocabulary=WORDS,
        length=16,
        batch=8,
        steps=60,
        tokens=str(tmp_path / "train.npy"),
        held_out=str(tmp_path / "rest.npy"),
        work=str(tmp_path / "work"),
        rate=1e-2,
        warm_up=5,
    )


def _loss(name: str, task: Task) -> float:
    loop = importlib.import_module(f"alen.benchmark.loops.{name}_loop")
    return held_out_loss(loop.run(task, Rows(task)), task)


@pytest.mark.slow
def test_ours_is_a_bare_loop_with_all_that_watches_it(task: Task) -> None:
    import torch

    torch.manual_seed(task.seed)
    bare = _loss("bare", task)
    assert _loss("alen", task) == pytest.approx(bare, abs=1e-6)
    assert STEP < bare < math.log(100) - 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nanogpt", "trainer"])
def test_others_learn_from_the_same_rows(task: Task, name: str) -> None:
    assert STEP < _loss(name, task) < math.log(100) - 1


def test_switches_that_take_too_long_are_left(task: Task, tmp_path: Path) -> None:
    task = replace(task, steps=10_000)
    assert fastest("nanogpt", task, Switches(), tmp_path, limit=0.1) == math.inf
    with pytest.raises(WorkError, match="nanogpt ended with code 1"):
        fastest("nanogpt", replace(task, tokens="nothing.npy"), Switches(), tmp_path, limit=60)


def test_rows_are_windows_drawn_once(task: Task) -> None:
    rows, again = Rows(task), Rows(task)
    tokens = np.load(task.tokens)
    assert len(rows) == task.steps * task.batch
    for number in (0, 7, len(rows) - 1):
        row = rows[number].numpy()
        assert (row == again[number].numpy()).all()
        starts = np.flatnonzero(tokens[: -task.length] == row[0])
        assert any((tokens[start : start + task.length + 1] == row).all() for start in starts)
    with pytest.raises(IndexError):
        rows[len(rows)]


def test_the_rate_rises_and_falls(task: Task) -> None:
    found = [task.factor(step) for step in range(task.steps)]
    assert found[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert found[5:] == sorted(found[5:], reverse=True)
    assert found[-1] == pytest.approx(task.floor)


@pytest.mark.slow
def test_they_take_turns_between_gates(task: Task, tmp_path: Path) -> None:
    found, peak = in_turns(replace(task, steps=1000, every=5), {"nanogpt": Switches()}, tmp_path, rounds=2)
    assert peak > 0
    (timed,) = found.values()
    assert len(timed.seconds) == 2
    assert min(timed.seconds) > 0
    assert timed.memory > 50e6


@pytest.mark.slow
def test_a_run_to_the_end_gives_its_loss(task: Task, tmp_path: Path) -> None:
    loss, seconds = to_the_end("nanogpt", task, Switches(), tmp_path)
    assert STEP < loss < math.log(100) - 1
    assert seconds > 0
