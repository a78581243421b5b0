"""What a verb of memory leaves behind: one JSON object or lines, and what is done only on ``--yes``."""

from __future__ import annotations

from typing import Any

import click

from alen.cli.options import Common
from alen.cli.output import console, emit_json, on_terminal, say
from alen.cli.printable import printable
from alen.cli.rendering import Line, styled

do_it = click.option("--yes", is_flag=True, help="Do it; without this it is only said what would be done.")


def show(common: Common, found: dict[str, Any], lines: list[str]) -> None:
    """The result, and on stderr that a plan was not carried out (``done`` is false, and the plan is not empty)."""
    if common.as_json:
        emit_json(found)
    else:
        print("\n".join(printable(line, keep_lines=False) for line in lines))
    if found.get("done") is False and any(value for name, value in found.items() if name != "done"):
        say("Nothing was changed; with --yes it is done.")


def print_lines(lines: list[Line]) -> None:
    if on_terminal():
        console().print(styled(lines))
    else:
        print("\n".join(line.plain.rstrip() for line in lines))
