"""``alen where``: the places ALEN uses."""

from __future__ import annotations

import click

from alen.cli import opening
from alen.cli.options import Common, common_options
from alen.cli.output import emit_json, facts


@click.command("where")
@common_options
def command(common: Common) -> None:
    """Show where ALEN keeps its files. Set ALEN_HOME to move them."""
    from alen import paths

    settings = opening.open_settings(common)
    places = paths.overview(settings.home, settings.store)
    if common.as_json:
        emit_json(places)
    else:
        facts(list(places.items()))
