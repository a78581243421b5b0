"""What the core has learned: an energy and a calibrator for each family of operators, with where they came from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

from alen.core import contradiction
from alen.core.abstention import Certificate
from alen.core.calibration import Calibrator
from alen.core.energy import Energy
from alen.core.record import Record
from alen.types import Check

VERSION = 2

UNBELIEVABLE = 40.0
"""The energy of what is not believed at all."""


@dataclass(frozen=True)
class Family:
    """``interval`` is that of a counted rate, for families that need no calibrator."""

    energy: Energy
    calibrator: Calibrator | None = None
    interval: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Belief:
    """Weighs a candidate. An unknown family is never believed: probability 0. So what a model reads or writes that
    nothing was fitted to is shown, and not said.

    ``record`` is what was right before (stored apart from the rest); ``certificates`` say from which probability on
    errors are bounded, ``coverage`` from which on a candidate belongs to a set that holds the right answer, by the
    share of questions it fails for; ``graded`` are probabilities of answers that nothing was fitted on, and whether
    they were right."""

    families: dict[str, Family]
    provenance: dict[str, Any] = field(default_factory=dict)
    record: Record = field(default_factory=Record)
    certificates: tuple[Certificate, ...] = ()
    coverage: dict[float, float] = field(default_factory=dict)
    graded: tuple[tuple[float, int], ...] = ()

    def at(self, effort: str) -> Belief:
        """What holds at an effort: certificates and sets were told from answers that were given with one effort."""
        if self.provenance.get("effort", effort) == effort:
            return self
        return replace(self, certificates=(), coverage={})

    def knows(self, family: str) -> bool:
        return family in self.families

    def knows_any(self, kind: str) -> bool:
        """Whether anything was fitted to a model of this kind, as "write"."""
        return any(name.partition(":")[0] == kind for name in self.families)

    def weighs(self, family: str, check: str) -> bool:
        """Whether a check makes any difference to candidates of a family."""
        known = self.families.get(family)
        return known is not None and any(term.name == check for term in known.energy.terms)

    def probability(self, family: str, checks: Sequence[Check]) -> float:
        """That of ``weigh``, without the rest."""
        known = self.families.get(family)
        if known is None:
            return 0.0
        return contradiction.shared((known.calibrator or _PLAIN).probability(-known.energy.of(checks)), checks)

    def weigh(self, family: str, checks: Sequence[Check]) -> tuple[float, float, tuple[float, float]]:
        """Energy, probability, interval."""
        known = self.families.get(family)
        if known is None:
            return UNBELIEVABLE, 0.0, (0.0, 1.0)
        alone = known.energy.of(checks)
        p = self.probability(family, checks)
        ends = known.calibrator.interval(-alone) if known.calibrator else known.interval
        low, high = (contradiction.shared(end, checks) for end in ends)
        energy = alone - contradiction.lost_by(checks)
        return round(energy, 4), round(p, 4), (round(min(low, p), 4), round(max(high, p), 4))

    def explained(self, family: str, checks: Sequence[Check]) -> tuple[Check, ...]:
        """The checks, each with its weight and the log-odds it adds; those that were never fitted have no weight and
        add nothing. What rivals take away follows from their odds: it is added without a weight."""
        known = self.families.get(family)
        if known is None:
            return tuple(replace(check, contribution=0.0) for check in checks)
        added = known.energy.contributions(checks) | {contradiction.NAME: contradiction.lost_by(checks)}
        weights = known.energy.weights
        return tuple(
            replace(check, weight=weights.get(check.name), contribution=round(added.get(check.name, 0.0), 4))
            for check in checks
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "provenance": self.provenance,
            "families": {
                name: {
                    "energy": family.energy.to_json(),
                    "calibrator": family.calibrator.to_json() if family.calibrator else None,
                    "interval": list(family.interval),
                }
                for name, family in self.families.items()
            },
            "certificates": [asdict(certificate) for certificate in self.certificates],
            "coverage": [[share, least] for share, least in self.coverage.items()],
            "graded": [list(pair) for pair in self.graded],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Belief:
        return cls(
            {
                name: Family(
                    Energy.from_json(family["energy"]),
                    Calibrator.from_json(family["calibrator"]) if family["calibrator"] else None,
                    (family["interval"][0], family["interval"][1]),
                )
                for name, family in data["families"].items()
            },
            data.get("provenance", {}),
            Record(),
            tuple(Certificate(**certificate) for certificate in data.get("certificates", ())),
            dict(data.get("coverage", ())),
            tuple((p, right) for p, right in data.get("graded", ())),
        )


_PLAIN = Calibrator(1.0, 0.0, (), ())


@cache
def default() -> Belief:
    """The belief that ships with ALEN, fitted as its ``provenance`` says."""
    return Belief.from_json(json.loads(files("alen.core").joinpath("default_calibration.json").read_text("utf-8")))
