"""A question as every side of the comparison gets it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from alen.core.fitting import unit
from alen.errors import BadInput

GraderKind = Literal["choice", "number", "f1", "label", "word"]
Pool = Literal["", "fit", "test"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a data set, before it is put to a model. ``answer`` is how an example shows it.

    Rows of one ``group`` belong together (one article, one template, the same question twice) and are never parted.
    ``options`` are in the order in which they are shown. ``pool`` "fit" or "test" holds a row to one side of every
    split, where weights were already fitted on some articles. ``judged`` are answers and whether they are right, where
    the question is not to be answered but an answer to be judged. Examples are of
    the row's own ``kind``; where there are kinds, an example's row is never asked, but others of its group are."""

    id: str
    group: str
    question: str
    answer: str
    golds: tuple[str, ...]
    options: tuple[str, ...] = ()
    context: str = ""
    pool: Pool = ""
    judged: tuple[tuple[str, bool], ...] = ()
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A row as it is asked. ``prompt`` is the text that a model continues: a small one follows worked examples in a
    text, and hardly in a conversation. ``messages`` ask the same as a conversation, without examples.

    With ``constrained`` the reply is one of the options. ``given`` is an answer to be judged, and ``right`` its label,
    where nothing is generated. ``chance`` is the accuracy of guessing, 0..1; ``most_samples`` bounds how many are
    drawn."""

    id: str
    set: str
    group: str
    question: str
    prompt: str
    messages: tuple[Mapping[str, str], ...]
    golds: tuple[str, ...]
    grader: GraderKind
    options: tuple[str, ...] = ()
    context: str = ""
    pool: Pool = ""
    chance: float = 0.0
    constrained: bool = False
    max_tokens: int = 16
    stop: tuple[str, ...] = ("\n",)
    most_samples: int = 100
    given: str | None = None
    right: bool | None = None

    @property
    def digest(self) -> str:
        """Changes with what the model is asked."""
        asked = json.dumps([self.prompt, self.options, self.constrained, self.max_tokens, self.stop, self.given])
        return hashlib.sha256(asked.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Item:
        tuples = {name: tuple(data[name]) for name in ("messages", "golds", "options", "stop")}
        return cls(**{**data, **tuples})


def rows_of(file: Path) -> Iterator[dict[str, Any]]:
    """The rows of a JSON lines file. Raises BadInput naming the file."""
    try:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)
    except (OSError, ValueError) as error:
        raise BadInput("data", f"{file} ({error})", "a file of JSON lines", "Give the folder that holds it.") from None


def in_hash_order(texts: Iterable[str]) -> list[str]:
    """Distinct texts, in an order that has nothing to do with that of the file."""
    return sorted(set(texts), key=unit)
