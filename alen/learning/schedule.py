"""How the learning rate changes over a run, as a factor of its peak."""

from __future__ import annotations

import math
from typing import Literal

Schedule = Literal["cosine", "wsd", "linear", "constant"]


def factor(
    step: int, total: int, *, schedule: Schedule = "cosine", warm_up: int = 0, floor: float = 0.1, decay: float = 0.2
) -> float:
    """Of step ``step`` (from 0) of ``total``.

    It rises in a line over the first ``warm_up`` steps. ``cosine`` then falls along half a cosine to ``floor`` at the
    last step (Loshchilov and Hutter, 2017), ``linear`` in a line; ``wsd`` stays, and falls in a line over the last
    ``decay`` of all steps (warm-up, stable, decay: Hu et al., 2024, "MiniCPM"); ``constant`` stays."""
    if step < warm_up:
        return (step + 1) / warm_up
    if schedule == "constant":
        return 1.0
    fall = round(decay * total) if schedule == "wsd" else total - warm_up
    gone = min(1.0, max(0.0, (step - (total - fall)) / max(1, fall - 1)))
    left = 0.5 * (1 + math.cos(math.pi * gone)) if schedule == "cosine" else 1.0 - gone
    return floor + (1 - floor) * left
