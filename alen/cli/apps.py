"""Full-screen apps: separate packages found through the entry-point group ``alen.apps``."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

import click

from alen.cli.options import Common, of_this_machine
from alen.cli.output import emit_json
from alen.errors import WorkError

GROUP = "alen.apps"

App = Callable[..., dict[str, Any]]
"""Called with keywords store, namespace, model and the app's own; returns what happened as a JSON object."""


def load_app(name: str, *, needs: str, install: str) -> App:
    """Import an app. Raises WorkError saying what to install when it, or the library ``needs``, is missing."""
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        raise WorkError(f"The app {name!r} is not installed.", f"Install it with: {install}")
    try:
        app: App = found[name].load()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing != needs:
            raise
        raise WorkError(f"The app {name!r} needs the package {missing}.", f"Install it with: {install}") from None
    return app


def app_command(name: str) -> click.Command | None:
    """The verb of an installed app that ALEN itself does not know, or None when there is no such app."""
    entry = next((entry for entry in entry_points(group=GROUP) if entry.name == name), None)
    if entry is None:
        return None

    @click.command(name)
    @of_this_machine("an app of its own works with the memory of this machine")
    def run(common: Common) -> None:
        app: App = entry.load()
        result = app(store=common.store, namespace=common.namespace, model=common.model)
        if common.as_json:
            emit_json(result)

    return run
