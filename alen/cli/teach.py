"""``alen teach``: files, text, questions with answers, passages."""

from __future__ import annotations

from pathlib import Path

import click

from alen.cli import opening
from alen.cli.options import Common, common_options, readable_text
from alen.cli.output import emit_json
from alen.cli.progress import progress_bar
from alen.errors import BadInput


@click.command("teach")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--text", callback=readable_text, help="A text to learn; - reads stdin.")
@click.option("--qa", type=click.Path(path_type=Path), metavar="FILE.jsonl", help="Questions with their answers.")
@click.option("--passages", type=click.Path(path_type=Path), metavar="FILE.jsonl", help="Passages, one a line.")
@click.option("--source", help="Name to cite for --text, --qa or --passages.")
@common_options
def command(
    common: Common,
    paths: tuple[Path, ...],
    text: str | None,
    qa: Path | None,
    passages: Path | None,
    source: str | None,
) -> None:
    """Teach ALEN. PATHs are text or Markdown files.

    The same input twice stores nothing twice; an edited file retires what it no longer says.

    \b
    alen teach notes.md manual/*.md
    alen teach --qa answers.jsonl
    alen teach --text "The spare key hangs behind the clock."
    """
    if not (paths or text is not None or qa or passages):
        raise BadInput(
            "input", "nothing to teach", "a PATH, --text, --qa or --passages", "For example: alen teach notes.md"
        )
    for name, path in [*(("PATH", path) for path in paths), ("--qa", qa), ("--passages", passages)]:
        if path is not None and not path.exists():
            raise BadInput(name, f"{path}, which does not exist", "a file that exists", "Check the spelling.")
    with opening.open_engine(common) as engine, progress_bar() as progress:
        report = engine.teach(text, paths=paths, qa=qa, passages=passages, source=source, progress=progress)
    if common.as_json:
        emit_json(report.to_json())
    else:
        print(
            f"{report.stored} stored, {report.duplicates} already known, {report.retired} retired,"
            f" in {report.seconds:.1f} s"
        )
