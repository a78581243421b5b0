"""The tables of memory, as SQLAlchemy sees them; the migrations make them, and a test holds both together."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

HEAD = "0001"
"""The newest migration. A store at this version opens without loading Alembic."""

metadata = sa.MetaData()

TIERS = ("gold", "proved", "certified", "unverified")
"""How an episode earned its place; only the first three are recalled as answers."""

RECALLABLE = "status = 'active' AND tier <> 'unverified' AND answer IS NOT NULL"
"""The one definition of an episode that may be recalled; a column computed by the database."""


def _key() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _namespace() -> sa.Column[int]:
    return sa.Column("namespace_id", sa.Integer, sa.ForeignKey("namespace.id"), nullable=False)


memory_meta = sa.Table(
    "memory_meta",
    metadata,
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
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
    sa.Column("document_id", sa.Integer, sa.ForeignKey("document.id"), nullable=False),
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
    sa.Index("ix_passage_unembedded", "namespace_id", sqlite_where=sa.text("NOT embedded AND status = 'active'")),
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
    sa.Column("session_id", sa.Integer, sa.ForeignKey("session.id")),
    sa.Column("supersedes_id", sa.Integer, sa.ForeignKey("episode.id")),
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
    sa.Column("recallable", sa.Boolean, sa.Computed(RECALLABLE, persisted=False)),
    sa.Index("ix_episode_namespace", "namespace_id", "status", "id"),
    sa.Index("ix_episode_question", "namespace_id", "question_hash"),
    sa.Index("ix_episode_expiry", "expires_at"),
    sa.Index(
        "uq_episode_content",
        "namespace_id",
        "content_hash",
        unique=True,
        sqlite_where=sa.text("kind = 'taught' AND status <> 'superseded'"),
    ),
    sqlite_autoincrement=True,
)

episode_tag = sa.Table(
    "episode_tag",
    metadata,
    sa.Column("episode_id", sa.Integer, sa.ForeignKey("episode.id"), primary_key=True),
    sa.Column("tag", sa.Text, primary_key=True),
    sa.Index("ix_episode_tag", "tag", "episode_id"),
)

derived_from = sa.Table(
    "derived_from",
    metadata,
    sa.Column("child_id", sa.Integer, sa.ForeignKey("episode.id"), primary_key=True),
    sa.Column("parent_kind", sa.Text, sa.CheckConstraint("parent_kind IN ('passage', 'episode')"), primary_key=True),
    sa.Column("parent_id", sa.Integer, primary_key=True),
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
    sa.Column("space_id", sa.Integer, sa.ForeignKey("embedding_space.id"), primary_key=True),
    sa.Column("item_id", sa.Integer, primary_key=True),
    sa.Column("vec", sa.LargeBinary, nullable=False),
)

# Ids only, never text: from it every process keeps its vector index fresh.
memory_log = sa.Table(
    "memory_log",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True),
    _namespace(),
    sa.Column("item", sa.Text, sa.CheckConstraint("item IN ('passage', 'episode')"), nullable=False),
    sa.Column("item_id", sa.Integer, nullable=False),
    sa.Column("op", sa.Text, sa.CheckConstraint("op IN ('upsert', 'delete')"), nullable=False),
    sa.Index("ix_log_namespace", "namespace_id", "seq"),
    sqlite_autoincrement=True,
)

message = sa.Table(
    "message",
    metadata,
    _key(),
    sa.Column("session_id", sa.Integer, sa.ForeignKey("session.id"), nullable=False),
    sa.Column("role", sa.Text, sa.CheckConstraint("role IN ('user', 'assistant')"), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("episode_id", sa.Integer, sa.ForeignKey("episode.id")),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Index("ix_message_session", "session_id", "id"),
    sqlite_autoincrement=True,
)

learned_state = sa.Table(
    "learned_state",
    metadata,
    sa.Column("namespace_id", sa.Integer, sa.ForeignKey("namespace.id"), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value_json", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
)


def insert(connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> int:
    """Insert one row and give its id."""
    key = connection.execute(sa.insert(table), row).inserted_primary_key
    assert key is not None  # a single row always has one
    return int(key[0])
