"""``alen where``: the places ALEN uses."""

from __future__ import annotations

import click

from alen.cli import opening
from alen.cli.options import Common, of_this_machine
from alen.cli.output import emit_json, facts


@click.command("where")
@of_this_machine("it shows the folders of this machine")
def command(common: Common) -> None:
    """Show where ALEN keeps its files. Set ALEN_HOME to move them."""
    from alen import paths

    settings = opening.open_settings(common)
    places = paths.overview(settings.home, settings.store)
    if common.as_json:
        emit_json(places)
    else:
        facts(list(places.items()))
