"""``alen teach``: files, text, questions with answers, passages, letters, chats."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path

import click

from alen.cli import opening
from alen.cli.options import Common, common_options, readable_text
from alen.cli.output import emit_json, say
from alen.cli.progress import progress_bar
from alen.errors import BadInput

SHOWN = 20
"""Of what was left out; the rest is counted."""


@click.command("teach")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--text", callback=readable_text, help="A text to learn; - reads stdin.")
@click.option("--qa", type=click.Path(path_type=Path), metavar="FILE.jsonl", help="Questions with their answers.")
@click.option("--passages", type=click.Path(path_type=Path), metavar="FILE.jsonl", help="Passages, one a line.")
@click.option("--mailbox", type=click.Path(path_type=Path), metavar="FILE.mbox", help="Letters, as answers.")
@click.option("--chat", type=click.Path(path_type=Path), metavar="FILE.json", help="A chat log, as answers.")
@click.option("--source", help="Name to cite for everything but PATHs.")
@click.option("--ray", metavar="ADDRESS", help="Embed on Ray: local, auto, or HOST:PORT of a cluster.")
@common_options
def command(
    common: Common, paths: tuple[Path, ...], text: str | None, source: str | None, ray: str | None, **files: Path | None
) -> None:
    """Teach ALEN. PATHs are text, Markdown, HTML, PDF and DOCX files, or folders of them.

    The same input twice stores nothing twice; an edited file retires what it no longer says. What cannot be read in a
    folder is named, and the rest is taught.

    \b
    alen teach notes.md manual/
    alen teach --qa answers.jsonl
    alen teach --mailbox inbox.mbox
    alen teach --text "The spare key hangs behind the clock."
    """
    if not (paths or text is not None or any(files.values())):
        allowed = "a PATH, --text, --qa, --passages, --mailbox or --chat"
        raise BadInput("input", "nothing to teach", allowed, "For example: alen teach notes.md")
    for name, path in [*(("PATH", path) for path in paths), *((f"--{name}", path) for name, path in files.items())]:
        if path is not None and not path.exists():
            raise BadInput(name, f"{path}, which does not exist", "a file that exists", "Check the spelling.")
    # Ray tells on stdout what went wrong on its machines; stdout is for the result.
    with (
        redirect_stdout(sys.stderr),
        opening.open_engine(common, ray=ray) as engine,
        progress_bar() as progress,
    ):
        report = engine.teach(text, paths=paths, source=source, progress=progress, **files)
    for each in report.skipped[:SHOWN]:
        say(f"left out {each.path}: {each.reason}")
    if len(report.skipped) > SHOWN:
        say(f"left out {len(report.skipped) - SHOWN} more (--json names all)")
    if common.as_json:
        emit_json(report.to_json())
    else:
        print(
            f"{report.stored} stored, {report.duplicates} already known, {report.retired} retired,"
            f" in {report.seconds:.1f} s"
        )
