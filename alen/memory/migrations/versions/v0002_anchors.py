"""Random numbers in the log, by which an index knows the database that it was made from; what episodes were before they
were changed; what was erased, without its content; keys of repeated requests; and indexes of what refers to episodes,
without which the database looks through all rows for each one that is deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_PARTIAL = (
    ("episode", "uq_episode_key", ["namespace_id", "idempotency_key"], True),
    ("episode", "ix_episode_supersedes", ["supersedes_id"], False),
    ("message", "ix_message_episode", ["episode_id"], False),
)

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("memory_log", sa.Column("nonce", sa.LargeBinary))
    op.create_table(
        "episode_history",
        sa.Column("episode_id", NUMBER, sa.ForeignKey("episode.id"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("replaced_at", sa.Text, nullable=False),
        sa.Column("fields_json", sa.Text, nullable=False),
    )
    op.create_table(
        "erasure",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("episodes", sa.Integer, nullable=False),
        sa.Column("passages", sa.Integer, nullable=False),
        sa.Column("messages", sa.Integer, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.add_column("episode", sa.Column("idempotency_key", sa.Text))
    for table, name, columns, unique in _PARTIAL:
        where = sa.text(f"{columns[-1]} IS NOT NULL")
        op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)
