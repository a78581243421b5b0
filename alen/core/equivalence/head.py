"""The fitted head: the probability that two answers say the same where no rule decides, by logistic regression."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from alen.core.calibration import sigmoid
from alen.core.equivalence.features import AGAINST, FOR, NAMES


@dataclass(frozen=True)
class Head:
    """``probability = 1 / (1 + exp(-(bias + weights · features)))``.

    ``cosine`` is the weight of the cosine of the two answers' vectors; a head that has one is for ``encoder`` alone."""

    bias: float
    weights: tuple[float, ...]
    cosine: float = 0.0
    encoder: str = ""
    provenance: dict[str, Any] = field(default_factory=dict)

    def probability(self, features: Sequence[float], cosine: float = 0.0) -> float:
        total = self.bias + self.cosine * cosine
        for weight, value in zip(self.weights, features, strict=True):
            total += weight * value
        return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, total))))

    @classmethod
    def fit(cls, features: np.ndarray, same: np.ndarray, importance: np.ndarray, ridge: float, **options: Any) -> Head:
        """Ridge logistic regression by Newton's method. ``features`` (n, d), ``same`` (n,) in {0, 1}, ``importance``
        (n,) weighs the rows; a column beyond the features' is the cosine. The ridge is on standardised columns. A
        feature whose weight would have the wrong sign is left out, one after the other."""
        mean, scale = features.mean(0), features.std(0)
        sign = np.zeros(features.shape[1])
        sign[: len(NAMES)] = [(name in FOR) - (name in AGAINST) for name in NAMES]
        used = scale > 1e-9
        while True:
            columns = (features[:, used] - mean[used]) / scale[used]
            theta = _newton(columns, same, importance, ridge)
            wrong = theta[:-1] * sign[used]
            if not (wrong < 0).any():
                break
            used[np.flatnonzero(used)[wrong.argmin()]] = False
        weights = np.zeros(features.shape[1])
        weights[used] = np.round(theta[:-1] / scale[used], 5)
        bias = round(float(theta[-1] - weights @ mean), 5)
        size = len(NAMES)
        return cls(bias, tuple(weights[:size].tolist()), float(weights[size:].sum()), **options)

    def to_json(self) -> dict[str, Any]:
        weights = dict(zip(NAMES, self.weights, strict=True))
        return {"bias": self.bias, "weights": weights, "cosine": self.cosine, "encoder": self.encoder}

    @classmethod
    def from_json(cls, data: dict[str, Any], provenance: dict[str, Any]) -> Head:
        weights = tuple(data["weights"][name] for name in NAMES)
        return cls(data["bias"], weights, data["cosine"], data["encoder"], provenance)


def _newton(columns: np.ndarray, same: np.ndarray, importance: np.ndarray, ridge: float) -> np.ndarray:
    X = np.hstack([columns, np.ones((len(columns), 1))])
    penalty = np.append(np.full(columns.shape[1], ridge), 0.0)
    theta = np.zeros(X.shape[1])
    for _ in range(100):
        p = sigmoid(X @ theta)
        gradient = X.T @ (importance * (p - same)) + penalty * theta
        curvature = (X * (importance * np.maximum(p * (1 - p), 1e-9))[:, None]).T @ X + np.diag(penalty + 1e-9)
        step = np.linalg.solve(curvature, gradient)
        theta = theta - step
        if np.abs(step).max() < 1e-9:
            break
    return theta


@cache
def shipped() -> dict[str, Head]:
    """The heads that come with ALEN by the fingerprint of their encoder; "" is the one that needs none."""
    data = json.loads(resources.files("alen.core.equivalence").joinpath("head.json").read_text("utf-8"))
    heads = [Head.from_json(head, data["provenance"]) for head in data["heads"]]
    return {head.encoder: head for head in heads}
