"""Looks at a candidate, each oriented "higher = more likely right". No check sees a right answer; what cannot be
looked at is not applicable, never a pass.
"""

from __future__ import annotations

from alen.core.checks.looking import check, content_words, coverage, holds, type_fits
from alen.core.checks.of_agreement import of_agreement
from alen.core.checks.of_episodes import of_episode
from alen.core.checks.of_passages import of_passage, of_reading

__all__ = [
    "check",
    "content_words",
    "coverage",
    "holds",
    "of_agreement",
    "of_episode",
    "of_passage",
    "of_reading",
    "type_fits",
]
