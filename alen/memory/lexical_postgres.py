"""Full-text search on PostgreSQL. The server finds rows by its index of stems; they are ranked here by BM25, because
the server's own ranking knows nothing of how rare a word is."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa

from alen.memory.sql import run

CANDIDATES = 2000
"""Rows that are ranked. The rarest words choose them; those of common words alone would rank last."""

_K1, _B = 1.2, 0.75
_LEXEME = re.compile(r"'((?:[^']|'')*)':([\d,A-D]+)")
_SHOWN = {"passage": "status = 'active'", "episode": "recallable"}


def search(
    connection: sa.Connection, table: str, namespace: int, wanted: Sequence[str], count: int
) -> dict[int, float]:
    """Ids of the rows of ``table`` that hold any of the words or phrases, with their BM25, the best ``count``."""
    stems = [found for found in dict.fromkeys(_stems(connection, wanted)) if found]
    if not stems:
        return {}
    seen = _frequencies(connection, table, namespace, stems)
    total = run(
        connection, f"SELECT count(*) FROM {table} WHERE namespace_id = ? AND {_SHOWN[table]}", (namespace,)
    ).scalar()
    rows = _rows(connection, table, namespace, _rarest(seen))
    if not rows:
        return {}
    lengths = {item: sum(len(places) for places in words.values()) for item, words in rows.items()}
    mean = sum(lengths.values()) / len(lengths)
    scores: defaultdict[int, float] = defaultdict(float)
    for stem, frequency in seen.items():
        # As FTS5 has it: a word that is in more than half of all rows still counts for a little.
        weight = max(math.log(((total or 0) - frequency + 0.5) / (frequency + 0.5)), 1e-6)
        for item, words in rows.items():
            times = _times(words, stem)
            if times:
                scores[item] += (
                    weight * times * (_K1 + 1) / (times + _K1 * (1 - _B + _B * lengths[item] / max(mean, 1.0)))
                )
    best = sorted(scores.items(), key=lambda entry: (-entry[1], entry[0]))[:count]
    return dict(best)


def _stems(connection: sa.Connection, wanted: Sequence[str]) -> list[tuple[str, ...]]:
    """Of each text, in the order of its words."""
    sql = (
        "SELECT to_tsvector('alen', text)::text FROM unnest(?::text[]) WITH ORDINALITY AS t(text, place) ORDER BY place"
    )
    stems = []
    for (found,) in run(connection, sql, (list(wanted),)):
        places = {place: stem for stem, at in _parsed(found).items() for place in at}
        stems.append(tuple(places[place] for place in sorted(places)))
    return stems


def _query(stem: Sequence[str]) -> str:
    # Quoted, nothing a user writes is an operator.
    return " <-> ".join("'" + part.replace("\\", "\\\\").replace("'", "''") + "'" for part in stem)


def _frequencies(
    connection: sa.Connection, table: str, namespace: int, stems: Sequence[tuple[str, ...]]
) -> dict[tuple[str, ...], int]:
    one = f"SELECT count(*) FROM {table} WHERE namespace_id = ? AND {_SHOWN[table]} AND words @@ ?::tsquery"
    sql = " UNION ALL ".join(f"SELECT {place}, ({one})" for place in range(len(stems)))
    values = tuple(value for stem in stems for value in (namespace, _query(stem)))
    counts = dict(run(connection, sql, values).all())
    return {stem: counts[place] for place, stem in enumerate(stems) if counts[place]}


def _rarest(seen: dict[tuple[str, ...], int]) -> list[tuple[str, ...]]:
    chosen: list[tuple[str, ...]] = []
    rows = 0
    for stem, frequency in sorted(seen.items(), key=lambda entry: entry[1]):
        if chosen and rows + frequency > CANDIDATES:
            break
        chosen.append(stem)
        rows += frequency
    return chosen


def _rows(
    connection: sa.Connection, table: str, namespace: int, stems: Sequence[tuple[str, ...]]
) -> dict[int, dict[str, list[int]]]:
    if not stems:
        return {}
    sql = (
        f"SELECT id, words::text FROM {table} WHERE namespace_id = ? AND {_SHOWN[table]} AND words @@ ?::tsquery "
        "ORDER BY id LIMIT ?"
    )
    values = (namespace, " | ".join(f"({_query(stem)})" for stem in stems), 2 * CANDIDATES)
    return {item: _parsed(words) for item, words in run(connection, sql, values)}


def _parsed(words: str) -> dict[str, list[int]]:
    """Stems and where they stand, from the server's ``'stem':1,5 'other':2``."""
    return {
        stem.replace("''", "'"): [int(place.rstrip("ABCD")) for place in places.split(",")]
        for stem, places in _LEXEME.findall(words)
    }


def _times(words: dict[str, list[int]], stem: Sequence[str]) -> int:
    """How often the stems follow one another."""
    starts = set(words.get(stem[0], ()))
    for step, part in enumerate(stem[1:], 1):
        starts &= {place - step for place in words.get(part, ())}
    return len(starts)
