"""From measured cells to rows with targets, and to the curves of recall against time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from alen.benchmark.memory_data import TENANTS
from alen.benchmark.schema import Measured, Row, Target
from alen.validation.intervals import Estimate, bootstrap, mean_estimate, ratio_of_medians

Cell = dict[str, Any]
RIVAL = "chromadb"
WANTED = 0.99
CUT_OVER = 20_000
"""Rows of a tenant up to which ALEN promises that recall is exact."""
OPEN_SECONDS = {100_000: 0.5, 1_000_000: 1.0}
LARGE = 10_000_000
"""From so many rows on the machine is small for them: what is wanted is in absolute numbers."""


def rows(cells: Sequence[Cell]) -> list[Row]:
    """What ALEN was to reach, at each size, beside the rival where it is compared with one."""
    found: list[Row] = []
    for size in sizes(cells):
        ours, theirs = cell_of(cells, "alen", size), cell_of(cells, RIVAL, size)
        if ours is not None:
            found += _rows(ours, theirs, size)
    return found


def sizes(cells: Sequence[Cell]) -> list[int]:
    return sorted({cell["size"] for cell in cells})


def cell_of(cells: Sequence[Cell], name: str, size: int) -> Cell | None:
    return next((cell for cell in cells if (cell["participant"], cell["size"]) == (name, size)), None)


def searched(cell: Cell, tenant: str | None = None, how: str = "dense") -> Cell | None:
    """Its queries with the first setting that reached the wanted recall, or with the strongest."""
    found = [one for one in cell.get("searches", []) if (one["tenant"], one["how"]) == (tenant, how)]
    return next((one for one in found if one["recall"] >= WANTED), found[-1] if found else None)


def seconds_a_row(cell: Cell) -> float | None:
    """Of a row, from the start until recall is as wanted: acknowledged, and indexed. None when it never was."""
    found = searched(cell)
    if found is None or found["recall"] < WANTED or "build" not in cell:
        return None
    return float(cell["bulk"]["seconds"] + cell["build"]["seconds"]) / cell["bulk"]["rows"]


def curves(cells: Sequence[Cell]) -> dict[str, list[dict[str, float]]]:
    """Recall and the median milliseconds of a query of every setting that was tried, by participant and size."""
    return {
        f"{cell['participant']}-{cell['size']}": [
            {"ms": round(1000 * float(np.median(one["seconds"])), 4), "recall": one["recall"]}
            for one in cell["searches"]
            if one["tenant"] is None and one["how"] == "dense" and one["seconds"]
        ]
        for cell in cells
        if cell["searches"]
    }


def _rows(ours: Cell, rival: Cell | None, size: int) -> list[Row]:
    """Without a rival there is nothing to compare with; what was to be measured and was not stands there without a
    value, and is missed."""
    at = f"{size:,} rows"
    theirs = rival or {}
    # What a process takes at all outweighs a few vectors.
    lean = Target(relation="at most", value=1.1) if min(OPEN_SECONDS) <= size < LARGE else None
    mine = searched(ours)
    recall = None if mine is None else mean_estimate(mine["recalls"])
    per_vector = ours["resident_bytes"] / ours["bulk"]["rows"] / 1000 if "resident_bytes" in ours else None
    soon = OPEN_SECONDS.get(size)
    compared = [
        _row(
            f"bulk-{size}",
            f"{at}: bulk acknowledged, of {RIVAL}",
            "times",
            _over(_rate(ours), _rate(theirs)),
            Target(relation="at least", value=3.0),
        ),
        _row(
            f"searchable-{size}",
            f"{at}: bulk until searchable at recall {WANTED}, of {RIVAL}",
            "times",
            _over(seconds_a_row(theirs), seconds_a_row(ours)),
            Target(relation="at least", value=1.5),
        ),
        _row(
            f"add-{size}",
            f"{at}: single adds a second, of {RIVAL}",
            "times",
            _medians(_added(theirs), _added(ours)),
            Target(relation="at least", value=2.0),
        ),
        _row(
            f"latency-{size}",
            f"{at}: median time of a query, of {RIVAL} at the same recall",
            "times",
            _medians(_asked(ours), _asked(theirs)),
            Target(relation="at most", value=0.5),
        ),
    ]
    enough = WANTED if size < LARGE else 0.95
    return [
        *(compared if rival else []),
        *(_large(ours, size) if size >= LARGE else []),
        _row(f"recall-{size}", f"{at}: recall@10", "number", recall, Target(relation="at least", value=enough)),
        _row(
            f"memory-{size}",
            f"{at}: KB of memory a vector",
            "number",
            per_vector,
            lean,
        ),
        _row(
            f"open-{size}",
            f"{at}: open and answer",
            "seconds",
            ours.get("open_seconds"),
            Target(relation="at most", value=soon) if soon else None,
        ),
        _row(
            f"delete-{size}",
            f"{at}: deleted",
            "per second",
            deleted_a_second(ours),
            Target(relation="at least", value=5000),
        ),
        _row(
            f"tenant-{size}",
            f"{at}: recall@10 of the worst tenant below {CUT_OVER:,} rows",
            "number",
            _worst_tenant(ours),
            Target(relation="at least", value=1.0),
        ),
        _row(
            f"survivors-{size}",
            f"{at}: acknowledged and there after kill -9",
            "percent",
            _survivors(ours),
            Target(relation="at least", value=1.0),
        ),
    ]


def _large(ours: Cell, size: int) -> list[Row]:
    at = f"{size:,} rows"
    resident = ours.get("resident_bytes")
    return [
        _row(
            f"query-{size}",
            f"{at}: median milliseconds of a query",
            "number",
            _spread([1000 * seconds for seconds in _asked(ours)], np.median),
            Target(relation="at most", value=40.0),
        ),
        _row(
            f"resident-{size}",
            f"{at}: GB resident",
            "number",
            None if resident is None else resident / 1e9,
            Target(relation="at most", value=8.0),
        ),
    ]


def _row(name: str, label: str, unit: Any, value: float | Estimate | Measured | None, target: Target | None) -> Row:
    if not isinstance(value, Measured):
        value = Measured.of(value) if isinstance(value, Estimate) else _plain(value)
    return Row(name=name, label=label, unit=unit, ours=value, target=target)


def _asked(cell: Cell) -> Sequence[float]:
    found = searched(cell)
    return () if found is None else found["seconds"]


def _rate(cell: Cell) -> float | None:
    return cell.get("bulk", {}).get("per_second")


def _over(one: float | None, other: float | None) -> float | None:
    return one / other if one and other else None


def _medians(one: Sequence[float], other: Sequence[float]) -> Estimate | None:
    """Median of one over median of the other, with its interval."""
    if not one or not other:
        return None
    count = min(len(one), len(other))
    return ratio_of_medians(one[:count], other[:count])


def _added(cell: Cell) -> Sequence[float]:
    return cell.get("add", {}).get("seconds", ())


def deleted_a_second(cell: Cell) -> float | None:
    found = cell.get("delete")
    return None if not found or not found["rows"] else found["rows"] / found["seconds"]


def _survivors(cell: Cell) -> float | None:
    found = cell.get("kill")
    if not found or not found["acknowledged"]:
        return None
    return found["present"] / found["acknowledged"] if found["reopened"] else 0.0


def _worst_tenant(cell: Cell) -> float | None:
    """Three digits, as it is printed: a query in thousands may lie between two half floats."""
    found = [searched(cell, tenant, how) for tenant in TENANTS for how in ("namespace", "dense")]
    small = [round(one["recall"], 3) for one in found if one is not None and one["tenant_rows"] <= CUT_OVER]
    return min(small, default=None)


def figures(cell: Cell) -> dict[str, Measured]:
    """What one participant reached, with its spread where it was measured many times. Null where it was not."""
    one, bulk = searched(cell), cell.get("bulk", {})
    a_row = seconds_a_row(cell)
    resident = cell.get("resident_bytes")
    return {
        "recall": _spread(one["recalls"] if one else (), np.mean),
        "query_seconds": _spread(_asked(cell), np.median),
        "bulk_per_second": _plain(bulk.get("per_second")),
        "searchable_per_second": _plain(None if a_row is None else 1 / a_row),
        "add_seconds": _spread(_added(cell), np.median),
        "deleted_per_second": _plain(deleted_a_second(cell)),
        "bytes_a_vector": _plain(resident / bulk["rows"] if resident and bulk else None),
        "disk_bytes_a_row": _plain(cell["disk_bytes"] / bulk["rows"] if bulk and "disk_bytes" in cell else None),
        "open_seconds": _plain(cell.get("open_seconds")),
        "survived": _plain(_survivors(cell)),
    }


def ratios(ours: Cell, theirs: Cell) -> dict[str, Measured]:
    """Ours over theirs, for what was measured many times with its interval."""
    mine, other = figures(ours), figures(theirs)
    found = {
        name: _plain(_over(mine[name].value, other[name].value))
        for name in mine
        if name not in {"recall", "survived", "query_seconds", "add_seconds"}
    }
    for name, of in (("query_seconds", _asked), ("add_seconds", _added)):
        ratio = _medians(of(ours), of(theirs))
        found[name] = Measured(value=None, n=0) if ratio is None else Measured.of(ratio)
    return found


def _spread(values: Sequence[float], middle: Any) -> Measured:
    return Measured.of(bootstrap(lambda drawn: float(middle(drawn)), values)) if len(values) else _plain(None)


def _plain(value: float | None) -> Measured:
    return Measured(value=value, n=int(value is not None))
