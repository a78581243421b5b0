"""The first schema: passages, episodes in four tiers, vectors, log, sessions, learned state, full text."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TOKENIZER = "porter unicode61 remove_diacritics 2"

# SQLite counts its own rows in an INTEGER, which has 64 bits there.
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")

FULL_TEXT = {
    "passage": (("title", "text"), "status = 'active'", "title, text, status"),
    "episode": (("question", "answer"), "recallable", "question, answer, status, tier"),
}
"""By table: what is searched, in which rows, and the columns on which both depend."""


def upgrade() -> None:
    _tables()
    if op.get_bind().dialect.name == "sqlite":
        for table in FULL_TEXT:
            _sqlite_full_text(table)
    else:
        _postgres_full_text()


def _sqlite_full_text(table: str) -> None:
    """An index of the rows to be shown, kept by triggers and so in the writer's own transaction. It holds no second
    copy of the text. The last column lets a search stay within one namespace."""
    columns, shown, watched = FULL_TEXT[table]
    names = ", ".join(columns)
    index = f"{table}_fts"
    op.execute(f"CREATE VIRTUAL TABLE {index} USING fts5({names}, ns, content='', tokenize='{TOKENIZER}')")

    def values(row: str) -> str:
        texts = ", ".join(f"coalesce({row}.{column}, '')" for column in columns)
        return f"{row}.id, {texts}, 'ns' || {row}.namespace_id"

    add = f"INSERT INTO {index}(rowid, {names}, ns) SELECT {values('new')} WHERE new.{shown};"
    # An index without the text must be told what the old row said to forget it.
    drop = f"INSERT INTO {index}({index}, rowid, {names}, ns) SELECT 'delete', {values('old')} WHERE old.{shown};"
    op.execute(f"CREATE TRIGGER {index}_insert AFTER INSERT ON {table} BEGIN {add} END")
    op.execute(f"CREATE TRIGGER {index}_delete AFTER DELETE ON {table} BEGIN {drop} END")
    op.execute(f"CREATE TRIGGER {index}_update AFTER UPDATE OF {watched} ON {table} BEGIN {drop} {add} END")


def _postgres_full_text() -> None:
    """A column computed by the server, with the same words as in SQLite: runs of letters and digits, their stems, and
    no stop words, which questions leave out themselves."""
    op.execute("CREATE TEXT SEARCH DICTIONARY alen_stem (TEMPLATE = snowball, Language = english)")
    op.execute("CREATE TEXT SEARCH CONFIGURATION alen (COPY = simple)")
    op.execute("ALTER TEXT SEARCH CONFIGURATION alen ALTER MAPPING FOR asciiword, word, numword WITH alen_stem")
    for table, (columns, shown, _) in FULL_TEXT.items():
        text = " || ' ' || ".join(f"coalesce({column}, '')" for column in columns)
        # A tsvector holds a megabyte.
        words = f"to_tsvector('alen', regexp_replace(left({text}, 200000), '[^[:alnum:]]+', ' ', 'g'))"
        op.execute(f"ALTER TABLE {table} ADD COLUMN words tsvector GENERATED ALWAYS AS ({words}) STORED")
        op.execute(f"CREATE INDEX ix_{table}_words ON {table} USING gin (words) WHERE {shown}")


def _tables() -> None:
    # PostgreSQL indexes only what it stores.
    stored = op.get_bind().dialect.name != "sqlite" or None
    op.create_table(
        "memory_meta",
        sa.Column("id", NUMBER, sa.CheckConstraint("id = 1"), primary_key=True),
        sa.Column("store_uuid", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
    )
    op.create_table(
        "namespace",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("path", sa.Text, nullable=False, unique=True),
        sa.Column("owner", sa.Text),
        sa.Column("policy_json", sa.Text),
        sa.Column("created_at", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "document",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("namespace_id", NUMBER, sa.ForeignKey("namespace.id"), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("content_hash", sa.LargeBinary),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Text, nullable=False),
        sa.UniqueConstraint("namespace_id", "source", name="uq_document_source"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "passage",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("namespace_id", NUMBER, sa.ForeignKey("namespace.id"), nullable=False),
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
    op.create_table(
        "session",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("namespace_id", NUMBER, sa.ForeignKey("namespace.id"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.UniqueConstraint("namespace_id", "name", name="uq_session_name"),
    )
    op.create_table(
        "episode",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("uid", sa.Text, nullable=False, unique=True),
        sa.Column("namespace_id", NUMBER, sa.ForeignKey("namespace.id"), nullable=False),
        sa.Column("kind", sa.Text, sa.CheckConstraint("kind IN ('taught', 'asked')"), nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("answer", sa.Text),
        sa.Column("context", sa.Text),
        sa.Column(
            "tier", sa.Text, sa.CheckConstraint("tier IN ('gold', 'proved', 'certified', 'unverified')"), nullable=False
        ),
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
        sa.Column(
            "recallable",
            sa.Boolean,
            sa.Computed("status = 'active' AND tier <> 'unverified' AND answer IS NOT NULL", stored),
        ),
        sa.Index("ix_episode_namespace", "namespace_id", "status", "id"),
        sa.Index("ix_episode_question", "namespace_id", "question_hash"),
        sa.Index("ix_episode_expiry", "expires_at"),
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
    op.create_table(
        "episode_tag",
        sa.Column("episode_id", NUMBER, sa.ForeignKey("episode.id"), primary_key=True),
        sa.Column("tag", sa.Text, primary_key=True),
        sa.Index("ix_episode_tag", "tag", "episode_id"),
    )
    op.create_table(
        "derived_from",
        sa.Column("child_id", NUMBER, sa.ForeignKey("episode.id"), primary_key=True),
        sa.Column(
            "parent_kind", sa.Text, sa.CheckConstraint("parent_kind IN ('passage', 'episode')"), primary_key=True
        ),
        sa.Column("parent_id", NUMBER, primary_key=True),
        sa.Index("ix_derived_parent", "parent_kind", "parent_id"),
    )
    op.create_table(
        "embedding_space",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("kind", sa.Text, sa.CheckConstraint("kind IN ('question', 'passage', 'sentence')"), nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("dim", sa.Integer, nullable=False),
        sa.Column("dtype", sa.Text, nullable=False),
        sa.Column("state", sa.Text, sa.CheckConstraint("state IN ('building', 'active', 'retired')"), nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.UniqueConstraint("kind", "fingerprint", name="uq_space"),
    )
    op.create_table(
        "embedding",
        sa.Column("space_id", NUMBER, sa.ForeignKey("embedding_space.id"), primary_key=True),
        sa.Column("item_id", NUMBER, primary_key=True),
        sa.Column("vec", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "memory_log",
        sa.Column("seq", NUMBER, primary_key=True),
        sa.Column("namespace_id", NUMBER, sa.ForeignKey("namespace.id"), nullable=False),
        sa.Column("item", sa.Text, sa.CheckConstraint("item IN ('passage', 'episode')"), nullable=False),
        sa.Column("item_id", NUMBER, nullable=False),
        sa.Column("op", sa.Text, sa.CheckConstraint("op IN ('upsert', 'delete')"), nullable=False),
        sa.Index("ix_log_namespace", "namespace_id", "seq"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "message",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("session_id", NUMBER, sa.ForeignKey("session.id"), nullable=False),
        sa.Column("role", sa.Text, sa.CheckConstraint("role IN ('user', 'assistant')"), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("episode_id", NUMBER, sa.ForeignKey("episode.id")),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Index("ix_message_session", "session_id", "id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "learned_state",
        sa.Column("namespace_id", NUMBER, sa.ForeignKey("namespace.id"), primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value_json", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Text, nullable=False),
    )
