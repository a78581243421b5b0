"""What is made of losses that runs ended with."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from alen.benchmark import machine
from alen.benchmark.kept import Kept
from alen.benchmark.training_learnt import RATES, SETS, SHARES, Run, measure
from alen.benchmark.training_texts import BLOCK, write

STEPS = 100


def _kept(file: Path, losses: dict[tuple[str, Run], float]) -> Kept:
    lines = [
        {"name": f"{part}/{STEPS}/{one}", "commit": machine.commit(), "found": loss}
        for (part, one), loss in losses.items()
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return Kept(file)


def test_the_best_rate_is_measured_and_steps_are_those_of_the_shortest_that_is_enough(tmp_path: Path) -> None:
    losses = {("choose", one): 4.0 for several in SETS.values() for one in several}
    muon = SETS["alen", "muon"][4].rates
    losses["choose", Run("alen", "muon", muon, 0.7)] = 3.5
    for name in ("alen", "trainer", "litgpt", "nanogpt"):
        best = Run(name, "adamw", SETS["alen", "adamw"][3].rates if name == "alen" else (RATES[2], RATES[2]))
        losses["choose", best] = 3.9
        losses["measure", best] = {"alen": 3.2, "litgpt": 3.0}.get(name, 3.1)
    for share, loss in zip((*SHARES, 1.0), (3.5, 3.2, 3.1, 3.0, 3.0, 2.7), strict=True):
        losses["measure", Run("alen", "muon", muon, share)] = loss
    texts = write("So it goes, and so it went. " * (BLOCK // 2), tmp_path, 300)
    rows, tables = measure(
        texts,
        _kept(tmp_path / "cells.jsonl", losses),
        lambda stage, done, total: None,
        place=tmp_path,
        steps=STEPS,
        workers=2,
    )
    found = {row.name: row.ours.value for row in rows}
    assert found["muon-steps"] == SHARES[1]
    assert found["bits-ratio"] == pytest.approx(2.7 / 3.0)
    assert found["bits-adamw"] == pytest.approx(3.2 / 3.0, abs=1e-6)
    assert found["bits"] == pytest.approx(2.7 / math.log(2) / texts.bytes_per_token, abs=1e-6)
    assert [line["loop"] for line in tables["learnt"]][:2] == ["alen", "litgpt"]


def test_what_another_commit_found_is_found_again(tmp_path: Path) -> None:
    file = tmp_path / "cells.jsonl"
    file.write_text(json.dumps({"name": "a", "commit": "another", "found": 1}) + "\n", "utf-8")
    assert Kept(file).get("a", lambda: 2) == 2
    assert Kept(file).get("a", lambda: 3) == 2


def test_parts_of_a_text_are_apart(tmp_path: Path) -> None:
    text = "".join(f"{number} " for number in range(BLOCK * 2))
    texts = write(text, tmp_path, 300)
    sizes = [len(np.load(file)) for file in (texts.train, texts.choose, texts.measure)]
    assert sizes[0] > 3 * sizes[1] > 0
    assert sizes[2] > 0


def test_both_optimizers_are_tried_as_often_between_other_rates() -> None:
    control, muon = SETS["alen", "adamw"], SETS["alen", "muon"]
    assert len({one.rates for one in control}) == len({one.rates for one in muon}) == 9
