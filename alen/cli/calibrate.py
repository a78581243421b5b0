"""``alen calibrate``: fit the probabilities to questions whose answers are known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from alen.cli import opening
from alen.cli.options import Common, of_the_store
from alen.cli.output import emit_json, facts
from alen.cli.progress import progress_bar
from alen.errors import BadInput


@click.command("calibrate")
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), metavar="FILE.jsonl", help="Questions with answers."
)
@click.option("--passages", type=click.Path(path_type=Path), metavar="FILE.jsonl", help="What to teach for them first.")
@of_the_store("it needs the models themselves, and minutes to hours")
def command(common: Common, data: Path, passages: Path | None) -> None:
    """Fit the probabilities to your own questions.

    Rows of --data are {"id", "question", "answers": [..], "unanswerable": bool, "context": id or text of the passage,
    "options": [..], "set": name of a data set}. ALEN answers each of them, compares, and keeps the fit in this
    namespace's memory. Questions about one passage count as one where errors are certified. With more than two sets,
    what they have in common is fitted, or the one check that is better on sets left out.

    Rows {"question", "reply", "right": bool} are graded solutions with their working. They are not asked, and say how
    far Engine.judge may be believed.
    """
    for name, path in (("--data", data), ("--passages", passages)):
        if path is not None and not path.is_file():
            raise BadInput(name, f"{path}, which is not a file", "a JSONL file", "Check the spelling.")
    with opening.open_local_engine(common) as engine, progress_bar() as progress:
        result = engine.calibrate(data, passages=passages, progress=progress)
    if common.as_json:
        emit_json(result)
    else:
        facts(list(_rows(result)))


def _rows(result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """A row for each kind of answer, and one for each error rate that could be certified for it."""
    yield "questions", f"{result['questions']:,}"
    if result["solutions"]:
        yield "solutions", f"{result['solutions']:,}"
    for name, part in result["families"].items():
        counts = f"{part['rows']:,} answers, {part['right']:,} right"
        if not part["fitted"]:
            yield name.replace("_", " "), f"{counts}: too few of one kind, kept as it was"
            continue
        common = f" on what {part['sets']} sets have in common" if part["sets"] > 2 else ""
        alone = f": by the check {part['single'].replace('_', ' ')} alone, which is better" if part["single"] else ""
        yield name.replace("_", " "), f"{counts}: fitted{common}{alone}"
    if not result["questions"]:
        return
    if not result["certified_on"]:
        yield (
            "certified",
            f"nothing: that takes at least 200 questions, about many passages; these are {result['questions']:,} in"
            f" {result['groups']:,} independent groups",
        )
        return
    yield from _certified(result)


def _certified(result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    from alen.core.abstention import fewest

    groups = result["certified_groups"]
    yield "", f"log-loss {result['log_loss']:.3f}, {result['log_loss_of_constant']:.3f} if always the base rate"
    yield "", f"{result['certified_on']:,} questions kept apart, in {groups:,} independent groups"
    held = [found for found in result["certificates"] if found["threshold"] is not None]
    for found in held:
        yield (
            "certified",
            f"wrong at most {100 * found['alpha']:.0f} % of the time from confidence {found['threshold']:.2f} upwards"
            f" ({found['wrong']} of {found['answered']:,} were)",
        )
    few = {found["alpha"]: least for found in result["certificates"] if groups < (least := fewest(found["alpha"]))}
    if few:
        takes = ", ".join(f"{100 * alpha:.0f} % takes {least}" for alpha, least in few.items())
        yield (
            "certified",
            f"{'' if held else 'nothing: '}{groups:,} groups are too few: {takes} at least; questions about one passage"
            " are one group, so that it takes questions about more passages",
        )
    elif not held:
        yield "certified", f"nothing: of {groups:,} groups too few were answered right"
