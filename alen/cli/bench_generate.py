"""``alen bench generate``: how fast a model reads and writes here, beside other programs with the same weights."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path

import click

from alen.cli import opening, report_folder
from alen.cli.options import Common, of_this_machine, readable_text
from alen.cli.output import emit_json, say
from alen.errors import BadInput, Cancelled


@click.command("generate")
@click.argument("name", required=False, metavar="[MODEL]")
@click.option("--against", metavar="NAME", multiple=True, help="llama.cpp, transformers or ctranslate2, in turns.")
@click.option("--prompt", metavar="TEXT", callback=readable_text, help="Read this (- is stdin); made-up facts else.")
@click.option("--prompt-tokens", type=int, metavar="N", help="Tokens of a made-up prompt; 256 when not given.")
@click.option("--max-tokens", type=int, default=128, show_default=True, metavar="N", help="Tokens of a text.")
@click.option("--streams", type=int, default=8, show_default=True, metavar="N", help="Texts written at once.")
@click.option("--threads", type=click.IntRange(1, 1024), metavar="N", help="Of the processor; torch's default else.")
@click.option("--rounds", type=int, default=5, show_default=True, metavar="N", help="Rounds that count.")
@click.option("--report", type=click.Path(path_type=Path), metavar="DIR", help="Folder for JSON and a picture.")
@of_this_machine("it measures this machine")
def command(
    common: Common,
    name: str | None,
    against: tuple[str, ...],
    prompt: str | None,
    prompt_tokens: int | None,
    max_tokens: int,
    streams: int,
    threads: int | None,
    rounds: int,
    report: Path | None,
) -> None:
    """Measure how fast a model reads and writes.

    MODEL is a name, a file or a folder; the model of the settings when none is given. It computes on the processor.
    Told are tokens a second of one text, of reading its prompt and of several texts at once, and the time to the
    first token. With --against each program runs in a process of its own, with the same weights, threads and prompts,
    and all take turns. Texts are greedy, and ALEN drafts none.

    \b
    alen bench generate --against llama.cpp
    alen bench generate model.gguf --prompt-tokens 512 --streams 16 --report report
    """
    if prompt is not None and prompt_tokens is not None:
        raise BadInput("--prompt-tokens", f"{prompt_tokens} beside --prompt", "one of the two", "Leave one out.")
    from alen.benchmark.decoding.speed import Plan

    settings = opening.open_settings(common)
    wanted = 256 if prompt_tokens is None else prompt_tokens
    plan = Plan(prompt, wanted, max_tokens, streams, rounds, threads or _threads(settings.threads), _once(against))
    if report is not None:
        report_folder.check(report)
    from alen import models
    from alen.benchmark import bars
    from alen.benchmark.decoding import speed
    from alen.benchmark.harness import progress

    model = models.locate(name or settings.model, settings.home)
    try:
        with redirect_stdout(sys.stderr), progress() as show:
            found = speed.run(model, plan, work=settings.home / "bench" / "generate", report=show)
    except KeyboardInterrupt:
        raise Cancelled("Measuring was stopped.") from None
    value = found.to_dict()
    if report is not None:
        bars.write_report(report, "generate", value, found.bars())
        say(f"Written: {report}")
    if common.as_json:
        emit_json({**value, "report": report and str(report)})
    else:
        print(found.table(), end="")


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name != "alen"))


def _threads(wanted: int) -> int:
    import torch

    return wanted or torch.get_num_threads()
