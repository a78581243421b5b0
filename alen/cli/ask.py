"""``alen ask``: one question, or a file of them."""

from __future__ import annotations

from pathlib import Path

import click

from alen.cli import opening
from alen.cli.interrupt import cancel_on_interrupt
from alen.cli.options import Common, common_options, readable_text
from alen.cli.output import console, emit_json, on_terminal
from alen.cli.printable import printable
from alen.cli.progress import spinner
from alen.errors import BadInput
from alen.types import Effort


@click.command("ask")
@click.argument("question", required=False, callback=readable_text)
@click.option("--session", metavar="ID", help="Ask within an earlier conversation.")
@click.option("--effort", type=click.Choice(["fast", "balanced", "thorough"]), help="How much work to spend.")
@click.option("--private", is_flag=True, help="Store nothing of this question.")
@click.option("--explain", is_flag=True, help="Print every check, its weight, what it added, and what was refused.")
@click.option("--file", "file", type=click.Path(path_type=Path), metavar="FILE.jsonl", help="Questions, one a line.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.jsonl", help="Where the answers to --file go.")
@common_options
def command(
    common: Common,
    question: str | None,
    session: str | None,
    effort: Effort | None,
    private: bool,
    explain: bool,
    file: Path | None,
    out: Path | None,
) -> None:
    """Ask QUESTION (- reads it from stdin), or every question of a file.

    The answer comes with a probability and the evidence for it, or ALEN says that it does not know.

    With --file and --out each line {"id": …, "question": …} becomes a line with the same id. A run that was stopped
    goes on where it was when the same command is given again.
    """
    if file is not None or out is not None:
        _ask_file(common, question, session, effort, private, file, out)
        return
    if question is None or not question.strip():
        raise BadInput(
            "question",
            "an empty question" if question is not None else "no question",
            "a text with at least one letter or digit",
            'For example: alen ask "Where is the spare key?"',
        )
    with spinner("thinking"), opening.open_engine(common) as engine, cancel_on_interrupt() as cancel:
        answer = engine.ask(question, session=session, effort=effort, private=private, cancel=cancel)
    if common.as_json:
        emit_json(answer.to_json())
    elif explain:
        print(printable(answer.explain()))
    elif on_terminal():
        from alen.cli.rendering import answer_text

        console().print(answer_text(answer))
    else:
        from alen.cli.rendering import answer_plain

        print(answer_plain(answer))


def _ask_file(
    common: Common,
    question: str | None,
    session: str | None,
    effort: Effort | None,
    private: bool,
    file: Path | None,
    out: Path | None,
) -> None:
    from alen.cli.ask_file import ask_file

    if question is not None:
        raise BadInput("question", "a question and --file", "one of them", "Leave out the question or --file.")
    if file is None or out is None:
        missing = "--file" if file is None else "--out"
        raise BadInput(missing, "nothing", "a path", "--file and --out are used together.")
    summary = ask_file(common, file, out, session=session, effort=effort, private=private)
    if common.as_json:
        emit_json(summary)
    else:
        print(
            f"{summary['asked']} asked ({summary['answered']} answered, {summary['asked'] - summary['answered']} not),"
            f" {summary['skipped']} already in {summary['out']}, in {summary['seconds']:.1f} s"
        )
