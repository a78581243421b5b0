"""Options that every verb takes, and the values they carry."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from alen.errors import BadInput


@dataclass(frozen=True, slots=True)
class Common:
    """The common options of one call; None means "not given", so that environment and config file decide."""

    as_json: bool = False
    store: str | None = None
    namespace: str | None = None
    model: str | None = None
    url: str | None = None
    verbose: bool = False


def common_options(function: Callable[..., Any], check: Callable[[Common], None] | None = None) -> Callable[..., Any]:
    """Add the common options to a verb; its function receives them as the first argument, a ``Common``. The verb works
    over a server as well as here, unless ``check`` refuses that."""

    def verb(**values: Any) -> Any:
        common = Common(
            as_json=values.pop("as_json"),
            store=values.pop("store"),
            namespace=values.pop("namespace"),
            model=values.pop("model"),
            url=values.pop("url"),
            verbose=values.pop("verbose"),
        )
        if check is not None:
            check(common)
        if common.verbose:
            import logging

            logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
        return function(common, **values)

    verb.__doc__ = function.__doc__
    wrapped: Callable[..., Any] = verb
    # Options declared below this decorator wait on the function; click collects them from the outermost one.
    wrapped.__dict__["__click_params__"] = list(getattr(function, "__click_params__", []))
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def of_this_machine(why: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Common options for a verb about this machine: ``--url`` is refused. ``ALEN_URL`` makes no difference to it."""

    def check(common: Common) -> None:
        if common.url:
            raise BadInput("--url", repr(common.url), f"leaving it out: {why}", f"Run {_verb()} here without it.")

    return lambda function: common_options(function, check)


def of_the_store(why: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Common options for a verb that must have the store itself: a server is refused, wherever it was named, so that
    nobody takes the store of this machine for that of the server."""

    def check(common: Common) -> None:
        from alen.cli.opening import open_settings

        url = open_settings(common).url
        if url:
            hint = f"Run {_verb()} on the machine of the server, with its --store and --namespace."
            field = "--url" if common.url else "ALEN_URL"
            raise BadInput(field, repr(url), f"leaving it out: {why}", hint)

    return lambda function: common_options(function, check)


def _verb() -> str:
    return click.get_current_context().command_path


_OPTIONS: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
    click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON object on stdout."),
    click.option("--store", metavar="URL", help="Database of the memory, for example sqlite:///notes.db."),
    click.option("--namespace", metavar="NS", help="Part of the memory to use."),
    click.option("--model", metavar="NAME|FILE|FOLDER|URL", help="Language model: a name, file, folder or server."),
    click.option("--url", metavar="URL", help="A running server to use, http://HOST:PORT; its key is in ALEN_API_KEY."),
    click.option("--verbose", is_flag=True, help="Show what happens, and where an unexpected error comes from."),
)


def readable_text(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Check a text from the command line; ``-`` reads it from stdin. Raises BadInput for bytes that are not UTF-8."""
    name = str(parameter.name)
    if value == "-":
        raw = sys.stdin.buffer.read()
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadInput(
                name, f"a byte at position {error.start} that is not UTF-8", "text in UTF-8", "Convert it first."
            ) from None
    if value is not None:
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise BadInput(
                name,
                "bytes that are not UTF-8",
                "text in UTF-8",
                "Check the encoding of the terminal or of the script.",
            ) from None
    return value
