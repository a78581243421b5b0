"""``alen memory``: merge, unmerge, commit."""

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


@click.command("commit")
@click.option(
    "--epsilon",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="Expected share of wrong ones among those that are certified.",
)
@common_options
def commit_command(common: Common, epsilon: float) -> None:
    """From now on recall ALEN's own answers: what was proved, and what can be certified (see calibrate)."""
    with opening.open_engine(common) as engine:
        report = engine.commit_verified(epsilon)
    lines = [f"{report['proved']:,} proved, {report['certified']:,} certified of {report['waiting']:,} that wait"]
    if report["waiting"] and not report["graded"]:
        lines.append("nothing can be certified before alen calibrate has kept graded answers apart")
    show(common, report, lines)


COMMANDS = (merge_command, unmerge_command, commit_command)
