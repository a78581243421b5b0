"""``alen feedback``: whether an answer was right."""

from __future__ import annotations

import click

from alen.cli import opening
from alen.cli.options import Common, common_options, readable_text
from alen.cli.output import emit_json, facts
from alen.errors import BadInput


@click.command("feedback")
@click.argument("episode")
@click.option("--correct/--wrong", "correct", default=None, help="Was the answer right?")
@click.option("--answer", callback=readable_text, help="The right answer, when it was wrong.")
@common_options
def command(common: Common, episode: str, correct: bool | None, answer: str | None) -> None:
    """Say whether the answer stored as EPISODE was right.

    A right answer may be recalled from then on; a wrong one never again. With --answer the right one is learned.
    """
    if correct is None:
        raise BadInput("--correct/--wrong", "neither", "one of --correct, --wrong", "Say whether the answer was right.")
    if correct and answer is not None:
        raise BadInput(
            "--answer", "an answer together with --correct", "--answer only with --wrong", "Leave one of them out."
        )
    with opening.open_engine(common) as engine:
        result = engine.feedback(episode, correct=correct, answer=answer)
    if common.as_json:
        emit_json(result)
    else:
        facts([(name, str(value)) for name, value in result.items()])
