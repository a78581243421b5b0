"""The words of new episodes are indexed by whoever inserts them, many at once, and no longer by a trigger: at every row
that a trigger adds, FTS5 writes out what it holds. And an index of what has no vector yet, without which every opening
looks through all episodes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER episode_fts_insert")
    missing = sa.text("NOT embedded AND recallable")
    op.create_index(
        "ix_episode_unembedded",
        "episode",
        ["namespace_id"],
        if_not_exists=True,
        sqlite_where=missing,
        postgresql_where=missing,
    )
