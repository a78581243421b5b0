"""Places at which a test makes the process die, to see what is left behind; passing one costs next to nothing."""

from __future__ import annotations

import os

POINTS = frozenset(
    """
    file:opened file:written file:flushed file:renamed
    seal:begun seal:built seal:manifest seal:published seal:collecting
    discard:begun discard:removed
    teach:inserted teach:logged passages:inserted passages:retired
    edit:kept edit:written delete:removed merge:folded merge:unfolded forget:archived forget:purged
    erase:deleted erase:committed erase:scrubbed erase:unsealed scrub:merged scrub:vacuumed
    reembed:begun reembed:written reembed:changing reembed:changed reembed:dropped
    export:episodes export:documents export:manifest
    import:inserted import:committed
    transaction:done transaction:committed store:migrated
    """.split()
)
"""Every place there is. A test dies at each of them, each time that it is passed."""

_NAME, _, _TIME = os.environ.get("ALEN_FAULT", "").partition("#")
_left = int(_TIME or 1)


def reach(point: str) -> None:
    """Ends the process as kill -9 does when ``ALEN_FAULT`` names this point; ``NAME#3`` is the third time."""
    global _left
    if point == _NAME:
        _left -= 1
        if _left == 0:
            os._exit(137)
