"""What the core has learned: an energy and a calibrator for each family of operators, with where they came from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from alen.core.calibration import Calibrator
from alen.core.energy import Energy
from alen.types import Check

VERSION = 1


@dataclass(frozen=True)
class Family:
    """``interval`` is that of a counted rate, for families that need no calibrator."""

    energy: Energy
    calibrator: Calibrator | None = None
    interval: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Belief:
    """Weighs a candidate: (energy, probability, interval). An unknown family is never believed: probability 0. So what
    a model reads that nothing was fitted to is shown, and not said."""

    families: dict[str, Family]
    provenance: dict[str, Any] = field(default_factory=dict)

    def weigh(self, family: str, checks: Sequence[Check]) -> tuple[float, float, tuple[float, float]]:
        known = self.families.get(family)
        if known is None:
            return 40.0, 0.0, (0.0, 1.0)
        energy = known.energy.of(checks)
        calibrator = known.calibrator or _PLAIN
        p = calibrator.probability(-energy)
        low, high = calibrator.interval(-energy) if known.calibrator else known.interval
        return round(energy, 4), round(p, 4), (round(min(low, p), 4), round(max(high, p), 4))

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
        )


_PLAIN = Calibrator(1.0, 0.0, (), ())


@cache
def default() -> Belief:
    """The belief that ships with ALEN, fitted as its ``provenance`` says."""
    return Belief.from_json(json.loads(files("alen.core").joinpath("default_calibration.json").read_text("utf-8")))
