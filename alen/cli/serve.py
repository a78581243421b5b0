"""``alen serve``: the engine and the language model over HTTP."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from pathlib import Path

import click

from alen.cli.opening import open_local_engine
from alen.cli.options import Common, of_this_machine
from alen.cli.output import emit_json, say
from alen.errors import WorkError
from alen.serving.listening import MOST_BYTES, Listening

_NEEDED = ("fastapi", "prometheus_client", "uvicorn")


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; other machines need --keys.")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port to listen on; 0 takes a free one.",
)
@click.option("--keys", type=click.Path(path_type=Path), help="A JSON file of API keys and their namespaces.")
@click.option("--origin", "origins", multiple=True, metavar="URL", help="A page whose scripts may call; repeatable.")
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Processes that answer, each with models of its own, over one memory.",
)
@click.option(
    "--max-body",
    default=MOST_BYTES,
    show_default=True,
    metavar="BYTES",
    type=click.IntRange(1024, 2**30),
    help="The longest request.",
)
@of_this_machine("it starts a server, it does not use one")
def command(
    common: Common, host: str, port: int, keys: Path | None, origins: tuple[str, ...], workers: int, max_body: int
) -> None:
    """Serve OpenAI's API and ALEN's own. Ctrl+C ends it when requests under way are done.

    With --json the address is told on stdout once it listens."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise WorkError(f"The server needs {', '.join(missing)}.", 'Install it: pip install "alen[serve]"')
    from alen.serving.workers import serve

    def told(url: str) -> None:
        if common.as_json:
            emit_json({"url": url, "workers": workers})
        else:
            say(f"{url} · OpenAI's API at /v1, ALEN's at /v1/alen, a page at /")

    serve(partial(open_local_engine, common), Listening(host, port, keys, origins, max_body, workers), told)
