"""``alen models``: list, pull, optimize, info."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alen.cli import opening
from alen.cli.options import Common, of_this_machine
from alen.cli.output import emit_json, facts
from alen.cli.progress import progress_bar

if TYPE_CHECKING:
    from alen.models import ModelInfo
    from alen.neural import TransformerConfig


@click.group("models", no_args_is_help=False)
def command() -> None:
    """List, pull and describe models."""


@command.command("list")
@of_this_machine("it is about the model files of this machine; GET /v1/models names those of a server")
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
@of_this_machine("it is about the model files of this machine; GET /v1/models names those of a server")
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


@command.command("optimize")
@click.argument("name", required=False)
@of_this_machine("it is about the model files of this machine; GET /v1/models names those of a server")
def optimize_command(common: Common, name: str | None) -> None:
    """Compile kernels for this processor, once, and use them if they are faster. Needs a compiler of C++."""
    from alen.optimizing import optimize

    settings = opening.open_settings(common)
    with progress_bar() as progress:
        found = optimize(name or settings.model, settings.home, progress)
    if common.as_json:
        emit_json(found)
    else:
        facts([(key, str(value)) for key, value in found.items()])


@command.command("info")
@click.argument("name", required=False)
@of_this_machine("it is about the model files of this machine; GET /v1/models names those of a server")
def info_command(common: Common, name: str | None) -> None:
    """Describe a model, a shape, or a file: a NAME, a GGUF file or a folder."""
    from alen.models import REGISTRY, info
    from alen.neural import presets
    from alen.neural.describe import describe

    settings = opening.open_settings(common)
    wanted = name or settings.model
    is_preset = wanted in presets.names() and wanted not in REGISTRY
    described = _preset(wanted) if is_preset else info(wanted, settings.home).to_json()
    config = presets.preset(wanted) if is_preset else _config_of(described)
    shape = describe(config) if config is not None else None
    if shape is not None:
        described["parameters"] = {**shape["parameters"], "total": described["parameters"]["total"]}
    described["shape"] = None if shape is None else {key: shape[key] for key in shape if key != "parameters"}
    if common.as_json:
        emit_json(described)
    else:
        facts([*_lines(described), *(_shape_lines(described["parameters"], shape) if shape else [])])


def _preset(name: str) -> dict[str, Any]:
    from alen.neural import presets
    from alen.neural.describe import describe

    config = presets.preset(name)
    source, stated = presets.source_of(name)
    return {
        "name": name,
        "kind": "encoder" if config.attention.mask_type == "bidirectional" else "decoder",
        "summary": f"a shape without weights; {stated} parameters stated",
        "licence": None,
        "installed": False,
        "path": None,
        "bytes": 0,
        "parameters": {"total": describe(config)["parameters"]["total"]},
        "format": "shape",
        "source": source,
        "fingerprint": None,
    }


def _config_of(described: dict[str, Any]) -> TransformerConfig | None:
    """What the files say; None for a model that is not here."""
    if not described["installed"]:
        return None
    from alen.neural.weights import read_config

    return read_config(Path(described["path"]))


def _lines(described: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("name", described["name"]),
        ("what", described["summary"]),
        ("kind", described["kind"]),
        ("format", described["format"]),
        ("parameters", f"{described['parameters']['total']:,}"),
        ("size", _size(described["bytes"]) if described["bytes"] else "-"),
        ("licence", described["licence"] or "unknown"),
        ("installed", described["path"] or "no"),
        ("from", described["source"] or "-"),
        ("fingerprint", described["fingerprint"] or "-"),
    ]


def _shape_lines(parameters: dict[str, int], shape: dict[str, Any]) -> list[tuple[str, str]]:
    parts = [(f"  {part}", f"{count:,}") for part, count in parameters.items() if part != "total"]
    weights = ", ".join(f"{dtype} {_size(size['weights'])}" for dtype, size in shape["bytes"].items())
    cached = ", ".join(f"{dtype} {size['cache_per_token']:,}" for dtype, size in shape["bytes"].items())
    first, longest = (shape["flops_per_token"][place] / 1e6 for place in ("first", "longest"))
    return [
        *parts,
        ("shape", f"{shape['layers']} layers of width {shape['width']:,}, {shape['vocabulary']:,} words"),
        ("weights", weights),
        ("cache", f"bytes a token: {cached}"),
        ("work", f"{first:,.1f} MFLOP for a first token, {longest:,.1f} for token {shape['longest']:,}"),
    ]


def _state(model: ModelInfo) -> str:
    return "installed" if model.installed else "not installed"


def _size(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
