"""``alen doctor``: does everything work here, and what to do where it does not."""

from __future__ import annotations

import click

from alen.cli import opening
from alen.cli.options import Common, common_options
from alen.cli.output import console, emit_json, on_terminal
from alen.cli.printable import printable

_STYLE = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


@click.command("doctor")
@common_options
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
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark, colour = _STYLE[finding.status]
        name, detail = f"{finding.name:<{width}}", printable(finding.detail, keep_lines=False)
        hint = printable(finding.hint, keep_lines=False)
        if on_terminal():
            from rich.padding import Padding
            from rich.text import Text

            screen = console()
            screen.print(Text.assemble((mark, f"bold {colour}"), f"  {name}  ", (detail, "dim")))
            if hint:
                screen.print(Padding(Text(hint, colour), (0, 0, 0, width + 5)))
        else:
            print(f"{finding.status:<4}  {name}  {detail}" + (f" -> {hint}" if hint else ""))
    return int(not healthy)
