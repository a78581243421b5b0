"""Whether operators that look at different things propose the same."""

from __future__ import annotations

from collections.abc import Sequence

from alen.core.checks.looking import check
from alen.core.equivalence import overlap
from alen.types import Check


def of_agreement(answer: str, others: Sequence[str]) -> Check:
    """Best token overlap with what other operators, which read differently, propose."""
    return check("agreement", max(overlap(answer, other) for other in others) if others else None, 0.5)
