"""``alen bench serve``: what a server gives to many clients here, beside other servers."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path

import click

from alen.cli import opening, report_folder
from alen.cli.options import Common, of_this_machine
from alen.cli.output import emit_json, say
from alen.errors import BadInput, Cancelled

SECONDS = 5.0


@click.command("serve")
@click.argument("name", required=False, metavar="[MODEL]")
@click.option("--against", metavar="NAME|URL", multiple=True, help="llama.cpp, or a server: http://HOST:PORT/v1#MODEL.")
@click.option("--clients", type=int, default=4, show_default=True, metavar="N", help="That ask at once.")
@click.option("--seconds", type=float, metavar="S", help=f"Of a round; {SECONDS:g} when not given.")
@click.option("--requests", type=int, metavar="N", help="Of a round, of all clients together; in place of --seconds.")
@click.option("--prompt-tokens", type=int, default=64, show_default=True, metavar="N", help="Tokens of a prompt.")
@click.option("--max-tokens", type=int, default=32, show_default=True, metavar="N", help="Tokens of a text.")
@click.option("--threads", type=click.IntRange(1, 1024), metavar="N", help="Of each server; its default else.")
@click.option("--rounds", type=int, default=3, show_default=True, metavar="N", help="Rounds that count.")
@click.option("--report", type=click.Path(path_type=Path), metavar="DIR", help="Folder for JSON and a picture.")
@of_this_machine("it starts a server of its own, and others are named with --against")
def command(
    common: Common,
    name: str | None,
    against: tuple[str, ...],
    clients: int,
    seconds: float | None,
    requests: int | None,
    prompt_tokens: int,
    max_tokens: int,
    threads: int | None,
    rounds: int,
    report: Path | None,
) -> None:
    """Measure a server under many clients.

    It is alen serve with MODEL, a name, a file or a folder; the model of the settings when none is given. Each client
    asks for the next text when it has one: told are requests and tokens a second, latencies and how many requests
    failed. Servers named with --against take turns; one by its URL is asked as it stands, without a key.

    \b
    alen bench serve --clients 16 --against llama.cpp
    alen bench serve --requests 100 --against http://localhost:8000/v1 --report report
    """
    if seconds is not None and requests is not None:
        raise BadInput("--requests", f"{requests} beside --seconds", "one of the two", "Leave one out.")
    from alen.benchmark.serving.speed import Plan

    settings = opening.open_settings(common)
    others = tuple(dict.fromkeys(other for other in against if other != "alen"))
    length = SECONDS if seconds is None else seconds
    plan = Plan(clients, length, requests, rounds, prompt_tokens, max_tokens, threads or settings.threads, others)
    if report is not None:
        report_folder.check(report)
    from alen import models
    from alen.benchmark import bars
    from alen.benchmark.harness import progress
    from alen.benchmark.serving import speed

    model = models.locate(name or settings.model, settings.home)
    try:
        with redirect_stdout(sys.stderr), progress() as show:
            found = speed.run(model, plan, report=show)
    except KeyboardInterrupt:
        raise Cancelled("Measuring was stopped.") from None
    value = found.to_dict()
    if report is not None:
        bars.write_report(report, "serve", value, found.bars())
        say(f"Written: {report}")
    if common.as_json:
        emit_json({**value, "report": report and str(report)})
    else:
        print(found.table(), end="")
