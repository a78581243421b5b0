"""Which episodes a recall may see: conditions that become SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, get_args

from alen.errors import BadInput
from alen.memory.identity import now
from alen.types import Tier

VERIFIED = ("gold", "proved", "certified")


@dataclass(frozen=True, slots=True)
class Where:
    """Every condition that is given holds. ``tags``: all of them; ``sources`` and ``tiers``: one of them; ``since`` and
    ``until``: when it was stored, ISO 8601; ``as_of``: what was held to be right at that moment, also if it was
    superseded later. Raises BadInput naming the field."""

    tags: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    min_confidence: float = 0.0
    since: str | None = None
    until: str | None = None
    as_of: str | None = None
    moments: dict[str, str] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.tiers:
            if name not in get_args(Tier):
                raise BadInput("tiers", repr(name), ", ".join(get_args(Tier)), "What a person taught is gold.")
        sure = self.min_confidence
        if not (isinstance(sure, int | float) and 0.0 <= sure <= 1.0):
            raise BadInput("min_confidence", repr(sure)[:80], "a number from 0 to 1", "0 lets all through.")
        for name in ("since", "until", "as_of"):
            value = getattr(self, name)
            if value is not None:
                self.moments[name] = moment(name, value)

    def __bool__(self) -> bool:
        return self is not EVERYTHING and self != EVERYTHING

    @classmethod
    def of(cls, conditions: Mapping[str, Any] | None) -> Where:
        """From a mapping; one text stands for a list of one. Raises BadInput for an unknown name."""
        if not conditions:
            return EVERYTHING
        known = {each.name for each in fields(cls) if each.init}
        values: dict[str, Any] = {}
        for name, value in conditions.items():
            if name not in known:
                raise BadInput("where", repr(name), ", ".join(sorted(known)), "Name one of these conditions.")
            listed = name in {"tags", "sources", "tiers"}
            values[name] = ((value,) if isinstance(value, str) else tuple(value)) if listed else value
        return cls(**values)

    def sql(self, *, by_tag: bool = False) -> tuple[str, list[Any]]:
        """A condition on ``episode e``, and its values; ``by_tag`` for a statement that shall begin with what has a
        tag, and not look for the tag of what it has found."""
        tagged = "e.id IN (SELECT t.episode_id FROM episode_tag t WHERE t.tag = ?)"
        if not by_tag:
            tagged = "EXISTS (SELECT 1 FROM episode_tag t WHERE t.episode_id = e.id AND t.tag = ?)"
        parts: list[str] = []
        values: list[Any] = []
        if self.as_of is None:
            parts.append("e.recallable AND (e.expires_at IS NULL OR e.expires_at > ?)")
            values.append(now())
        else:
            # What feedback called wrong was never right.
            parts.append(
                "e.status IN ('active', 'superseded', 'archived') AND e.tier <> 'unverified' AND e.answer IS NOT NULL "
                "AND e.valid_from <= ? AND (e.valid_to IS NULL OR e.valid_to > ?)"
            )
            values += [self.moments["as_of"]] * 2
        for column, allowed in (("source", self.sources), ("tier", self.tiers)):
            if allowed:
                parts.append(f"e.{column} IN ({_marks(allowed)})")
                values += allowed
        for tag in dict.fromkeys(self.tags):
            parts.append(tagged)
            values.append(tag)
        if self.min_confidence:
            parts.append("e.confidence >= ?")
            values.append(self.min_confidence)
        for name, sign in (("since", ">="), ("until", "<=")):
            if name in self.moments:
                parts.append(f"e.created_at {sign} ?")
                values.append(self.moments[name])
        return " AND ".join(parts), values


EVERYTHING = Where()


def moment(name: str, value: str) -> str:
    """UTC with milliseconds, as the database has it. A day alone is its beginning. Raises BadInput."""
    try:
        parsed = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        raise BadInput(name, repr(value), "a date or time in ISO 8601", "For example 2026-03-01T12:00:00Z.") from None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return parsed.astimezone(UTC).isoformat(timespec="milliseconds")


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))
