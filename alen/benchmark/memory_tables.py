"""Tables of all participants of the memory benchmark, and of what was cut short or failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from alen.benchmark.memory_data import TENANTS
from alen.benchmark.memory_results import WANTED, Cell, deleted_a_second, searched, seconds_a_row, sizes


def tables(cells: Sequence[Cell]) -> dict[str, list[dict[str, Any]]]:
    """By size: everything by participant, and its tenants; then what was capped or failed."""
    found: dict[str, list[dict[str, Any]]] = {}
    for size in sizes(cells):
        here = [cell for cell in cells if cell["size"] == size]
        found[f"filling_{size}"] = [_filling(cell) for cell in here]
        found[f"searching_{size}"] = [_searching(cell, one) for cell in here for one in cell["searches"] if _shown(one)]
        found[f"changing_{size}"] = [_changing(cell) for cell in here]
        found[f"tenants_{size}"] = [_tenants(cell, how) for cell in here for how in ("dense", "namespace")]
        found[f"tenants_{size}"] = [line for line in found[f"tenants_{size}"] if len(line) > 2]
    found["limits"] = [line for cell in cells for line in _limits(cell)]
    return {name: lines for name, lines in found.items() if lines}


def _shown(one: Cell) -> bool:
    return one["tenant"] is None and bool(one["seconds"])


def _milliseconds(seconds: Sequence[float], quantile: float) -> float | None:
    return round(1000 * float(np.quantile(seconds, quantile)), 3) if seconds else None


def _filling(cell: Cell) -> dict[str, Any]:
    bulk = cell.get("bulk", {})
    size, seconds = bulk.get("rows") or 1, seconds_a_row(cell)
    return {
        "participant": cell["participant"],
        "version": next(
            (v for name, v in cell.get("versions", {}).items() if name.startswith(cell["participant"])), ""
        ),
        "rows": f"{bulk.get('rows', 0):,}",
        "rows/s acknowledged": _number(bulk.get("per_second"), ",.0f"),
        "index s": _number(cell.get("build", {}).get("seconds"), ".1f"),
        f"s until recall {WANTED}": _number(seconds and seconds * size, ".1f"),
        "peak MB": _number(cell.get("peak_bytes"), ",.0f", 1e6),
        "resident MB": _number(cell.get("resident_bytes"), ",.0f", 1e6),
        "of it anonymous": _number(cell.get("resident_anonymous_bytes"), ",.0f", 1e6),
        "KB a vector": _number(cell.get("resident_bytes"), ".2f", 1000 * size),
        "disk bytes a row": _number(cell.get("disk_bytes"), ",.0f", size),
        "open s": _number(cell.get("open_seconds"), ".3f"),
    }


def _searching(cell: Cell, one: Cell) -> dict[str, Any]:
    return {
        "participant": cell["participant"] + (" hybrid" if one["how"] == "hybrid" else ""),
        "setting": one["setting"],
        # Words are another question than which vectors are nearest.
        "recall@10": "" if one["how"] == "hybrid" else f"{one['recall']:.4f}",
        "p50 ms": _milliseconds(one["seconds"], 0.5),
        "p95 ms": _milliseconds(one["seconds"], 0.95),
        "queries": len(one["seconds"]),
    }


def _changing(cell: Cell) -> dict[str, Any]:
    adds, kill = cell.get("add", {}).get("seconds", []), cell.get("kill", {})
    return {
        "participant": cell["participant"],
        "adds": len(adds),
        "adds/s": _number(len(adds) / sum(adds) if adds else None, ",.0f"),
        "add p50 ms": _milliseconds(adds, 0.5),
        "add p99 ms": _milliseconds(adds, 0.99),
        "deletes/s": _number(deleted_a_second(cell), ",.0f"),
        "deleted but found": cell.get("delete", {}).get("still_found"),
        "acknowledged": kill.get("acknowledged"),
        "there after kill -9": kill.get("present"),
        "opens again": {True: "yes", False: "no"}.get(kill.get("reopened", ""), ""),
    }


def _tenants(cell: Cell, how: str) -> dict[str, Any]:
    """Recall and median milliseconds by the share of rows, with the strongest setting that was needed."""
    by = {"dense": "filter", "namespace": "namespace"}[how]
    line: dict[str, Any] = {"participant": cell["participant"], "by": by}
    for tenant, share in TENANTS.items():
        one = searched(cell, tenant, how)
        if one is not None and one["seconds"]:
            line[f"{share:.2%}"] = f"{one['recall']:.3f} · {_milliseconds(one['seconds'], 0.5)} ms"
    return line


def _limits(cell: Cell) -> list[dict[str, Any]]:
    """What was cut short, failed, or showed rows of others: nothing is left out of the comparison in silence."""
    name = {"participant": cell["participant"], "size": f"{cell['size']:,}"}
    lines = [name | {"phase": phase, "what": said} for phase, said in cell["failures"].items()]
    if cell.get("add", {}).get("capped"):
        lines.append(name | {"phase": "add", "what": f"{len(cell['add']['seconds'])} adds within the time"})
    short = [len(one["seconds"]) for one in cell["searches"] if one["capped"]]
    if short:
        what = f"{len(short)} of {len(cell['searches'])} sets of queries were cut short, to {min(short)} at least"
        lines.append(name | {"phase": "search", "what": what})
    for one in cell["searches"]:
        if one["foreign"]:
            what = f"{one['foreign']} rows of others with {one['setting']}, {one['how']}"
            lines.append(name | {"phase": one["tenant"], "what": what})
    return lines


def _number(value: float | None, form: str, divisor: float = 1.0) -> str:
    return "" if value is None else format(value / divisor, form)
