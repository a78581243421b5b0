"""The tables of memory, as SQLAlchemy sees them; the migrations make them, and a test holds both together."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from alen.memory.sql import run

HEAD = "0003"
"""The newest migration. A store at this version opens without loading Alembic."""

metadata = sa.MetaData()

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")

TIERS = ("gold", "proved", "certified", "unverified")
"""How an episode earned its place; only the first three are recalled as answers."""

RECALLABLE = "status = 'active' AND tier <> 'unverified' AND answer IS NOT NULL"
"""The one definition of an episode that may be recalled; a column computed by the database."""


def _key() -> sa.Column[int]:
    return sa.Column("id", NUMBER, primary_key=True)


def _namespace() -> sa.Column[int]:
    return sa.Column("namespace_id", NUMBER, sa.ForeignKey("namespace.id"), nullable=False)


def _where_given(name: str, *columns: str, unique: bool = False) -> sa.Index:
    """Of the rows in which the last column is not null."""
    where = sa.text(f"{columns[-1]} IS NOT NULL")
    return sa.Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


memory_meta = sa.Table(
    "memory_meta",
    metadata,
    sa.Column("id", NUMBER, sa.CheckConstraint("id = 1"), primary_key=True),
    sa.Column("store_uuid", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
)

namespace = sa.Table(
    "namespace",
    metadata,
    _key(),
    sa.Column("path", sa.Text, nullable=False, unique=True),
    sa.Column("owner", sa.Text),
    sa.Column("policy_json", sa.Text),
    sa.Column("created_at", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)

document = sa.Table(
    "document",
    metadata,
    _key(),
    _namespace(),
    sa.Column("source", sa.Text, nullable=False),
    # NULL while a large document is still being taught in several transactions.
    sa.Column("content_hash", sa.LargeBinary),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
    sa.UniqueConstraint("namespace_id", "source", name="uq_document_source"),
    sqlite_autoincrement=True,
)

# A reused id would let a stale entry of another process's index name a different passage: hence autoincrement.
passage = sa.Table(
    "passage",
    metadata,
    _key(),
    _namespace(),
    sa.Column("document_id", NUMBER, sa.ForeignKey("document.id"), nullable=False),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("external_id", sa.Text),
    sa.Column("title", sa.Text),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("page", sa.Integer),
    sa.Column("char_start", sa.Integer, nullable=False),
    sa.Column("char_end", sa.Integer, nullable=False),
    sa.Column("sentences", sa.Text, nullable=False),
    sa.Column("content_hash", sa.LargeBinary, nullable=False),
    sa.Column("status", sa.Text, sa.CheckConstraint("status IN ('active', 'retired')"), nullable=False),
    sa.Column("embedded", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("retired_at", sa.Text),
    sa.Index("ix_passage_document", "document_id", "status"),
    sa.Index("ix_passage_namespace", "namespace_id", "status", "id"),
    sa.Index(
        "ix_passage_unembedded",
        "namespace_id",
        sqlite_where=sa.text("NOT embedded AND status = 'active'"),
        postgresql_where=sa.text("NOT embedded AND status = 'active'"),
    ),
    sqlite_autoincrement=True,
)

session = sa.Table(
    "session",
    metadata,
    _key(),
    _namespace(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.UniqueConstraint("namespace_id", "name", name="uq_session_name"),
)

episode = sa.Table(
    "episode",
    metadata,
    _key(),
    sa.Column("uid", sa.Text, nullable=False, unique=True),
    _namespace(),
    sa.Column("kind", sa.Text, sa.CheckConstraint("kind IN ('taught', 'asked')"), nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("answer", sa.Text),
    sa.Column("context", sa.Text),
    sa.Column("tier", sa.Text, sa.CheckConstraint(f"tier IN {TIERS}"), nullable=False),
    sa.Column("confidence", sa.Float, sa.CheckConstraint("confidence BETWEEN 0 AND 1"), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("detail_json", sa.Text, nullable=False),
    sa.Column("content_hash", sa.LargeBinary, nullable=False),
    sa.Column("question_hash", sa.LargeBinary, nullable=False),
    sa.Column("answer_hash", sa.LargeBinary),
    sa.Column(
        "status",
        sa.Text,
        sa.CheckConstraint("status IN ('active', 'archived', 'superseded', 'quarantined')"),
        nullable=False,
    ),
    sa.Column("session_id", NUMBER, sa.ForeignKey("session.id")),
    sa.Column("supersedes_id", NUMBER, sa.ForeignKey("episode.id")),
    sa.Column("valid_from", sa.Text),
    sa.Column("valid_to", sa.Text),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
    sa.Column("last_used_at", sa.Text),
    sa.Column("use_count", sa.Integer, nullable=False, server_default="0"),
    sa.Column("strength", sa.Float, nullable=False, server_default="1"),
    sa.Column("pinned", sa.Boolean, nullable=False, server_default="0"),
    sa.Column("expires_at", sa.Text),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("embedded", sa.Boolean, nullable=False),
    sa.Column("recallable", sa.Boolean, sa.Computed(RECALLABLE)),
    sa.Column("idempotency_key", sa.Text),
    _where_given("uq_episode_key", "namespace_id", "idempotency_key", unique=True),
    _where_given("ix_episode_supersedes", "supersedes_id"),
    sa.Index("ix_episode_namespace", "namespace_id", "status", "id"),
    sa.Index("ix_episode_question", "namespace_id", "question_hash"),
    sa.Index("ix_episode_expiry", "expires_at"),
    sa.Index(
        "ix_episode_unembedded",
        "namespace_id",
        sqlite_where=sa.text("NOT embedded AND recallable"),
        postgresql_where=sa.text("NOT embedded AND recallable"),
    ),
    sa.Index(
        "uq_episode_content",
        "namespace_id",
        "content_hash",
        unique=True,
        sqlite_where=sa.text("kind = 'taught' AND status <> 'superseded'"),
        postgresql_where=sa.text("kind = 'taught' AND status <> 'superseded'"),
    ),
    sqlite_autoincrement=True,
)

episode_tag = sa.Table(
    "episode_tag",
    metadata,
    sa.Column("episode_id", NUMBER, sa.ForeignKey("episode.id"), primary_key=True),
    sa.Column("tag", sa.Text, primary_key=True),
    sa.Index("ix_episode_tag", "tag", "episode_id"),
)

derived_from = sa.Table(
    "derived_from",
    metadata,
    sa.Column("child_id", NUMBER, sa.ForeignKey("episode.id"), primary_key=True),
    sa.Column("parent_kind", sa.Text, sa.CheckConstraint("parent_kind IN ('passage', 'episode')"), primary_key=True),
    sa.Column("parent_id", NUMBER, primary_key=True),
    sa.Index("ix_derived_parent", "parent_kind", "parent_id"),
)

embedding_space = sa.Table(
    "embedding_space",
    metadata,
    _key(),
    sa.Column("kind", sa.Text, sa.CheckConstraint("kind IN ('question', 'passage', 'sentence')"), nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("dim", sa.Integer, nullable=False),
    sa.Column("dtype", sa.Text, nullable=False),
    sa.Column("state", sa.Text, sa.CheckConstraint("state IN ('building', 'active', 'retired')"), nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.UniqueConstraint("kind", "fingerprint", name="uq_space"),
)

# Apart from the texts, so that scans of texts do not drag vectors along. A sentence space keeps all sentences of a
# passage in one value: rows of ``dim`` little-endian half floats one after another.
embedding = sa.Table(
    "embedding",
    metadata,
    sa.Column("space_id", NUMBER, sa.ForeignKey("embedding_space.id"), primary_key=True),
    sa.Column("item_id", NUMBER, primary_key=True),
    sa.Column("vec", sa.LargeBinary, nullable=False),
)

# Ids only, never text: from it every process keeps its vector index fresh.
memory_log = sa.Table(
    "memory_log",
    metadata,
    sa.Column("seq", NUMBER, primary_key=True),
    _namespace(),
    sa.Column("item", sa.Text, sa.CheckConstraint("item IN ('passage', 'episode')"), nullable=False),
    sa.Column("item_id", NUMBER, nullable=False),
    sa.Column("op", sa.Text, sa.CheckConstraint("op IN ('upsert', 'delete')"), nullable=False),
    sa.Column("nonce", sa.LargeBinary),
    sa.Index("ix_log_namespace", "namespace_id", "seq"),
    sqlite_autoincrement=True,
)

# What an episode was before each change, with the version it had.
episode_history = sa.Table(
    "episode_history",
    metadata,
    sa.Column("episode_id", NUMBER, sa.ForeignKey("episode.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("replaced_at", sa.Text, nullable=False),
    sa.Column("fields_json", sa.Text, nullable=False),
)

# How much was erased, when, and the digest of the ids: nothing of what it said.
erasure = sa.Table(
    "erasure",
    metadata,
    _key(),
    sa.Column("namespace", sa.Text, nullable=False),
    sa.Column("episodes", sa.Integer, nullable=False),
    sa.Column("passages", sa.Integer, nullable=False),
    sa.Column("messages", sa.Integer, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)

message = sa.Table(
    "message",
    metadata,
    _key(),
    sa.Column("session_id", NUMBER, sa.ForeignKey("session.id"), nullable=False),
    sa.Column("role", sa.Text, sa.CheckConstraint("role IN ('user', 'assistant')"), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("episode_id", NUMBER, sa.ForeignKey("episode.id")),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Index("ix_message_session", "session_id", "id"),
    _where_given("ix_message_episode", "episode_id"),
    sqlite_autoincrement=True,
)

learned_state = sa.Table(
    "learned_state",
    metadata,
    sa.Column("namespace_id", NUMBER, sa.ForeignKey("namespace.id"), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value_json", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
)


def insert(connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> int:
    """Insert one row and give its id."""
    key = connection.execute(sa.insert(table), row).inserted_primary_key
    assert key is not None  # a single row always has one
    return int(key[0])


def reserve(connection: sa.Connection, table: sa.Table, count: int) -> list[int]:
    """Ids for so many rows that are about to be inserted, in order. Needs a write transaction."""
    if connection.dialect.name == "sqlite":
        # The one writer counts on from the highest id there ever was, as the database itself would.
        last = run(connection, "SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)).scalar() or 0
        return list(range(last + 1, last + 1 + count))
    sql = "SELECT nextval(pg_get_serial_sequence(?, 'id')) FROM generate_series(1, ?)"
    return sorted(run(connection, sql, (table.name, count)).scalars())
