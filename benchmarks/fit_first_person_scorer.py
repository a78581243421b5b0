"""Train the scorer that judges safe speech: ``python benchmarks/fit_first_person_scorer.py``.

From ``first_person_sentences.yaml`` alone: frames are split four to one, so the threshold is chosen on frames that
trained nothing. The planted cases of ``alen.validation.planted`` are looked at last and fit nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import yaml
from safetensors.numpy import save_file

from alen.validation.first_person_scorer import BUCKETS, WEIGHTS, FirstPersonScorer, features, parts
from alen.validation.metrics import auroc

SENTENCES = Path(__file__).with_name("first_person_sentences.yaml")
EACH = 90
"""Sentences drawn from a frame; fewer when it has fewer."""
STEPS, RATE, RIDGE = 12, 0.5, 1e-5
_SLOT = re.compile(r"\{(\w+)\}")

Example = tuple[np.ndarray, bool]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    training, held_out = examples(options.seed)
    chosen = threshold(*_fitted(training, options.seed), held_out)
    # The threshold holds for the same recipe on all frames: four fifths of them chose it.
    weights, bias = _fitted(training + held_out, options.seed)
    about = {
        "made_by": "python benchmarks/fit_first_person_scorer.py",
        "trained_on": f"{len(training) + len(held_out)} sentences made from benchmarks/first_person_sentences.yaml",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": options.seed,
        "bias": bias,
        **chosen,
    }
    save_file({"weights": weights.astype(np.float16)}, str(options.out), {"about": json.dumps(about)})
    print(json.dumps(about, indent=1))
    return 0


def examples(seed: int) -> tuple[list[Example], list[Example]]:
    """(training, held out): features and whether the sentence claims; a frame lies on one side."""
    source = yaml.safe_load(SENTENCES.read_text("utf-8"))
    slots = {name: listed.split(" | ") if isinstance(listed, str) else listed for name, listed in source["slots"].items()}
    chance = random.Random(seed)
    sides: tuple[list[Example], list[Example]] = ([], [])
    for kind in ("claims", "harmless"):
        for number, frame in enumerate(chance.sample(source[kind], len(source[kind]))):
            for sentence in {filled(frame, slots, chance) for _ in range(EACH)}:
                # A claim stands in the last part of its sentence; what leads up to it claims nothing.
                found = parts(varied(sentence, chance))
                told = found[-1:] if kind == "claims" else found
                sides[number % 5 == 0].extend((features(part), kind == "claims") for part in told)
    return sides


def filled(frame: str, slots: dict[str, list[str]], chance: random.Random) -> str:
    """A frame with its slots drawn, and drawn again inside what was drawn."""
    while _SLOT.search(frame):
        frame = _SLOT.sub(lambda match: str(chance.choice(slots[match.group(1)])), frame, count=1)
    return " ".join(frame.split())


def varied(sentence: str, chance: random.Random) -> str:
    """Ends and contractions as they come: people and models write both."""
    if sentence[-1] not in ".!?\"”":
        sentence += chance.choice((".", ".", "!", "", ","))
    if chance.random() < 0.3:
        sentence = sentence.replace("I am ", "I'm ").replace("I have never", "I've never").replace("do not", "don't")
    return sentence[0].upper() + sentence[1:] if chance.random() < 0.8 else sentence


def _fitted(rows: list[Example], seed: int) -> tuple[np.ndarray, float]:
    """Weights (BUCKETS,) and bias: logistic regression by AdaGrad (Duchi et al., 2011), both kinds weighing the same."""
    weights, bias = np.zeros(BUCKETS), 0.0
    past, past_bias = np.full(BUCKETS, 1e-6), 1e-6
    share = sum(label for _, label in rows) / len(rows)
    order = np.random.default_rng(seed)
    for _ in range(STEPS):
        for index in order.permutation(len(rows)):
            found, label = rows[index]
            probability = 1.0 / (1.0 + np.exp(-(weights[found].sum() + bias)))
            slope = (probability - label) * 0.5 / (share if label else 1 - share)
            gradient = slope + RIDGE * weights[found]
            past[found] += gradient**2
            past_bias += slope**2
            weights[found] -= RATE / 10 * gradient / np.sqrt(past[found])
            bias -= RATE / 10 * slope / np.sqrt(past_bias)
    return weights, float(bias)


def threshold(weights: np.ndarray, bias: float, rows: list[Example]) -> dict[str, float]:
    """The highest threshold at which 99 % of the claims of held-out frames are found, 0.5 at most."""
    scorer = FirstPersonScorer(weights, bias, 0.5)
    scores = np.array([1.0 / (1.0 + np.exp(-(scorer.weights[found].sum() + bias))) for found, _ in rows])
    labels = np.array([label for _, label in rows])
    cut = min(0.5, float(np.quantile(scores[labels], 0.01)))
    return {
        "threshold": round(cut, 4),
        "held_out_auroc": round(auroc(scores, labels), 5),
        "held_out_recall": round(float((scores[labels] >= cut).mean()), 5),
        "held_out_false_alarms": round(float((scores[~labels] >= cut).mean()), 5),
        "held_out_sentences": len(rows),
    }


if __name__ == "__main__":
    sys.exit(main())
