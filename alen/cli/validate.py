"""``alen validate``: ask questions whose answers are known, and say how good the answers and probabilities are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alen.cli import opening
from alen.cli.interrupt import cancel_on_interrupt
from alen.cli.options import Common, common_options
from alen.cli.output import emit_json, facts, json_line, say
from alen.cli.progress import progress_bar
from alen.errors import BadInput, Cancelled

if TYPE_CHECKING:
    from alen.validation.validator import ValidationResult

BESIDE_THE_RATE = ("verification_precision", "verification_recall")
BESIDE_THE_ERROR = ("ece_noise_floor", "log_loss_gain")


@click.command("validate")
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), metavar="FILE.jsonl", help="Questions with answers."
)
@click.option("--passages", type=click.Path(path_type=Path), metavar="FILE.jsonl", help="What to teach for them first.")
@click.option(
    "--report", type=click.Path(path_type=Path), metavar="DIR", help="Folder for report.html and metrics.json."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="ANSWERS.jsonl",
    help="Where answers go as they come; answers.jsonl in the report's folder when not given.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Ask only the first N questions.")
@common_options
def command(
    common: Common, data: Path, passages: Path | None, report: Path | None, out: Path | None, limit: int | None
) -> None:
    """Say how good answers and probabilities are.

    Rows of --data are {"id", "question", "answers": [..], "unanswerable": bool, "context": id or text of the passage,
    "options": [..]}.
    ALEN answers each of them, stores nothing, and measures accuracy, calibration, ranking and what each check is worth.
    With --report or --out the same command goes on where it was stopped.
    """
    out = out or (report / "answers.jsonl" if report else None)
    _check(data, passages, report, out)
    result = _validated(common, data, passages, out, limit)
    written = None if report is None else _write(result, report, data)
    if not result.complete:
        kept = (
            f" are in {out}; the same command goes on from there" if out else " were asked; --out would have kept them"
        )
        say(f"{len(result.rows)} of {result.total}{kept}")
        raise Cancelled("Validating was stopped.")
    if common.as_json:
        emit_json({**result.to_json(), "report": written and str(written), "answers": out and str(out)})
    else:
        facts([*_rows(result), *([("report", str(written))] if written else [])])


def _check(data: Path, passages: Path | None, report: Path | None, out: Path | None) -> None:
    for name, path in (("--data", data), ("--passages", passages)):
        if path is not None and not path.is_file():
            raise BadInput(name, f"{path}, which is not a file", "a JSONL file", "Check the spelling.")
        if path is not None and out is not None and out.exists() and out.samefile(path):
            raise BadInput("--out", str(out), f"another file than {name}", "The answers must not replace it.")
    if report is not None:
        try:
            report.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput("--report", f"{report} ({error.strerror})", "a folder", "Choose another place.") from None


def _validated(
    common: Common, data: Path, passages: Path | None, out: Path | None, limit: int | None
) -> ValidationResult:
    from alen.text.questions import gradable
    from alen.validation.validator import ModelValidator

    rows = gradable(data)  # before any model loads, with the numbers of broken lines
    with opening.open_engine(common) as engine, progress_bar() as progress, cancel_on_interrupt() as cancel:
        return ModelValidator(engine).validate(
            rows, passages=passages, limit=limit, resume=out, cancel=cancel, progress=progress
        )


def _write(result: ValidationResult, folder: Path, data: Path) -> Path:
    """report.html and metrics.json, each whole or not at all."""
    from alen.validation.report import render

    asked = [("data file", data.name), ("made", datetime.now(UTC).isoformat(timespec="seconds"))]
    page = render(result, title=f"Validation on {data.name}", facts=[*asked, ("command", _command_line())])
    for name, text in (("metrics.json", json_line(result.to_json()) + "\n"), ("report.html", page)):
        half = folder / f".{name}.part"
        half.write_text(text, "utf-8", "backslashreplace")
        os.replace(half, folder / name)
    return folder / "report.html"


def _command_line() -> str:
    import shlex
    import sys

    return shlex.join(["alen", *sys.argv[1:]])


def _rows(result: ValidationResult) -> Iterator[tuple[str, str]]:
    """The headline figures, each with those that it may not stand without."""
    from alen.validation.figures import FIGURES, HEADLINE
    from alen.validation.report.page import interval, number

    figures: dict[str, Any] = {figure.name: figure for figure in FIGURES}
    yield "questions", f"{result.total:,}"
    for name in HEADLINE:
        beside = {"verification_rate": BESIDE_THE_RATE, "expected_calibration_error": BESIDE_THE_ERROR}.get(name, ())
        for shown in (name, *beside):
            figure, found = figures[shown], result.metrics[shown]
            label = figure.title[:1].lower() + figure.title[1:] if not figure.title[:2].isupper() else figure.title
            if not found.n:
                yield label, "not applicable"
                continue
            spread = interval(found, figure.unit)
            yield label, f"{number(found.value, figure.unit)}{f' ({spread})' if spread else ''}, n = {found.n:,}"
