"""``alen doctor``: does everything work here, and what to do where it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alen.cli import opening
from alen.cli.options import Common, of_this_machine
from alen.cli.output import console, emit_json, on_terminal
from alen.cli.printable import printable

if TYPE_CHECKING:
    from alen.cli.health import Finding

_STYLE = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


@click.command("doctor")
@of_this_machine("it looks at this machine")
def command(common: Common) -> int:
    """Check this machine, the models and the memory. Ends with 1 when something must be done before ALEN works."""
    from alen import __version__
    from alen.cli.health import examine

    settings = opening.open_settings(common)
    findings = list(examine(settings))
    healthy = all(finding.status != "fail" for finding in findings)
    if common.as_json:
        emit_json({"ok": healthy, "version": __version__, "checks": [finding.to_json() for finding in findings]})
        return int(not healthy)
    if on_terminal():
        _show_table(findings)
        return int(not healthy)
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        line = f"{finding.status:<4}  {finding.name:<{width}}  {finding.detail}"
        print(printable(f"{line} -> {finding.hint}" if finding.hint else line, keep_lines=False))
    return int(not healthy)


def _show_table(findings: list[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for finding in findings:
        mark, colour = _STYLE[finding.status]
        detail = Text(printable(finding.detail, keep_lines=False), "dim" if finding.status == "ok" else "")
        if finding.hint:
            detail.append(f"\n{printable(finding.hint, keep_lines=False)}", colour)
        table.add_row(Text(mark, f"bold {colour}"), Text(finding.name), detail)
    console().print(table)
