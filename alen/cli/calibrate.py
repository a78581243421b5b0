"""``alen calibrate``: fit the probabilities to questions whose answers are known."""

from __future__ import annotations

from pathlib import Path

import click

from alen.cli import opening
from alen.cli.options import Common, common_options
from alen.cli.output import emit_json, facts
from alen.cli.progress import progress_bar
from alen.errors import BadInput


@click.command("calibrate")
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), metavar="FILE.jsonl", help="Questions with answers."
)
@click.option("--passages", type=click.Path(path_type=Path), metavar="FILE.jsonl", help="What to teach for them first.")
@common_options
def command(common: Common, data: Path, passages: Path | None) -> None:
    """Fit the probabilities to your own questions.

    Rows of --data are {"id", "question", "answers": [..], "unanswerable": bool}. ALEN answers each of them, compares,
    and keeps the fit in this namespace's memory.
    """
    for name, path in (("--data", data), ("--passages", passages)):
        if path is not None and not path.is_file():
            raise BadInput(name, f"{path}, which is not a file", "a JSONL file", "Check the spelling.")
    with opening.open_engine(common) as engine, progress_bar() as progress:
        result = engine.calibrate(data, passages=passages, progress=progress)
    if common.as_json:
        emit_json(result)
    else:
        facts(list(_flat(result)))


def _flat(value: dict[str, object], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, item in value.items():
        label = f"{prefix}{name}".replace("_", " ")
        if isinstance(item, dict):
            rows += _flat(item, f"{label} ")
        else:
            rows.append((label, f"{item:.4g}" if isinstance(item, float) else str(item)))
    return rows
