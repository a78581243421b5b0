"""``alen memory``: verify, repair, checkpoint."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from alen.cli import opening
from alen.cli.memory_result import show
from alen.cli.options import Common, of_the_store
from alen.cli.output import say

if TYPE_CHECKING:
    from alen.memory.auditing import Report

_LEVEL = click.option(
    "--level",
    type=click.Choice(["quick", "normal", "deep"]),
    default="normal",
    show_default=True,
    help="quick compares counts, normal reads every file, deep also looks for a sample by its own vectors.",
)


@click.command("verify")
@_LEVEL
@of_the_store("it reads the files of the database and its indexes")
def verify_command(common: Common, level: Any) -> int:
    """Compare the database with itself and with its indexes; the exit code is 1 when something is wrong."""
    with opening.open_local_memory(common) as memory:
        return _report(common, memory.verify(level))


@click.command("repair")
@_LEVEL
@of_the_store("it reads the files of the database and its indexes")
def repair_command(common: Common, level: Any) -> int:
    """As verify, and make anew what was wrong; the exit code is 1 when something stays wrong."""
    with opening.open_local_memory(common, encoder=True) as memory:
        return _report(common, memory.verify(level, repair=True))


@click.command("checkpoint")
@of_the_store("it reads the files of the database and its indexes")
def checkpoint_command(common: Common) -> None:
    """Seal the vector indexes that are due, and say where each stands."""
    with opening.open_local_memory(common) as memory:
        found = memory.checkpoint()
    show(common, {"indexes": found}, [f"{name}: {value}" for name, value in found.items()] or ["nothing is stored"])


def _report(common: Common, report: Report) -> int:
    found = {
        "ok": report.ok,
        "level": report.level,
        "problems": [asdict(problem) for problem in report.problems],
        "checked": report.checked,
    }
    lines = [f"{each.part}: {each.what}{' (repaired)' if each.repaired else ''}" for each in report.problems]
    show(common, found, lines or ["all is well"])
    if not report.ok:
        say("The memory is not in order. Run: alen memory repair")
    return int(not report.ok)


COMMANDS = (verify_command, repair_command, checkpoint_command)
