"""Two tenants who ask the same and were told something else, and what each may be shown."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from alen.memory import EpisodicMemory
from tests.memory.conftest import drafts
from tests.memory.torture import life

NAMES = ("ann", "ben")
ROWS = 60
ASKED = ("Where does gauge 3 hang?", "Which gauge hangs in hall 41?", "gauge 17")


def question(number: int) -> str:
    return f"Where does gauge {number} hang?"


def build(folder: Path) -> None:
    """Both tenants, with sealed indexes."""
    with EpisodicMemory.open(life.place(folder), encoder=life.OLD) as memory:
        for name in NAMES:
            rows = [{"question": question(n), "answer": f"{name} says hall {n}"} for n in range(ROWS)]
            memory.remember_many(rows, namespace=name)
            texts = drafts(*(f"Kiln {n} of {name} is hot. It has shelf {n}." for n in range(ROWS)))
            memory.teach_passages("book", texts, content_hash="1", namespace=name)
            assert set(memory.checkpoint(namespace=name)) == {"log", "question", "passage", "sentence"}


@cache
def nearest(asked: str, count: int) -> dict[str, float]:
    """The questions nearest to what is asked, by exact comparison of what is stored."""
    stored_ND = life.OLD.encode([question(n) for n in range(ROWS)]).astype(np.float16).astype(np.float32)
    scores_N = stored_ND @ life.OLD.encode([asked])[0]
    return {question(n): float(scores_N[n]) for n in np.argsort(-scores_N, kind="stable")[:count]}


def shown(memory: EpisodicMemory, *, to_the_letter: bool = True) -> None:
    """Nobody is shown what is another's; ``to_the_letter``: and nothing that was not said just so."""
    for name in NAMES:
        (other,) = {*NAMES} - {name}
        for asked in ASKED:
            for hit in memory.recall(asked, 5, namespace=name):
                assert f"{other} says" not in str(hit.episode.answer)
                number = hit.episode.question.removeprefix("Where does gauge ").removesuffix(" hang?")
                assert hit.episode.answer == f"{name} says hall {number}" or not to_the_letter
            for found in memory.recollect(f"Kiln shelf {asked}", namespace=name).passages:
                assert f"of {other} is" not in found.passage.text
                assert f" of {name} is hot" in found.passage.text or not to_the_letter


def is_exact(memory: EpisodicMemory) -> bool:
    """Whether each tenant finds what is nearest, with the scores of an exact comparison."""
    for name in NAMES:
        for asked in ASKED:
            found = {hit.episode.question: hit.score for hit in memory.recall(asked, 5, mode="dense", namespace=name)}
            scores = sorted(found.values(), reverse=True)
            if not np.allclose(scores, sorted(nearest(asked, 5).values(), reverse=True), atol=2e-3):
                return False
    return True
