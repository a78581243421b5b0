"""Energy: minus the log-odds of being right, a sum of weighted checks, so that zero is a coin toss.

E = -(bias + Σ applicable w·(φ - mean)/scale + Σ not applicable u), with w ≥ 0: every check is oriented so that more
of it means more likely right, and fitting may ignore a check but never turn it round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alen.core.weights import RIDGE, SHARED_RIDGE, columns, projected, usual_weights
from alen.types import Check


@dataclass(frozen=True)
class Term:
    """One check's share of the energy. ``missing`` is added when the check does not apply."""

    name: str
    mean: float
    scale: float
    weight: float
    missing: float = 0.0

    def log_odds(self, value: float | None) -> float:
        return self.missing if value is None else self.weight * (value - self.mean) / self.scale


@dataclass(frozen=True)
class Energy:
    """The energy of one family of operators."""

    bias: float
    terms: tuple[Term, ...]

    def of(self, checks: Sequence[Check]) -> float:
        """Energy of a candidate from its checks. A check without a term adds nothing."""
        values = {check.name: check.value for check in checks}
        return -(self.bias + sum(term.log_odds(values.get(term.name)) for term in self.terms))

    def contributions(self, checks: Sequence[Check]) -> dict[str, float]:
        """Log-odds each check added, by name."""
        values = {check.name: check.value for check in checks}
        return {term.name: term.log_odds(values.get(term.name)) for term in self.terms}

    @classmethod
    def fit(
        cls,
        rows: Sequence[Sequence[Check]],
        labels: np.ndarray,
        *,
        names: Sequence[str],
        ridge: float = RIDGE,
        usual: Mapping[str, float] | None = None,
    ) -> Energy:
        """Ridge logistic regression with non-negative weights, by accelerated projected gradient.

        ``rows`` are the checks of n candidates, ``labels`` (n,) in {0, 1} whether each was right. A check that never
        applies, or never varies, gets no term; one that applies to some rows only gets a free weight for the rest.
        The ridge draws each weight to the ``usual`` one of its check, to zero where there is none."""
        values, kept, free, centre = [], [], [], []
        for column in columns(rows, names):
            values.append(column.standard)
            free.append(False)
            centre.append((usual or {}).get(column.name, 0.0))
            partial = 0.02 < column.seen.mean() < 0.98
            if partial:
                values.append((~column.seen).astype(float))
                free.append(True)
                centre.append(0.0)
            kept.append((column, partial))
        X = np.stack(values, axis=1) if values else np.zeros((len(rows), 0))
        y = labels.astype(float)
        weights, bias = projected(X, y, np.array(free, dtype=bool), np.full(X.shape[1], ridge), np.array(centre))
        terms, at = [], 0
        for column, partial in kept:
            weight, missing = float(weights[at]), float(weights[at + 1]) if partial else 0.0
            at += 2 if partial else 1
            if weight > 1e-6 or missing:
                terms.append(Term(column.name, *map(_short, (column.mean, column.scale, weight, missing))))
        return cls(round(bias, 5), tuple(terms))

    @classmethod
    def shared(
        cls,
        rows: Sequence[Sequence[Check]],
        labels: np.ndarray,
        parts: Sequence[str],
        *,
        names: Sequence[str],
        ridge: float = SHARED_RIDGE,
        usual: Mapping[str, float] | None = None,
    ) -> Energy:
        """What several data sets have in common, for questions of a kind that none of them is.

        ``parts`` names the set of each row. Each has a bias of its own while the weights are fitted, which is left out
        afterwards, and a check that does not apply adds nothing: both would tell the set, and how often its answers are
        right, of which a new kind of question knows nothing. A calibrator puts the mean right."""
        part_N = np.array(parts)
        places = [np.flatnonzero(part_N == part).tolist() for part in dict.fromkeys(parts)]
        weights = usual_weights([([rows[i] for i in own], labels[own]) for own in places], names, ridge, usual)
        found = {column.name: column for column in columns(rows, names)}
        scales = {name: (_short(found[name].mean), _short(found[name].scale)) for name in weights}
        return cls(0.0, tuple(Term(name, *scales[name], weight) for name, weight in weights.items()))

    @property
    def weights(self) -> dict[str, float]:
        """By check, in log-odds for each standard deviation."""
        return {term.name: term.weight for term in self.terms}

    def to_json(self) -> dict[str, Any]:
        return {"bias": self.bias, "terms": [{slot: getattr(term, slot) for slot in _SLOTS} for term in self.terms]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Energy:
        return cls(data["bias"], tuple(Term(**term) for term in data["terms"]))


def _short(number: float) -> float:
    """Six digits, wherever the point is: a small scale must not become zero."""
    return float(f"{number:.6g}")


_SLOTS = tuple(Term.__dataclass_fields__)
