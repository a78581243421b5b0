"""What a command writes: results on stdout (one JSON object, rich or plain text), everything else on stderr."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from alen.cli.printable import printable
from alen.text.strict_json import json_line

if TYPE_CHECKING:
    from rich.console import Console


def emit_json(value: dict[str, Any]) -> None:
    """Write the one JSON object of a command to stdout, escaped where stdout is not UTF-8."""
    line = json_line(value)
    if "utf" not in (sys.stdout.encoding or "").lower():
        line = json.dumps(json.loads(line))
    print(line, flush=True)


def say(text: str) -> None:
    """A remark for the person at the terminal: stderr, so that stdout holds the result alone."""
    print(printable(text), file=sys.stderr, flush=True)


def on_terminal() -> bool:
    return sys.stdout.isatty()


def console() -> Console:
    """A rich console on stdout. Call it only where ``on_terminal()``: importing rich takes time."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def facts(rows: list[tuple[str, str]]) -> None:
    """Print labelled lines, labels in a column of their own."""
    width = max((len(label) for label, _ in rows), default=0)
    if on_terminal():
        from rich.text import Text

        screen = console()
        for label, value in rows:
            screen.print(Text.assemble((f"{label:<{width}}  ", "dim"), printable(value)), soft_wrap=True)
    else:
        for label, value in rows:
            print(f"{label:<{width}}  {printable(value, keep_lines=False)}".rstrip())
