"""``alen models``: list, pull, info."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from alen.cli import opening
from alen.cli.options import Common, common_options
from alen.cli.output import emit_json, facts
from alen.cli.progress import progress_bar

if TYPE_CHECKING:
    from alen.models import ModelInfo


@click.group("models", no_args_is_help=False)
def command() -> None:
    """List, pull and describe models."""


@command.command("list")
@common_options
def list_command(common: Common) -> None:
    """List the models that ALEN knows, and which of them are on this machine."""
    from alen.models import list_models

    found = list_models(opening.open_settings(common).home)
    if common.as_json:
        emit_json({"models": [model.to_json() for model in found]})
    else:
        facts([(model.name, f"{_state(model):<15}{_size(model.bytes):>8}  {model.summary}") for model in found])


@command.command("pull")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--from", "source", type=click.Path(path_type=Path), metavar="PATH", help="A local folder or file to look in first."
)
@common_options
def pull_command(common: Common, names: tuple[str, ...], source: Path | None) -> None:
    """Bring models onto this machine; without NAME the two that ALEN uses."""
    from alen.models import REGISTRY, pull

    settings = opening.open_settings(common)
    pulled = []
    for name in names or [name for name in (settings.model, settings.encoder) if name in REGISTRY]:
        started = time.perf_counter()
        with progress_bar(unit_bytes=True) as progress:
            folder = pull(name, settings.home, progress, source=source)
        pulled.append({"name": name, "path": str(folder), "seconds": time.perf_counter() - started})
    if common.as_json:
        emit_json({"models": pulled})
    else:
        facts([(str(model["name"]), str(model["path"])) for model in pulled])


@command.command("info")
@click.argument("name", required=False)
@common_options
def info_command(common: Common, name: str | None) -> None:
    """Describe a model: a NAME, a GGUF file or a folder."""
    from alen.models import info

    settings = opening.open_settings(common)
    model = info(name or settings.model, settings.home)
    if common.as_json:
        emit_json(model.to_json())
        return
    facts(
        [
            ("name", model.name),
            ("what", model.summary),
            ("kind", model.kind),
            ("format", model.format),
            ("parameters", f"{model.parameters:,}"),
            ("size", _size(model.bytes)),
            ("licence", model.licence or "unknown"),
            ("installed", model.path or "no"),
            ("from", model.source or "-"),
            ("fingerprint", model.fingerprint or "-"),
        ]
    )


def _state(model: ModelInfo) -> str:
    return "installed" if model.installed else "not installed"


def _size(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
