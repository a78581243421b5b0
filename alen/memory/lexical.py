"""Full-text search by BM25: a user's words become a query that cannot be anything but words."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import sqlalchemy as sa

from alen.memory import lexical_postgres
from alen.memory.sql import chunks, rows, run

_WORD = re.compile(r"[^\W_]+")

_STOP = """
a an and are as at be been being by did do does for from had has have he her his in is it its of on or she such than
that the their them then there these they this those to was were what when where which who whom whose why will with
"""
STOP_WORDS = frozenset(_STOP.split())
"""Words that say nothing about the matter of a question."""

TITLE_WEIGHT = 1.0
"""Of a word in the title against one in the text."""

PHRASE_WEIGHT = 0.25
"""Of the BM25 of pairs of words against that of single words; chosen as the weights in ``fusion`` were."""

DEPTH = 2
"""Words and pairs are each searched this many times deeper than asked, because their sum ranks differently."""

COMMON_FROM = 1000
"""Rows of a namespace with a word from which it says too little to be looked for beside rarer ones."""

MATCHES = 4000
"""Rows that hold one of the words looked for, about; the rarest words come first."""

RANKED_AT_MOST = 20_000

TERMS_AT_MOST = 64
"""Longer texts are cut here: their later words rarely decide and each costs time."""


def terms(text: str, at_most: int | None = TERMS_AT_MOST) -> list[str]:
    """The words of a text that count, each once; all words when nothing but stop words is left."""
    words = list(dict.fromkeys(word.casefold() for word in _WORD.findall(text)))
    return ([word for word in words if word not in STOP_WORDS] or words)[:at_most]


def phrases(text: str) -> list[str]:
    """Pairs of neighbouring words, of which one at least counts."""
    words = [word.casefold() for word in _WORD.findall(text)][: 2 * TERMS_AT_MOST]
    pairs = [f"{a} {b}" for a, b in itertools.pairwise(words) if not (a in STOP_WORDS and b in STOP_WORDS)]
    return list(dict.fromkeys(pairs))


def passages(connection: sa.Connection, namespace: int, question: str, count: int) -> dict[int, float]:
    """Passage id to fit (higher is better), the best ``count``: BM25 of the words and, less, of pairs of words."""
    wanted = (terms(question), phrases(question))
    found, paired = _search(connection, "passage_fts", "title text", TITLE_WEIGHT, namespace, wanted, DEPTH * count)
    for item, score in paired.items():
        found[item] = found.get(item, 0.0) + PHRASE_WEIGHT * score
    return dict(sorted(found.items(), key=lambda entry: (-entry[1], entry[0]))[:count])


def index_new(connection: sa.Connection, first: int, last: int) -> None:
    """Make the words of episodes that were just inserted findable; ids from ``first`` to ``last``. In PostgreSQL they
    are, and changes of them are indexed by triggers."""
    if connection.dialect.name == "sqlite":
        sql = (
            "INSERT INTO episode_fts(rowid, question, answer, ns) SELECT id, coalesce(question, ''), "
            "coalesce(answer, ''), 'ns' || namespace_id FROM episode WHERE id BETWEEN ? AND ? AND recallable"
        )
        run(connection, sql, (first, last))


def episodes(connection: sa.Connection, namespace: int, question: str, count: int) -> dict[int, float]:
    """Episode id to BM25 over question and answer (higher fits better), the best ``count``."""
    [found] = _search(connection, "episode_fts", "question answer", 1.0, namespace, [terms(question)], count)
    return found


def _search(
    connection: sa.Connection,
    index: str,
    columns: str,
    first: float,
    namespace: int,
    wanted: Sequence[list[str]],
    count: int,
) -> list[dict[int, float]]:
    """For each list of words or phrases the ids of rows that hold any of them, with their BM25 (k1 1.2, b 0.75, fixed
    by FTS5)."""
    if connection.dialect.name != "sqlite":
        table = index.removesuffix("_fts")
        return [lexical_postgres.search(connection, table, namespace, some, count) if some else {} for some in wanted]
    within = f"{{{columns}}} : "
    # To stay within a namespace takes ten times as long as the search itself.
    if len(rows(connection, "SELECT 1 FROM namespace LIMIT 2")) > 1:
        within = f'ns : "ns{namespace}" AND {within}'
    # Quoted, nothing a user writes is an operator.
    quoted = [[f'"{words}"' for words in some] for some in wanted]
    held = _held(connection, index, within, list(itertools.chain.from_iterable(quoted)))
    # Of very many matches the newest are ranked.
    matches = (
        f"SELECT rowid, -bm25({index}, {first}, 1.0, 0.0) AS fit FROM {index} WHERE {index} MATCH ? "
        "ORDER BY rowid DESC LIMIT ?"
    )
    sql = f"SELECT rowid, fit FROM ({matches}) ORDER BY fit DESC, rowid LIMIT ?"
    found = []
    for some in quoted:
        matching = within + _telling(connection, index, within, some, held) if some else ""
        found.append(dict(rows(connection, sql, (matching, RANKED_AT_MOST, count))) if some else {})
    return found


def _held(connection: sa.Connection, index: str, within: str, quoted: Sequence[str]) -> dict[str, int]:
    """How many rows hold each word or phrase, up to COMMON_FROM; all in one statement, since most of the time of so
    small ones goes into there and back."""
    counted = f"(SELECT count(*) FROM (SELECT 1 FROM {index} WHERE {index} MATCH ? LIMIT {COMMON_FROM}))"
    found: dict[str, int] = {}
    for some in chunks(quoted):
        [counts] = rows(connection, f"SELECT {', '.join([counted] * len(some))}", [within + words for words in some])
        found |= zip(some, counts, strict=True)
    return found


def _telling(connection: sa.Connection, index: str, within: str, quoted: Sequence[str], held: dict[str, int]) -> str:
    """A query of the rarest words and phrases; of all of them together when many rows hold each."""
    chosen: list[str] = []
    total = 0
    for words in sorted(quoted, key=held.__getitem__):
        total += held[words]
        if held[words] == COMMON_FROM or (chosen and total > MATCHES):
            break
        chosen.append(words)
    if chosen:
        return f"({' OR '.join(chosen)})"
    together = f"({' AND '.join(quoted)})"
    sql = f"SELECT 1 FROM {index} WHERE {index} MATCH ? LIMIT 1"
    return together if rows(connection, sql, (within + together,)) else f"({' OR '.join(quoted)})"
