"""``alen train``: train a model by a recipe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alen.cli.options import Common, of_this_machine
from alen.cli.output import emit_json, facts, say
from alen.errors import Cancelled, WorkError

if TYPE_CHECKING:
    from alen.training.preparing import Prepared
    from alen.training.run import Result

SIZES = ("micro", "small", "medium", "large", "xl")


@click.command("train")
@click.argument("recipe", type=click.Path(path_type=Path), metavar="CONFIG.yaml")
@click.option("--size", type=click.Choice(SIZES), help="One of ALEN's own sizes in place of the recipe's model.")
@click.option("--steps", type=click.IntRange(min=1), metavar="N", help="Steps in place of the recipe's length.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder in place of the recipe's.")
@click.option("--resume/--fresh", default=True, help="Go on from the last checkpoint in the folder, or begin again.")
@click.option("--dry-run", is_flag=True, help="Say what it would take, and train nothing.")
@of_this_machine("training is done where the data is")
def command(
    common: Common,
    recipe: Path,
    size: str | None,
    steps: int | None,
    out: Path | None,
    resume: bool,
    dry_run: bool,
) -> None:
    """Train a model by the recipe in CONFIG.yaml.

    The folder gets checkpoints, metrics.csv, a picture of the losses, and in model/ what every command takes as
    --model. Stopped with Ctrl-C or by force, the same command goes on where it was. configs/training has recipes.
    """
    try:
        import lightning  # noqa: F401 it is looked for before anything is read
    except ModuleNotFoundError:
        raise WorkError("Training needs Lightning.", "Install it: pip install 'alen[train]'") from None
    from alen.training.recipe import read_recipe

    read = read_recipe(recipe, size=size, steps=steps, out=out)
    if dry_run:
        from alen.training.preparing import prepare

        planned = prepare(read)
        if common.as_json:
            emit_json({"dry_run": True, **planned.plan.to_json()})
        else:
            facts(list(_plan_rows(planned)))
        return
    from alen.training.run import train

    try:
        result = train(read, resume=resume, show=True)
    except Cancelled as stopped:
        say(f"{stopped.what} {stopped.hint}")
        raise
    if result.model is None:  # one of several processes speaks for all
        return
    if common.as_json:
        emit_json({"dry_run": False, **result.to_json()})
    else:
        facts(list(_result_rows(result)))


def _plan_rows(prepared: Prepared) -> Iterator[tuple[str, str]]:
    plan, machine = prepared.plan, prepared.machine
    trained = "" if plan.trained == plan.parameters else f", {plan.trained:,} of them trained"
    yield "parameters", f"{plan.parameters:,}{trained}"
    dtype = str(machine.dtype).removeprefix("torch.")
    yield "machine", f"{machine.devices} × {machine.device}, {dtype}, {machine.strategy}"
    parts = ("weights", "gradients", "optimizer", "activations")
    yield (
        "memory a device",
        f"{_size(plan.bytes)} of {_size(plan.available) if plan.available else 'what there is'}:"
        f" {', '.join(f'{name} {_size(getattr(plan, name))}' for name in parts)}",
    )
    yield "a checkpoint", _size(plan.checkpoint)
    yield "tokens a step", f"{plan.tokens_per_step:,}"
    if plan.steps is not None and plan.seconds is not None:
        yield "steps", f"{plan.steps:,}, {plan.steps * plan.tokens_per_step:,} tokens"
    yield "estimated", f"{plan.tokens_per_second:,.0f} tokens/s{_time(plan.seconds)}"


def _result_rows(result: Result) -> Iterator[tuple[str, str]]:
    yield "steps", f"{result.steps:,}, {result.tokens:,} tokens in {result.seconds:,.0f} s"
    if result.loss is not None:
        yield "loss", f"{result.loss:.4f}"
    names: dict[str, Any] = {"val_loss": "validation loss", "bits_per_byte": "bits per byte"}
    for name, value in result.validation.items():
        yield names.get(name, name), f"{value:.4f}"
    yield "model", str(result.model)


def _size(number: int) -> str:
    return f"{number / 2**30:.1f} GiB" if number >= 2**30 else f"{number / 2**20:.0f} MiB"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f", {seconds / 3600:.1f} h" if seconds >= 5400 else f", {seconds / 60:.1f} min"
