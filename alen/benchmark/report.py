"""A result on a terminal: the table with its targets, then by article, operator, decision and stage."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from alen.benchmark.schema import Measured, Result, Row, Target, Unit, shown
from alen.errors import AlenError

WIDTH_IN_A_PIPE = 130


def finish(name: str, work: Callable[[], Result], out: Path) -> int:
    """Run a benchmark, keep its result in ``out`` and print it; the exit status."""
    try:
        result = work()
    except AlenError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return error.exit_code
    result.save(out)
    print_result(result)
    print(f"Written: {out}", file=sys.stderr)
    return 0


def print_result(result: Result, console: Console | None = None) -> None:
    """Print everything a reader needs to judge the run, missed targets in the open."""
    console = console or Console(width=None if sys.stdout.isatty() else WIDTH_IN_A_PIPE)
    console.print(_main_table(result))
    for name, found in result.tables.items():
        if found:
            console.print(_plain_table(name, found))
    for note in result.notes:
        console.print(f"· {note}", soft_wrap=True)
    wanted = [row for row in result.rows if row.target]
    missed = [row.label for row in wanted if not row.reached]
    console.print(f"Targets reached: {len(wanted) - len(missed)} of {len(wanted)}." + _missed(missed), soft_wrap=True)


def target_text(target: Target, measured: Measured, unit: Unit) -> str:
    """``≥ 80 % ✓``, ``≤ 0.07 ✗``, ``interval > 0 ✓``, ``≥ 0.05 ✓, moonshot ≥ 0.1 ✗``."""
    sign = {"at least": "≥", "at most": "≤", "above": ">"}[target.relation]

    def told(wanted: float, met: bool) -> str:
        number = f"{100 * wanted:.6g} %" if unit == "percent" else f"{wanted:g}"
        return f"{sign} {number} {'✓' if met else '✗'}"

    text = ("interval " if target.bound == "low" else "") + told(target.value, target.reached_by(measured))
    if target.moonshot is None:
        return text
    return f"{text}, moonshot {told(target.moonshot, target.moonshot_reached_by(measured))}"


def _main_table(result: Result) -> Table:
    table = Table(title=result.title, caption=f"{result.machine.get('processor')} · commit {result.commit}")
    for heading in ("", "ALEN", "95 % interval", "plain", "target", ""):
        table.add_column(heading, justify="left" if heading in ("", "target") else "right")
    for row in result.rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: Row) -> tuple[str, ...]:
    low, high = (shown(row.ours.model_copy(update={"value": end}), row.unit) for end in (row.ours.low, row.ours.high))
    mark = {True: "[green]reached[/]", False: "[red]missed[/]", None: ""}[row.reached]
    return (
        row.label,
        shown(row.ours, row.unit),
        "" if low == high == "–" else f"{low} … {high}",
        shown(row.plain, row.unit) if row.plain else "",
        target_text(row.target, row.ours, row.unit) if row.target else "",
        mark,
    )


def _plain_table(name: str, found: list[dict[str, Any]]) -> Table:
    table = Table(title=name.replace("_", " "), title_justify="left")
    headings = list(dict.fromkeys(key for row in found for key in row))
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left")
    for row in found:
        table.add_row(*("" if row.get(key) is None else f"{row[key]}" for key in headings))
    return table


def _missed(labels: list[str]) -> str:
    return f" Missed: {', '.join(labels)}." if labels else ""
