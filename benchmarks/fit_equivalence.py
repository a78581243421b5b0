"""Fit the head of the equivalence function that ships with ALEN: ``python benchmarks/fit_equivalence.py path/to/data``.

The data are pairs of answers from SQuAD 2, NQ-open, WebQuestions and TruthfulQA, parted by article and by question.
The ridge is chosen by cross-validation inside the part for fitting; the other part is only reported on. What people say
of it is measured by ``benchmarks/equivalence.py``, and nothing is fitted on that.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from alen import SentenceEncoder
from alen.benchmark import equivalence_pairs
from alen.benchmark.equivalence_pairs import Pair
from alen.core.equivalence import compare, features, head, rules
from alen.core.equivalence.features import Asked
from alen.core.equivalence.head import Head
from alen.core.equivalence.said import take
from alen.text.grading import exact_match, token_f1
from alen.types import Encoder
from alen.validation.intervals import bootstrap
from alen.validation.probability import auroc

TARGET = Path(head.__file__).with_name("head.json")
SEED = 0
FOLDS = 5
RIDGES = (0.3, 1.0, 3.0, 10.0, 30.0)
WITHOUT_QUESTION = 0.25
"""Share of the fitted pairs that lose their question, so that the head also knows answers without one."""
DRAWS = 200
LICENCES = (
    "SQuAD 2.0 development set (CC BY-SA 4.0), articles of squad.TRAINING; NQ-open development set (CC BY-SA 3.0); "
    "WebQuestions (CC BY 4.0); TruthfulQA (Apache-2.0)"
)
Scorer = Callable[[str, str, str], float]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with squad2, nq_open, webquestions and truthfulqa")
    parser.add_argument("--encoder", default="all-minilm-l6-v2", help="encoder of the head that also takes cosines")
    parser.add_argument("--report-only", action="store_true", help="measure the head that is there, fit nothing")
    arguments = parser.parse_args()
    pairs = equivalence_pairs.load(arguments.data, seed=SEED)
    encoder = Remembering(SentenceEncoder.from_pretrained(arguments.encoder))
    if not arguments.report_only:
        fit(pairs, encoder)
    figures = report([pair for pair in pairs if pair.reported], encoder)
    print(json.dumps(figures, indent=1))
    data = json.loads(TARGET.read_text("utf-8"))
    data["provenance"]["measured"] = figures
    TARGET.write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    return 0


class Remembering:
    """An encoder that encodes each text once."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder, self.name, self.dim, self.fingerprint = encoder, encoder.name, encoder.dim, encoder.fingerprint
        self.vectors: dict[str, np.ndarray] = {}

    def learn(self, texts: Sequence[str]) -> None:
        new = [text for text in dict.fromkeys(texts) if text not in self.vectors]
        for start in range(0, len(new), 1024):
            some = new[start : start + 1024]
            self.vectors.update(zip(some, self.encoder.encode(some), strict=True))
            if len(new) > len(some):
                print(f"encoded {start + len(some)}/{len(new)}", file=sys.stderr, flush=True)

    def encode(self, texts: list[str]) -> np.ndarray:
        self.learn(texts)
        return np.stack([self.vectors[text] for text in texts])


def fit(pairs: Sequence[Pair], encoder: Remembering) -> None:
    """Write the two heads, without and with cosines, fitted on the pairs that no rule decides."""
    chance = random.Random(SEED)
    kept, rows = [], []
    for pair in pairs:
        if pair.reported:
            continue
        asked = Asked.of(None if chance.random() < WITHOUT_QUESTION else pair.question)
        one, two = take(pair.first, asked.bag), take(pair.second, asked.bag)
        if rules.decide(one, two, asked) is None:
            kept.append(pair)
            rows.append(features.of(one, two, asked))
    encoder.learn([text for pair in kept for text in (pair.first, pair.second)])
    X = np.array(rows)
    cosines = [[float(encoder.vectors[pair.first] @ encoder.vectors[pair.second])] for pair in kept]
    same = np.array([pair.same for pair in kept], dtype=float)
    weight, folds = importance(kept), np.array([hash_fold(pair.group) for pair in kept])
    heads, chosen = [], {}
    for name, columns in (("", X), (encoder.fingerprint, np.hstack([X, cosines]))):
        losses = {ridge: held_out_loss(columns, same, weight, folds, ridge) for ridge in RIDGES}
        ridge = min(losses, key=losses.__getitem__)
        chosen[name or "no encoder"] = {
            "ridge": ridge,
            "log_loss": {str(r): round(loss, 4) for r, loss in losses.items()},
        }
        heads.append(Head.fit(columns, same, weight, ridge, encoder=name))
    provenance = {
        "fitted_on": LICENCES,
        "pairs": len(kept),
        "same": int(same.sum()),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": SEED,
        "command": "python benchmarks/fit_equivalence.py DATA",
        "encoder": encoder.name,
        "cross_validation": chosen,
    }
    data = {"version": 1, "provenance": provenance, "heads": [one.to_json() for one in heads]}
    TARGET.write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    head.shipped.cache_clear()


def importance(pairs: Sequence[Pair]) -> np.ndarray:
    """Weights that make same and not the same equally heavy, and so the sources within each; mean 1."""
    kinds = [(pair.same, pair.source) for pair in pairs]
    counts = {kind: kinds.count(kind) for kind in set(kinds)}
    sources = {same: sum(kind[0] == same for kind in counts) for same in (True, False)}
    weights = np.array([1.0 / (counts[kind] * sources[kind[0]]) for kind in kinds])
    return np.asarray(weights * len(weights) / weights.sum())


def hash_fold(group: str) -> int:
    return sum(group.encode()) % FOLDS


def held_out_loss(X: np.ndarray, same: np.ndarray, weight: np.ndarray, folds: np.ndarray, ridge: float) -> float:
    """Weighted log-loss, each group's pairs judged by a head that saw none of them."""
    p = np.zeros(len(X))
    for fold in range(FOLDS):
        fitted = Head.fit(X[folds != fold], same[folds != fold], weight[folds != fold], ridge)
        size = len(fitted.weights)
        cosine = X[:, size] if X.shape[1] > size else np.zeros(len(X))
        for row in np.flatnonzero(folds == fold):
            p[row] = fitted.probability(X[row, :size], cosine[row])
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return float(np.average(-(same * np.log(p) + (1 - same) * np.log(1 - p)), weights=weight))


def scorers(encoder: Encoder) -> dict[str, tuple[Scorer, float]]:
    """How surely two answers to a question are the same, by each way, and from where on it says so."""
    return {
        "normalised exact": (lambda q, a, b: exact_match(a, [b]), 0.5),
        "token F1": (lambda q, a, b: token_f1(a, [b]), 0.4999),
        "ours": (lambda q, a, b: compare(a, b, question=q).probability, 0.5),
        "ours without question": (lambda q, a, b: compare(a, b).probability, 0.5),
        "ours with encoder": (lambda q, a, b: compare(a, b, question=q, encoder=encoder).probability, 0.5),
    }


def report(pairs: Sequence[Pair], encoder: Remembering) -> dict[str, Any]:
    """Figures per source on pairs of groups that nothing was fitted on."""
    found: dict[str, Any] = {}
    encoder.learn([text for pair in pairs for text in (pair.first, pair.second)])
    for source in sorted({pair.source for pair in pairs}):
        some = [pair for pair in pairs if pair.source == source]
        same = np.array([pair.same for pair in some])
        groups = [pair.group if source != "squad2" else pair.question for pair in some]
        found[source] = {"pairs": len(some), "same": int(same.sum())}
        for name, (score, threshold) in scorers(encoder).items():
            scores = np.array([score(pair.question, pair.first, pair.second) for pair in some])
            found[source][name] = figures(scores, same, groups, threshold)
            print(source, name, json.dumps(found[source][name]), file=sys.stderr, flush=True)
    return found


def figures(scores: np.ndarray, same: np.ndarray, groups: Sequence[str], threshold: float) -> dict[str, Any]:
    """Precision, recall, false accepts and AUROC, each as [value, low, high] (95 %, bootstrap over questions)."""
    said = scores > threshold
    metrics: dict[str, Callable[..., float]] = {
        "precision": lambda said, same, p: float(same[said].mean()) if said.any() else float("nan"),
        "recall": lambda said, same, p: float(said[same].mean()) if same.any() else float("nan"),
        "false_accepts": lambda said, same, p: float(said[~same].mean()) if (~same).any() else float("nan"),
        "auroc": lambda said, same, p: auroc(p, same) if 0 < same.sum() < len(same) else float("nan"),
    }
    found = {}
    for name, metric in metrics.items():
        estimate = bootstrap(metric, said, same, scores, groups=groups, draws=DRAWS)
        if np.isfinite(estimate.value):
            found[name] = [round(value, 4) for value in (estimate.value, estimate.low, estimate.high)]
    return found


if __name__ == "__main__":
    sys.exit(main())
