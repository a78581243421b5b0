"""Every preset with options, each pair of options somewhere, takes a step on a clone that is scaled in width."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest

from alen.neural.presets import names, preset
from alen.training.recipe import TrainingRecipe
from alen.training.run import train
from tests.training.made_rows import WORDS, MadeRows

OPTIONS: dict[str, tuple[Any, ...]] = {
    "optimizer": ({"kind": "adamw", "lr": 1e-3}, {"kind": "muon", "lr": 1e-3}),
    "schedule": ({"kind": "cosine"}, {"kind": "wsd"}, {"kind": "linear"}, {"kind": "constant"}),
    "label_smoothing": (0.0, 0.1),
    "clip": (1.0, None),
    "accumulate": (1, 2),
    "gradient_checkpointing": (0, 1),
    "precision": ("32", "bf16"),
}


def rows() -> list[dict[str, Any]]:
    """Greedily: each row takes as many pairs that were not there yet as it can."""
    left = {
        frozenset([(one, a), (other, b)])
        for one, other in itertools.combinations(OPTIONS, 2)
        for a in range(len(OPTIONS[one]))
        for b in range(len(OPTIONS[other]))
    }
    found = []
    every = list(itertools.product(*(range(len(values)) for values in OPTIONS.values())))
    while left:
        best = max(every, key=lambda row: sum(pair <= set(zip(OPTIONS, row, strict=True)) for pair in left))
        left = {pair for pair in left if not pair <= set(zip(OPTIONS, best, strict=True))}
        found.append({name: OPTIONS[name][value] for name, value in zip(OPTIONS, best, strict=True)})
    return found


ROWS = rows()
PAIRS = [(name, ROWS[place % len(ROWS)]) for place, name in enumerate(names())]
PAIRS += [(names()[place % len(names())], row) for place, row in enumerate(ROWS[len(names()) :])]


def test_every_row_and_every_preset_is_there() -> None:
    assert {name for name, _ in PAIRS} == set(names())
    assert all(any(row is used for _, used in PAIRS) for row in ROWS)


@pytest.mark.parametrize(("name", "options"), PAIRS, ids=[name for name, _ in PAIRS])
def test_it_takes_steps(recipe: Callable[..., TrainingRecipe], name: str, options: dict[str, Any]) -> None:
    shape = preset(name)
    heads = 4 if shape.attention.num_heads % 4 == 0 else 2
    ratio = max(1, shape.attention.num_heads // shape.num_kv_heads)
    overrides = {
        "vocab_size": WORDS,
        "d_model": 64,
        "num_layers": 2,
        "max_seq_len": 32,
        "attention": {"num_heads": heads, "num_kv_heads": max(1, heads // ratio), "head_dim": None},
        "ffn": {"hidden_dim": 96},
    }
    if shape.attention.variant == "mha":
        overrides["attention"]["num_kv_heads"] = None  # type: ignore[index]  # one of several kinds of values
    task = "masked" if shape.attention.mask_type == "bidirectional" else "causal"
    made = recipe(task=task, model={"preset": name, "overrides": overrides}, steps=2, **options)
    found = train(made, data=(MadeRows(task=task, count=16, held_out=4), None))
    assert found.steps == 2
    assert all(map(math.isfinite, [*found.monitor.train_loss, *found.monitor.gradient_norms, *found.monitor.val_loss]))
