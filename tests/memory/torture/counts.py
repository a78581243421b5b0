"""How often each failure is made to happen: a few times wherever tests run, and as often as promised by `make torture`,
which sets ALEN_TORTURE=full."""

from __future__ import annotations

import os
from typing import TypeVar

Number = TypeVar("Number", int, float)

FULL = os.environ.get("ALEN_TORTURE") == "full"


def times(full: Number, reduced: Number) -> Number:
    return full if FULL else reduced


KILLS = times(1000, 12)
REEMBED_KILLS = times(200, 6)
FLIPS = times(500, 12)
WRITERS = times(8, 3)
ROWS_OF_A_WRITER = times(5000, 40)
HANDOVERS = times(10_000, 300)
TENANTS = times(1000, 60)
CHURNED = times(4000, 800)
MACHINES = times(300, 25)
STEPS_OF_A_MACHINE = times(60, 25)
