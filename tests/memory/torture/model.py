"""What a memory should hold, as plain records: the oracle of the machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.memory.conftest import HashEncoder


@dataclass
class Record:
    """An episode that was taught. ``order`` grows; ``ended``: its time has run out."""

    uid: str
    order: int
    question: str
    answer: str
    tags: tuple[str, ...] = ()
    status: str = "active"
    ended: bool = False
    folded: list[str] = field(default_factory=list)

    @property
    def shown(self) -> bool:
        return self.status == "active" and not self.ended

    @property
    def said(self) -> tuple[str, str]:
        return self.question, self.answer


class Tenant:
    """One namespace."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.documents: dict[str, set[str]] = {}

    def twin(self, question: str, answer: str) -> Record | None:
        """The one that says this and was not replaced: there is one at most."""
        held = [each for each in self.records.values() if each.status != "superseded"]
        found = [each for each in held if each.said == (question, answer)]
        assert len(found) <= 1
        return found[0] if found else None

    def shown(self, tag: str | None = None) -> list[Record]:
        return [each for each in self.records.values() if each.shown and (tag is None or tag in each.tags)]

    def remove(self, uid: str) -> None:
        del self.records[uid]
        for each in self.records.values():
            if uid in each.folded:
                each.folded.remove(uid)

    def erased_with(self, uid: str) -> set[str]:
        """What something was folded into says the same again."""
        found, waiting = {uid}, [uid]
        while waiting:
            part = waiting.pop()
            more = {each.uid for each in self.records.values() if part in each.folded} - found
            found |= more
            waiting += more
        return found


def nearest(encoder: HashEncoder, asked: str, records: Sequence[Record], count: int) -> list[float]:
    """The highest cosines, by exact comparison of half floats."""
    if not records:
        return []
    stored_ND = encoder.encode([each.question for each in records]).astype(np.float16).astype(np.float32)
    return np.sort(stored_ND @ encoder.encode([asked])[0])[::-1][:count].tolist()
