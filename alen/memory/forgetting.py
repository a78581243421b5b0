"""Forgetting: what has run out or was not needed for long is first set aside, and purged when nobody missed it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from alen.memory import editing, faults, log, namespaces
from alen.memory.filters import VERIFIED
from alen.memory.identity import now
from alen.memory.sql import run
from alen.memory.store import Store
from alen.upkeep import ForgettingPolicy, Forgotten


def forget(store: Store, namespace: str, policy: ForgettingPolicy, dry_run: bool) -> list[Forgotten]:
    """See ``EpisodicMemory.forget``."""
    moment = datetime.now(UTC)
    with store.reading() if dry_run else store.writing() as connection:
        number = namespaces.find(connection, namespace)
        if number is None:
            return []
        chosen = _chosen(connection, number, policy, moment)
        if not dry_run:
            _archive(connection, number, [row.id for row, entry in chosen if entry.action == "archive"])
            faults.reach("forget:archived")
            purged = [row.id for row, entry in chosen if entry.action == "purge"]
            editing.remove(connection, purged)
            faults.reach("forget:purged")
            log.append(connection, number, "episode", purged, "delete")
        return [entry for _, entry in chosen]


def retention(row: Any, half_life_days: float, moment: datetime) -> float:
    """1 when it was just used, falling exponentially; what is used, sure and verified falls more slowly."""
    last = datetime.fromisoformat(row.last_used_at or row.created_at)
    days = max(0.0, (moment - last).total_seconds() / 86_400)
    verified = 1.5 if row.tier in VERIFIED else 1.0
    strength = row.strength * (1 + math.log1p(row.use_count)) * max(row.confidence, 0.1) * verified
    return math.exp(-math.log(2) * days / max(half_life_days * strength, 1e-9))


def _chosen(
    connection: sa.Connection, number: int, policy: ForgettingPolicy, moment: datetime
) -> list[tuple[Any, Forgotten]]:
    sql = (
        "SELECT id, uid, tier, status, confidence, created_at, updated_at, last_used_at, use_count, strength, "
        "expires_at FROM episode WHERE namespace_id = ? AND status IN ('active', 'archived') AND NOT pinned ORDER BY id"
    )
    stamp = moment.isoformat(timespec="milliseconds")
    grace = (moment - timedelta(days=policy.grace_days)).isoformat(timespec="milliseconds")
    found: list[tuple[Any, Forgotten]] = []
    left: list[Any] = []
    for row in run(connection, sql, (number,)):
        if row.status == "archived":
            if row.expires_at and row.expires_at <= stamp and row.updated_at <= grace:
                found.append((row, Forgotten(row.uid, "purge", "grace is over")))
        elif row.expires_at and row.expires_at <= stamp:
            found.append((row, Forgotten(row.uid, "archive", "expired")))
        elif row.tier != "gold":
            faded = policy.half_life_days is not None and (
                retention(row, policy.half_life_days, moment) < policy.least_retention
            )
            if faded:
                found.append((row, Forgotten(row.uid, "archive", "faded")))
            else:
                left.append(row)
    if policy.keep is not None:
        total = run(
            connection, "SELECT count(*) FROM episode WHERE namespace_id = ? AND status = 'active'", (number,)
        ).scalar()
        over = int(total or 0) - sum(entry.action == "archive" for _, entry in found) - policy.keep
        weakest = sorted(left, key=lambda row: retention(row, policy.half_life_days or 30.0, moment))
        found += [(row, Forgotten(row.uid, "archive", "too many")) for row in weakest[: max(over, 0)]]
    return found


def _archive(connection: sa.Connection, number: int, items: list[int]) -> None:
    """An end that was not set is set now: the grace runs from here."""
    moment = now()
    sql = (
        "UPDATE episode SET status = 'archived', updated_at = ?, expires_at = coalesce(expires_at, ?), "
        "version = version + 1 WHERE id = ?"
    )
    for item in items:
        run(connection, sql, (moment, moment, item))
    log.append(connection, number, "episode", items, "delete")
