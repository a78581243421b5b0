"""What must be refused by name, leaving nothing behind. Without ``assert``, as it is also run under ``python -O``."""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from alen.errors import AlenError
from alen.memory import EpisodicMemory
from tests.memory.conftest import HashEncoder, drafts
from tests.memory.torture import life


class Broken(HashEncoder):
    """Breaks its promise in one way."""

    def __init__(self, spoil: Callable[[np.ndarray], Any]) -> None:
        super().__init__(life.OLD.dim)
        self.spoil = spoil

    def encode(self, texts: list[str]) -> Any:
        return self.spoil(super().encode(texts))


def _with(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def spoil(vectors_ND: np.ndarray) -> np.ndarray:
        vectors_ND[-1, 3] = value
        return vectors_ND

    return spoil


VECTORS: dict[str, Callable[[np.ndarray], Any]] = {
    "wrong dimension": lambda vectors_ND: vectors_ND[:, :-1],
    "a row too few": lambda vectors_ND: vectors_ND[:-1],
    "a row too many": lambda vectors_ND: np.concatenate([vectors_ND, vectors_ND[:1]]),
    "one row for all": lambda vectors_ND: vectors_ND[0],
    "not a number": _with(math.nan),
    "infinite": _with(math.inf),
    "zero": lambda vectors_ND: vectors_ND * 0,
    "long": lambda vectors_ND: vectors_ND * 2,
    "whole numbers": lambda vectors_ND: np.sign(vectors_ND).astype(np.int64),
    "too large for half floats": lambda vectors_ND: vectors_ND * 1e6,
}

EPISODES: dict[str, dict[str, Any]] = {
    "no question": {"question": "", "answer": "a"},
    "a blank question": {"question": " \n", "answer": "a"},
    "a question that is a number": {"question": 3, "answer": "a"},
    "no answer": {"question": "q", "answer": ""},
    "an answer that is None": {"question": "q", "answer": None},
    "too sure": {"question": "q", "answer": "a", "confidence": 1.01},
    "sure below nothing": {"question": "q", "answer": "a", "confidence": -0.01},
    "sure of no number": {"question": "q", "answer": "a", "confidence": math.nan},
    "an unknown tier": {"question": "q", "answer": "a", "tier": "silver"},
}

UNTIDY: dict[str, dict[str, Any]] = {
    "half a character": {"question": "q \ud800"},
    "detail that is no JSON": {"detail": {"x": object()}},
    "detail of no number": {"detail": {"x": math.nan}},
    "a tag that is a number": {"tags": [3]},
    "a context that is a number": {"context": 3},
    "sure in words": {"confidence": "very"},
}
UNTIDY_NEW = {"lives for no number": {"ttl": math.nan}, "lives longer than there are dates": {"ttl": 1e20}}
UNTIDY_CHANGES: dict[str, dict[str, Any]] = {
    "ends at no date": {"expires_at": "banana"},
    "pinned perhaps": {"pinned": "maybe"},
}
"""Not refused by name yet: for a new episode, for both, and for a change."""


def attempts(memory: EpisodicMemory, uid: str) -> dict[str, Callable[[], Any]]:
    """Each must raise an error of ALEN."""
    unit_D = life.OLD.encode(["Where?"])[0]
    found: dict[str, Callable[[], Any]] = {}
    for name in VECTORS.keys() - {"a row too few", "a row too many", "one row for all"}:
        vector_D = VECTORS[name](unit_D[None].copy())[0]
        found[f"recall, {name}"] = lambda vector_D=vector_D: memory.recall("Where?", vector=vector_D)
    for name, row in EPISODES.items():
        found[name] = lambda row=row: memory.remember(**row)
        found[f"{name}, among others"] = lambda row=row: memory.remember_many([{"question": "x", "answer": "y"}, row])
    found |= {
        "update to nothing": lambda: memory.update(uid, question=" "),
        "update of nothing": lambda: memory.update(uid),
        "update of what there is not": lambda: memory.update(uid, colour="red"),
        "update too sure": lambda: memory.update(uid, confidence=7.0),
        "an empty passage": lambda: memory.teach_passages("book", drafts("One.", " "), content_hash="1"),
        "a source without a name": lambda: memory.teach_passages(" ", drafts("One."), content_hash="1"),
        "a namespace without a name": lambda: memory.remember(question="q", answer="a", namespace=" "),
        "delete of one that is not": lambda: memory.delete([uid, "nobody"]),
        "superseded by itself": lambda: memory.supersede(uid, uid),
        "erase of nothing": lambda: memory.erase(),
        "move to the same": lambda: memory.reembed(life.OLD),
    }
    return found


def not_refused(place: str) -> list[str]:
    """What was let through, or refused without a name, or left something behind."""
    wrong: list[str] = []

    def expect(name: str, memory: EpisodicMemory, act: Callable[[], Any]) -> None:
        before = life.facts(memory)
        try:
            act()
            wrong.append(f"{name}: let through")
        except AlenError:
            pass
        except Exception as error:
            wrong.append(f"{name}: {type(error).__name__}")
        if life.facts(memory) != before:
            wrong.append(f"{name}: something was stored")

    with EpisodicMemory.open(place, encoder=life.OLD) as memory:
        uid = memory.remember(question="Where?", answer="There.")
        for name, act in attempts(memory, uid).items():
            expect(name, memory, act)
        for name, spoil in VECTORS.items():
            with EpisodicMemory.open(place, encoder=Broken(spoil)) as broken:
                rows = [{"question": f"Which {n}?", "answer": "a"} for n in range(3)]
                expect(f"remember, {name}", memory, lambda rows=rows, broken=broken: broken.remember_many(rows))
                expect(f"teach, {name}", memory, lambda broken=broken: broken.teach_passages(
                    "book", drafts("One. Two."), content_hash="1"))  # fmt: skip
                expect(f"update, {name}", memory, lambda broken=broken: broken.update(uid, question="When?"))
                if name != "a row too many":
                    expect(f"recall, {name}", memory, lambda broken=broken: broken.recall("Where?"))
        other = HashEncoder(48, "other")
        expect("another model", memory, lambda: EpisodicMemory.open(place, encoder=other))
        if memory.verify("deep").problems:
            wrong.append("memory is not sound afterwards")
    return wrong


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        found = not_refused(life.place(Path(folder)))
    print("\n".join(found))
    sys.exit(bool(found) or not sys.flags.optimize)
