"""The memory beside chromadb, lancedb, txtai, sqlite-vec and qdrant's local mode: same vectors and texts, one machine.

    python benchmarks/memory.py --data path/to/data --work path/for/what/is/made

Each participant runs in a process and a virtual environment of its own, which this script makes from the versions in
``alen.benchmark.memory_process``. Texts are real and encoded by ALEN's encoder; what is wanted beyond them lies between
neighbours. Measured cells are kept in the work folder and not measured again, until versions or code change.

    python benchmarks/memory.py --data … --work … --sizes 10000000 --only alen --cap-seconds 7200
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alen.benchmark import machine, memory_data, memory_results, memory_tables, memory_texts, report
from alen.benchmark.harness import progress
from alen.benchmark.memory_cells import Cell, Limits
from alen.benchmark.memory_process import PARTICIPANTS, Participant, python_of
from alen.benchmark.schema import Result
from alen.errors import WorkError

OUT = Path(__file__).resolve().parent / "results" / "memory.json"
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
    "Memory is that of a new process after its queries, less what it took after its imports. Files that it maps count "
    "as far as they were read; without them it is what is anonymous.",
    "Opening: in a new process, its imports done and its files in the system's cache, until the first answer.",
    "Adds are durable one by one and deletes all at once; for txtai that means saving the index each time.",
    "Tenants: by the filter of each, against the tenant's own truth; for ALEN also in a namespace of its own.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    return report.finish("memory", lambda: run(options), options.out)


def run(options: argparse.Namespace) -> Result:
    """Everything but the printing."""
    started, created = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    limits = Limits(cap=options.cap_seconds, queries=options.queries)
    cells: list[dict[str, Any]] = []
    with progress() as show:
        source = _source(options, show)
        for size in options.sizes:
            rows = memory_data.rows(source, size, show)
            for name in options.only:
                participant = PARTICIPANTS[name]
                kept = options.work / "cells" / f"{name}-{size}.json"
                key = _key(participant, rows, options)
                cell = None if options.fresh else _kept(kept, key)
                if cell is None:
                    cell = _measured(participant, rows, limits, options, show) | {"key": key}
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    kept.write_text(json.dumps(cell), "utf-8")
                cells.append(cell)
    return Result(
        name="memory",
        title=f"Memory beside others: {', '.join(f'{size:,}' for size in options.sizes)} rows of 384 numbers",
        created=created,
        seconds=round(time.monotonic() - started, 1),
        command=machine.command(sys.argv),
        commit=machine.commit(),
        machine=machine.machine(),
        versions=machine.versions() | _versions(cells),
        settings={"real_texts": len(source.pairs)}
        | {name: getattr(options, name) for name in ("sizes", "only", "queries", "cap_seconds", "seed")},
        rows=tuple(memory_results.rows(cells)),
        curves=memory_results.curves(cells),
        tables=memory_tables.tables(cells),
        notes=NOTES,
    )


def _source(options: argparse.Namespace, show: Any) -> memory_data.Real:
    """The texts' vectors; the encoder is loaded only when they are not there yet."""
    from alen.sentence_encoder import SentenceEncoder

    pairs = memory_texts.collect(options.data, options.seed)[: options.texts]
    encoder = SentenceEncoder.from_pretrained(home=options.home)
    folder = options.work / "data"
    vectors_ND = memory_data.encode(pairs, encoder, folder, show)
    more = min(MORE, len(pairs) // 10)
    return memory_data.real(pairs, vectors_ND, folder, show, queries=options.queries, more=more, seed=options.seed)


def _measured(
    participant: Participant, rows: memory_data.Rows, limits: Limits, options: argparse.Namespace, show: Any
) -> dict[str, Any]:
    try:
        interpreter = python_of(participant, options.work / "envs")
    except WorkError as error:
        found = {"participant": participant.name, "size": rows.count, "searches": []}
        return found | {"failures": {"environment": str(error)}}
    scratch = options.work / "stores" / f"{participant.name}-{rows.count}"
    return Cell(participant, interpreter, rows, limits, scratch, show).measure()


def _key(participant: Participant, rows: memory_data.Rows, options: argparse.Namespace) -> str:
    """A cell is measured again when its versions, its script, ALEN's code or the data have changed."""
    code = "" if participant.requirements else machine.commit()
    return f"{participant.key} {code} {rows.folder.name} {options.queries} {options.cap_seconds}"


def _kept(file: Path, key: str) -> dict[str, Any] | None:
    if not file.is_file():
        return None
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found if found["key"] == key else None


def _versions(cells: Sequence[dict[str, Any]]) -> dict[str, str]:
    return {name: version for cell in cells for name, version in cell.get("versions", {}).items()}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets, one folder each")
    parser.add_argument("--work", type=Path, required=True, help="folder for environments, vectors and measured cells")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="rows")
    parser.add_argument("--only", nargs="+", choices=list(PARTICIPANTS), default=list(PARTICIPANTS))
    parser.add_argument("--queries", type=int, default=1000, help="held-out texts that ask")
    parser.add_argument("--texts", type=int, help="real texts that are encoded; all when not given")
    parser.add_argument(
        "--cap-seconds", type=float, default=360.0, help="of filling; a set of queries has a 12th of it"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the order of texts and of what lies between them")
    parser.add_argument("--fresh", action="store_true", help="measure again what was measured before")
    parser.add_argument("--home", type=Path, help="where the models are; ALEN_HOME when not given")
    parser.add_argument("--out", type=Path, default=OUT, help="result file")
    options = parser.parse_args(arguments)
    for name in ("queries", "cap_seconds"):
        if getattr(options, name) <= 0:
            parser.error(f"--{name.replace('_', '-')} must be above 0")
    if min(options.sizes) < 1000:
        parser.error("--sizes must be at least 1000")
    # Processes of participants run elsewhere, and are told of files by their whole names.
    options.work = options.work.absolute()
    return options


if __name__ == "__main__":
    sys.exit(main())
