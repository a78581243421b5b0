"""``alen memory``: merge, unmerge."""

from __future__ import annotations

from dataclasses import asdict

import click

from alen.cli import opening
from alen.cli.memory_result import do_it, show
from alen.cli.options import Common, common_options


@click.command("merge")
@click.option("--alike", type=click.FloatRange(0.5, 1.0), default=0.97, show_default=True, help="Cosine from which.")
@do_it
@common_options
def merge_command(common: Common, alike: float, yes: bool) -> None:
    """Fold questions that are nearly the same and have the same answer into one."""
    with opening.open_memory(common) as memory:
        merged = memory.merge(alike=alike, dry_run=not yes)
    lines = [f"{each.kept} ← {', '.join(each.folded)}" for each in merged] or ["nothing to merge"]
    show(common, {"done": yes, "merged": [asdict(each) for each in merged]}, lines)


@click.command("unmerge")
@click.argument("uid", metavar="ID")
@common_options
def unmerge_command(common: Common, uid: str) -> None:
    """Take apart again what was folded into the answer ID."""
    with opening.open_memory(common) as memory:
        back = memory.unmerge(uid)
    show(common, {"id": uid, "back": back}, [f"{each} is back" for each in back] or ["nothing was folded into it"])


COMMANDS = (merge_command, unmerge_command)
