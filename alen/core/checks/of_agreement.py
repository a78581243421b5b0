"""Whether what looks at different things comes to the same."""

from __future__ import annotations

from collections.abc import Sequence

from alen.core.checks.looking import check
from alen.core.equivalence import equivalent, overlap
from alen.types import Check


def of_agreement(answer: str, others: Sequence[str]) -> Check:
    """Best token overlap with what other operators, which read differently, propose."""
    return check("agreement", max(overlap(answer, other) for other in others) if others else None, 0.5)


def of_computation(answer: str, computed: str | None) -> Check:
    """Whether an answer says the same as what was worked out from the question alone; not applicable where the question
    is no sum and no conversion."""
    return check("derived", None if computed is None else float(equivalent(computed, answer)), 1.0)
