"""ValidationMetrics: all figures of one validation, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from alen.validation.figures import FIGURES
from alen.validation.graded import Graded
from alen.validation.intervals import NOT_APPLICABLE, Estimate
from alen.validation.sample import Safe, Sample

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class ValidationMetrics:
    """``metrics["brier"]`` is an Estimate (value, low, high, n); the six headline figures are attributes as plain
    numbers. What could not be measured is NaN with n = 0."""

    estimates: dict[str, Estimate]

    @classmethod
    def of(
        cls,
        rows: Sequence[Graded],
        *,
        safe: Safe | None = None,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> ValidationMetrics:
        """Measure every figure. ``safe`` tells whether a text claims nothing of itself that a machine cannot."""
        sample = Sample(rows, safe)
        found = {}
        for done, figure in enumerate(FIGURES, 1):
            found[figure.name] = figure.of(sample) if rows else NOT_APPLICABLE
            if progress:
                progress("measuring", done, len(FIGURES))
        return cls(found)

    def __getitem__(self, name: str) -> Estimate:
        return self.estimates[name]

    @property
    def reasoning_accuracy(self) -> float:
        return self["reasoning_accuracy"].value

    @property
    def answer_accuracy(self) -> float:
        return self["answer_accuracy"].value

    @property
    def verification_rate(self) -> float:
        return self["verification_rate"].value

    @property
    def expected_calibration_error(self) -> float:
        return self["expected_calibration_error"].value

    @property
    def uncertainty_auroc(self) -> float:
        return self["uncertainty_auroc"].value

    @property
    def safe_first_person_rate(self) -> float:
        return self["safe_first_person_rate"].value

    def to_json(self) -> dict[str, dict[str, Any]]:
        """``{name: {value, low, high, n}}``; null where nothing could be measured."""
        return {name: estimate.to_json() for name, estimate in self.estimates.items()}
