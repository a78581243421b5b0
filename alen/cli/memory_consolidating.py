"""``alen memory consolidate``: memory into weights."""

from __future__ import annotations

from typing import Any

import click

from alen.cli import opening
from alen.cli.memory_result import show
from alen.cli.options import Common, of_the_store
from alen.cli.progress import progress_bar


@click.command("consolidate")
@click.option(
    "--minutes",
    type=click.FloatRange(0, 1440, min_open=True),
    default=10.0,
    show_default=True,
    help="Training takes no longer.",
)
@of_the_store("it trains beside the store, for seconds to minutes")
def consolidate_command(common: Common, minutes: float) -> None:
    """Teach a small decoder all that holds, from the beginning: what was taken back is not in it any more."""
    with opening.open_local_engine(common) as engine, progress_bar() as progress:
        report = engine.consolidate(minutes=minutes, progress=progress)
    show(common, report, _lines(report))


def _lines(report: dict[str, Any]) -> list[str]:
    if report["kept"] == "none":
        return ["nothing holds here: there is no decoder"]
    lines = [
        f"{report['pairs']:,} answers in {report['seconds']:.0f} s: {report['recalled']:.0%} word for word, "
        f"{report['reworded']:.0%} in a wording that was not trained on"
    ]
    if report["left_out"]:
        lines.append(f"{report['left_out']:,} were too long to be learned")
    if report["kept"] == "old":
        lines.append(f"the decoder before stays: it knows {report['reworded_before']:.0%} of them")
    return lines


COMMANDS = (consolidate_command,)
