"""``alen bench``: measure ALEN on this machine, beside others."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click

from alen.cli import bench_generate, bench_serve, bench_train, opening
from alen.cli.options import Common, of_this_machine
from alen.cli.output import emit_json

OURS = "alen"


@click.group("bench", no_args_is_help=False)
def command() -> None:
    """Measure ALEN on this machine, beside others."""


command.add_command(bench_generate.command)
command.add_command(bench_serve.command)
command.add_command(bench_train.command)


@command.command("memory")
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--against", metavar="NAME", multiple=True, help="chromadb, lancedb, txtai, sqlite-vec or qdrant.")
@click.option("--rows", type=int, default=100_000, show_default=True, help="Answers that are taught.")
@click.option("--work", type=click.Path(path_type=Path), help="Where vectors, environments and results are kept.")
@click.option("--queries", type=int, default=1000, show_default=True, help="Texts that ask.")
@click.option("--fresh", is_flag=True, help="Measure again what was measured before.")
@of_this_machine("it measures this machine")
def memory_command(
    common: Common, data: Path, against: tuple[str, ...], rows: int, work: Path | None, queries: int, fresh: bool
) -> None:
    """Teach the texts in the folder DATA, ask, change, delete and kill; a peer named by --against does the same.

    Every peer gets an environment of its own, with the version that the comparison was written for. What was measured
    is kept and taken up again."""
    from alen.benchmark import memory_results, memory_run, report

    settings = opening.open_settings(common)
    place = (work or settings.home / "bench" / "memory").absolute()
    names = (OURS, *dict.fromkeys(name for name in against if name != OURS))
    plan = memory_run.Plan(data, place, (rows,), names, queries=queries, home=settings.home, fresh=fresh)
    with redirect_stdout(sys.stderr):
        found = memory_run.run(plan)
    ours, *peers = found.cells
    if not common.as_json:
        report.print_result(memory_run.result(found))
        return
    beside: dict[str, Any] = {
        cell["participant"]: {
            **_shown(memory_results.figures(cell)),
            "ratios": _shown(memory_results.ratios(ours, cell)),
            "failures": cell["failures"],
        }
        for cell in peers
    }
    emit_json({"rows": rows, "ours": {**_shown(memory_results.figures(ours)), "failures": ours["failures"]}, **beside})


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    return {name: measured.model_dump() for name, measured in found.items()}
