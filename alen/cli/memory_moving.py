"""``alen memory``: export, import, reembed."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path

import click

from alen.cli import opening
from alen.cli.memory_result import show
from alen.cli.options import Common, of_the_store
from alen.cli.output import say
from alen.cli.progress import progress_bar


@click.command("export")
@click.argument("folder", type=click.Path(path_type=Path))
@of_the_store("it moves files on the machine of the memory")
def export_command(common: Common, folder: Path) -> None:
    """Write the namespace into a new FOLDER: JSON lines and a manifest of hashes."""
    with opening.open_local_memory(common) as memory:
        manifest = memory.export(folder)
    show(common, manifest, [f"{name}: {fact['rows']} rows" for name, fact in manifest["files"].items()])


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--from", "kind", type=click.Choice(["alen", "mem0", "chroma"]), default="alen", show_default=True)
@of_the_store("it moves files on the machine of the memory")
def import_command(common: Common, path: Path, kind: str) -> None:
    """Take in an export of ALEN, the JSON of mem0's get_all, or a Chroma folder; what is there already stays."""
    from alen.memory import importing

    with opening.open_local_engine(common) as engine, progress_bar() as progress:
        memory = engine.memory
        if kind == "alen":
            report = memory.import_(path, progress=progress)
        elif kind == "mem0":
            report = memory.remember_many(list(importing.mem0(path)), source="mem0", progress=progress)
        else:
            report = engine.teach(passages=importing.chroma_rows(path), source=f"chroma:{path.name}", progress=progress)
    found = {"stored": report.stored, "duplicates": report.duplicates}
    show(common, found, [f"{report.stored} stored, {report.duplicates} known already"])


@click.command("reembed")
@click.option("--encoder", metavar="NAME|FOLDER", help="Where to move; without it the encoder of the settings.")
@click.option("--ray", metavar="ADDRESS", help="Embed on Ray: local, auto, or HOST:PORT of a cluster.")
@of_the_store("it changes the whole store, of all namespaces")
def reembed_command(common: Common, encoder: str | None, ray: str | None) -> None:
    """Move the whole store to another encoder. It can be interrupted, and goes on where it was."""
    settings = opening.open_settings(common)
    wanted = settings if encoder is None else settings.model_copy(update={"encoder": encoder})
    with (
        redirect_stdout(sys.stderr),  # where Ray tells what went wrong on its machines
        opening.open_local_memory(common, any_namespace=True) as memory,
        opening.open_encoder(wanted, ray=ray) as new,
        progress_bar() as progress,
    ):
        done = memory.reembed(new, progress=progress)
    show(common, {"embedded": done}, [f"{done} texts embedded"])
    if wanted.encoder != settings.encoder:
        say(f"From now on this store needs ALEN_ENCODER={wanted.encoder}, or that encoder in config.toml.")


COMMANDS = (export_command, import_command, reembed_command)
