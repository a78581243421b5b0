"""Full-text search by BM25: a user's words become a query that cannot be anything but words."""

from __future__ import annotations

import re

import sqlalchemy as sa

_WORD = re.compile(r"[^\W_]+")

_STOP = """
a an and are as at be been being by did do does for from had has have he her his in is it its of on or she such than
that the their them then there these they this those to was were what when where which who whom whose why will with
"""
STOP_WORDS = frozenset(_STOP.split())
"""Words that say nothing about the matter of a question."""

TITLE_WEIGHT = 1.0
"""Of a word in the title against one in the text."""

TERMS_AT_MOST = 64
"""Longer texts are cut here: their later words rarely decide and each costs time."""


def terms(text: str) -> list[str]:
    """The words of a text that count, each once; all words when nothing but stop words is left."""
    words = list(dict.fromkeys(word.casefold() for word in _WORD.findall(text)))
    return ([word for word in words if word not in STOP_WORDS] or words)[:TERMS_AT_MOST]


def match(columns: str, namespace: int, words: list[str]) -> str:
    """An FTS5 expression: any of the words, within one namespace. Quoted, so no word is an operator."""
    quoted = " OR ".join(f'"{word}"' for word in words)
    return f'ns : "ns{namespace}" AND {{{columns}}} : ({quoted})'


def passages(connection: sa.Connection, namespace: int, question: str, count: int) -> dict[int, float]:
    """Passage id to BM25 (higher fits better), the best ``count``."""
    return _search(connection, "passage_fts", "title text", TITLE_WEIGHT, namespace, question, count)


def episodes(connection: sa.Connection, namespace: int, question: str, count: int) -> dict[int, float]:
    """Episode id to BM25 over question and answer (higher fits better), the best ``count``."""
    return _search(connection, "episode_fts", "question answer", 1.0, namespace, question, count)


def _search(
    connection: sa.Connection, index: str, columns: str, first: float, namespace: int, question: str, count: int
) -> dict[int, float]:
    words = terms(question)
    if not words:
        return {}
    sql = (
        f"SELECT rowid, -bm25({index}, {first}, 1.0, 0.0) AS fit FROM {index} WHERE {index} MATCH ? "
        "ORDER BY fit DESC, rowid LIMIT ?"
    )
    rows = connection.exec_driver_sql(sql, (match(columns, namespace, words), count))
    return {row[0]: row[1] for row in rows}
