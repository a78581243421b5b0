"""The reasoning core: operators propose, checks look, energy weighs, calibration gives a probability."""

from __future__ import annotations

from alen.core.calibration import Calibrator
from alen.core.energy import Energy
from alen.core.reasoner import Reasoner
from alen.thought import ThoughtState

__all__ = ["Calibrator", "Energy", "Reasoner", "ThoughtState"]
