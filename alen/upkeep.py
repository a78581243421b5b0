"""What keeping a memory in order takes and tells: frozen values that cross rooms."""

from __future__ import annotations

from dataclasses import dataclass

from alen.errors import BadInput

ALIKE = 0.97
"""Cosine from which two questions with the same answer are one. Different answers are never merged."""


LONGEST_DAYS = 100_000.0
"""Some 270 years: the calendar itself ends not far behind."""


@dataclass(frozen=True, slots=True)
class ForgettingPolicy:
    """``half_life_days``: how fast an episode that was never used fades (None: it does not); ``keep``: how many
    episodes a namespace may have (None: any number); ``grace_days``: how long what was set aside can be had back.
    Pinned episodes are never forgotten, and what a person taught only when it has run out."""

    half_life_days: float | None = None
    least_retention: float = 0.05
    keep: int | None = None
    grace_days: float = 30.0

    def __post_init__(self) -> None:
        for name in ("half_life_days", "keep", "grace_days"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise BadInput(name, str(value), "0 or more", "None leaves it out.")
        for name in ("half_life_days", "grace_days"):
            value = getattr(self, name)
            if value is not None and not value <= LONGEST_DAYS:
                raise BadInput(name, str(value), f"at most {LONGEST_DAYS:,.0f} days", "None leaves it out.")
        if not 0.0 < self.least_retention < 1.0:
            raise BadInput("least_retention", str(self.least_retention), "a number between 0 and 1", "0.05 is usual.")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """``action`` is archive or purge; ``reason`` is expired, faded, too many or grace is over."""

    uid: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class Merged:
    """``kept`` stays, ``folded`` are set aside below it."""

    kept: str
    folded: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """``digest`` is SHA-256 over the sorted ids of what was erased, so that two parties can compare without content.
    ``namespace`` is gone as a whole when ``whole`` is true."""

    namespace: str
    whole: bool
    episodes: int
    passages: int
    messages: int
    at: str
    digest: str
