"""``alen chat``: the full-screen conversation."""

from __future__ import annotations

import sys

import click

from alen.cli import opening
from alen.cli.apps import load_app
from alen.cli.options import Common, common_options
from alen.cli.output import emit_json, say
from alen.errors import BadInput

INSTALL = 'pip install "alen[chat]"'


@click.command("chat")
@click.option("--session", metavar="ID", help="Go on with an earlier conversation.")
@click.option("--effort", type=click.Choice(["fast", "balanced", "thorough"]), help="How much work to spend.")
@click.option("--private", is_flag=True, help="Store nothing of this conversation.")
@common_options
def command(common: Common, session: str | None, effort: str | None, private: bool) -> None:
    """Talk in a full-screen window. Esc stops an answer, Ctrl+Q leaves."""
    app = load_app("chat", needs="textual", install=INSTALL)
    # The screen is drawn on stderr, so stdout may well be a pipe.
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise BadInput("terminal", "none", "a terminal to draw on", 'Use `alen ask "…"` in scripts and pipes.')
    remote = opening.server(common)
    result = app(
        store=common.store,
        namespace=common.namespace,
        model=common.model,
        session=session,
        effort=effort,
        private=private,
        **({} if remote is None else {"url": remote.url}),
    )
    if common.as_json:
        emit_json(result)
    elif result.get("session"):
        say(f"Go on with: alen chat --session {result['session']}")
