"""``alen memory recall``: the answers that fit a question, under conditions, and why each was found."""

from __future__ import annotations

from typing import Any, get_args

import click

from alen.cli import opening
from alen.cli.memory_lines import explain_line, hit_lines, recalled_json
from alen.cli.memory_result import print_lines
from alen.cli.options import Common, common_options, readable_text
from alen.cli.output import emit_json
from alen.cli.rendering import Line
from alen.errors import BadInput
from alen.types import Tier


@click.command("recall")
@click.argument("question", callback=readable_text)
@click.option("-k", "--k", "count", type=click.IntRange(1, 1000), default=8, show_default=True, help="Answers at most.")
@click.option(
    "--mode",
    type=click.Choice(["hybrid", "dense", "lexical"]),
    default="hybrid",
    show_default=True,
    help="Words and meaning, meaning alone, or words alone (which loads no model).",
)
@click.option("--tag", "tags", multiple=True, help="Only what has this tag; several: all of them.")
@click.option("--source", "sources", multiple=True, help="Only from this source; several: from one of them.")
@click.option("--tier", "tiers", type=click.Choice(get_args(Tier)), multiple=True, help="Several: one of them.")
@click.option("--min-confidence", type=click.FloatRange(0, 1), default=0.0, help="Only what is at least so sure.")
@click.option("--since", metavar="MOMENT", help="Only what was stored then or later (ISO 8601).")
@click.option("--until", metavar="MOMENT", help="Only what was stored then or before.")
@click.option("--as-of", metavar="MOMENT", help="What held at that moment, also if it was superseded since.")
@common_options
def recall_command(common: Common, question: str, count: int, mode: Any, **conditions: Any) -> None:
    """Find taught and verified answers whose question is like QUESTION, best first, with how each was found."""
    if not question.strip():
        raise BadInput("question", "an empty question", "a text with at least one letter or digit", "Write one.")
    with opening.open_memory(common, encoder=mode != "lexical") as memory:
        hits = memory.recall(question, count, mode=mode, where=conditions)
    if common.as_json:
        emit_json({"question": question, "mode": mode, "hits": [recalled_json(hit) for hit in hits]})
        return
    found = [line for hit in hits for line in (*hit_lines(hit), explain_line(hit))]
    print_lines(found or [Line((("nothing found", "dim"),))])


COMMANDS = (recall_command,)
