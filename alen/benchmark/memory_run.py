"""The memory beside others, measured cell by cell: a participant at a size. What was measured is kept and taken up
again, until the participant, the data or what is asked of it changes."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import alen.memory
from alen.benchmark import machine, memory_data, memory_results, memory_tables, memory_texts
from alen.benchmark.harness import progress
from alen.benchmark.memory_cells import Cell, Limits
from alen.benchmark.memory_process import PARTICIPANTS, Participant, python_of
from alen.benchmark.schema import Result
from alen.errors import BadInput, WorkError

SIZES = (100_000, 1_000_000)
MORE = 4000
"""Texts held back, to be added one by one."""
NOTES = (
    "Rows are real short texts with MiniLM-L6 vectors; what is wanted beyond them lies between real neighbours. Other "
    "real texts ask. The truth is exact, in float32; cosines within 0.0001 of the last true neighbour count as it.",
    "Acknowledged: the participant's own call has returned after which kill -9 loses nothing, as far as it promises.",
    "Until searchable: acknowledged, indexed, and a first query answered. Reading the data is taken off for all alike.",
    "Settings after the default are those that a participant's documentation gives for more recall; the first that "
    "reaches 0.99 is compared. A query returns ids and both texts, one at a time; ALEN asks SQL again for each.",
    "Memory is that of a new process after its queries, less what it took with imports and questions. Files that it "
    "maps count as far as they were read; without them it is what is anonymous.",
    "Opening: in a new process, its imports done and its files in the system's cache, until the first answer.",
    "Adds are durable one by one and deletes all at once; for txtai that means saving the index each time.",
    "Tenants: by the filter of each, against the tenant's own truth; for ALEN also in a namespace of its own.",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """``data`` holds the texts, ``work`` what is made of them: vectors, environments of participants, measured cells.
    ``cap`` is the seconds that filling may take; ``texts`` the most that are encoded. Raises BadInput."""

    data: Path
    work: Path
    sizes: Sequence[int] = SIZES
    names: Sequence[str] = tuple(PARTICIPANTS)
    queries: int = 1000
    cap: float = 360.0
    seed: int = 0
    texts: int | None = None
    home: Path | None = None
    fresh: bool = False

    def __post_init__(self) -> None:
        for name in self.names:
            if name not in PARTICIPANTS:
                raise BadInput("against", repr(name), ", ".join(PARTICIPANTS), "Name one of these.")
        if min(self.sizes, default=0) < 1000:
            raise BadInput("rows", str(list(self.sizes)), "at least 1000 each", "For example 100000.")
        for field in ("queries", "cap"):
            if getattr(self, field) <= 0:
                raise BadInput(field, str(getattr(self, field)), "a number above 0", "Leave it at its default.")

    def said(self) -> dict[str, Any]:
        """What a reader of the result wants to know of it."""
        return {name: getattr(self, name) for name in ("sizes", "names", "queries", "cap", "seed")}


@dataclass(frozen=True, slots=True)
class Measurements:
    """``cells`` are participants at sizes, as JSON; ``texts`` the real ones among the rows."""

    options: Plan
    cells: list[dict[str, Any]]
    texts: int
    created: str
    seconds: float


def run(options: Plan) -> Measurements:
    """Measure what is not measured yet. Raises AlenError."""
    started, created = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    limits = Limits(cap=options.cap, queries=options.queries)
    cells: list[dict[str, Any]] = []
    with progress() as show:
        source = _source(options, show)
        for size in options.sizes:
            rows = memory_data.rows(source, size, show)
            for name in options.names:
                participant = PARTICIPANTS[name]
                kept = options.work / "cells" / f"{name}-{size}.json"
                key = _key(participant, rows, options)
                cell = None if options.fresh else _kept(kept, key)
                if cell is None:
                    cell = _measured(participant, rows, limits, options, show) | {"key": key}
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    kept.write_text(json.dumps(cell), "utf-8")
                cells.append(cell)
    return Measurements(options, cells, len(source.pairs), created, round(time.monotonic() - started, 1))


def result(found: Measurements) -> Result:
    """With targets, tables and curves, as it is kept and shown."""
    options, cells = found.options, found.cells
    return Result(
        name="memory",
        title=f"Memory beside others: {', '.join(f'{size:,}' for size in options.sizes)} rows of 384 numbers",
        created=found.created,
        seconds=found.seconds,
        command=machine.command(sys.argv),
        commit=machine.commit(),
        machine=machine.machine(),
        versions=machine.versions() | _versions(cells),
        settings={"real_texts": found.texts} | options.said(),
        rows=tuple(memory_results.rows(cells)),
        curves=memory_results.curves(cells),
        tables=memory_tables.tables(cells),
        notes=NOTES,
    )


def _source(options: Plan, show: Any) -> memory_data.Real:
    """The texts' vectors; the encoder is loaded only when they are not there yet."""
    from alen.sentence_encoder import SentenceEncoder

    pairs = memory_texts.collect(options.data, options.seed)[: options.texts]
    encoder = SentenceEncoder.from_pretrained(home=options.home)
    folder = options.work / "data"
    vectors_ND = memory_data.encode(pairs, encoder, folder, show)
    more = min(MORE, len(pairs) // 10)
    return memory_data.real(pairs, vectors_ND, folder, show, queries=options.queries, more=more, seed=options.seed)


def _measured(
    participant: Participant, rows: memory_data.Rows, limits: Limits, options: Plan, show: Any
) -> dict[str, Any]:
    found: dict[str, Any] = {"participant": participant.name, "size": rows.count, "searches": []}
    if participant.most is not None and rows.count > participant.most:
        return found | {"failures": {"fill": f"left out: it is not made for more than {participant.most:,} rows"}}
    try:
        interpreter = python_of(participant, options.work / "envs")
    except WorkError as error:
        return found | {"failures": {"environment": str(error)}}
    scratch = options.work / "stores" / f"{participant.name}-{rows.count}"
    return Cell(participant, interpreter, rows, limits, scratch, show).measure()


def _key(participant: Participant, rows: memory_data.Rows, options: Plan) -> str:
    """A cell is measured again when its versions, its script, ALEN's code or the data have changed."""
    code = "" if participant.requirements else _code()
    return f"{participant.key} {code} {rows.folder.name} {options.queries} {options.cap}"


def _code() -> str:
    """Changes with the code of memory, not with every commit."""
    folder = Path(alen.memory.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _kept(file: Path, key: str) -> dict[str, Any] | None:
    if not file.is_file():
        return None
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found if found["key"] == key else None


def _versions(cells: Sequence[dict[str, Any]]) -> dict[str, str]:
    return {name: version for cell in cells for name, version in cell.get("versions", {}).items()}
