"""Embedding beside sentence-transformers: the sides, their work, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from alen.benchmark.decoding.turns import Timed, Work
from alen.benchmark.schema import Measured, Row, Target
from alen.models import locate
from alen.validation.intervals import ratio_of_medians

OURS, THEIRS = "alen encoder", "sentence-transformers"
MODEL = "all-minilm-l6-v2"


def sides(home: Path) -> dict[str, str]:
    """Ours, and theirs in both precisions, with the folder of the model."""
    return dict.fromkeys((OURS, f"{THEIRS} bf16", f"{THEIRS} fp32"), str(locate(MODEL, home).path))


def work(text: Path, count: int, rounds: int) -> Work:
    """Paragraphs as they stand, of all lengths; the same in every round, since no side remembers them."""
    paragraphs = [line.strip() for line in text.read_text("utf-8").splitlines() if len(line) > 80][:count]
    return Work("embed", "embed", [{"texts": paragraphs}] * (1 + rounds), len(paragraphs))


def row(timed: Timed) -> Row:
    """To their better precision."""
    best = max((side for side in timed.rates if side != OURS), key=timed.median)
    estimate = ratio_of_medians(timed.rates[OURS], timed.rates[best])
    label = f"Embedding, to the best of {THEIRS}"
    target = Target(relation="at least", value=4.0)
    return Row(name="embed", label=label, unit="times", ours=Measured.of(estimate), target=target)


def table(timed: Timed) -> list[dict[str, Any]]:
    """With the least cosine to what the library computes in float32."""
    reference = np.array(timed.last[f"{THEIRS} fp32"]["tokens"])
    return [
        {
            "side": side,
            "texts a second": round(timed.median(side), 1),
            "least cosine": round(float((np.array(timed.last[side]["tokens"]) * reference).sum(1).min()), 5),
        }
        for side in timed.rates
    ]
