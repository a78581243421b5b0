"""``alen memory``: remember, update, supersede, retract, history. One answer by its id, and what it was before."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args

import click

from alen.cli import opening
from alen.cli.memory_lines import show_lines
from alen.cli.memory_result import print_lines, show
from alen.cli.options import Common, common_options, readable_text
from alen.cli.output import emit_json, facts
from alen.errors import BadInput
from alen.types import Tier


def _fields(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say what an answer carries beside question and answer."""
    for option in (
        click.option("--detail", metavar="JSON", help='Anything else, as an object: {"room": 12}.'),
        click.option("--confidence", type=click.FloatRange(0, 1), help="How sure it is; 1 is certain."),
        click.option("--tag", "tags", multiple=True, callback=_readable_texts, help="May be given more than once."),
        click.option("--context", callback=readable_text, help="What one must know to understand the question."),
    ):
        function = option(function)
    return function


def _readable_texts(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(readable_text(ctx, parameter, value)) for value in values)


@click.command("remember")
@click.argument("question", callback=readable_text)
@click.argument("answer", callback=readable_text)
@_fields
@click.option("--tier", type=click.Choice(get_args(Tier)), default="gold", show_default=True, help="How it is known.")
@click.option("--source", default="user", show_default=True, callback=readable_text, help="Who says so.")
@click.option("--ttl", type=float, metavar="SECONDS", help="Not recalled any more after so long.")
@common_options
def remember_command(common: Common, question: str, answer: str, detail: str | None, **given: Any) -> None:
    """Store a QUESTION with its ANSWER and give its id; the same again gives the id that it has."""
    fields = {name: value for name, value in given.items() if value is not None} | _detail(detail)
    with opening.open_memory(common, encoder=True, create=True) as memory:
        uid = memory.remember(question=question, answer=answer, **fields)
    show(common, {"id": uid}, [uid])


@click.command("update")
@click.argument("uid", metavar="ID")
@click.option("--question", callback=readable_text)
@click.option("--answer", callback=readable_text)
@_fields
@click.option("--no-tags", is_flag=True, help="Take all tags away.")
@click.option("--pin/--unpin", "pinned", default=None, help="What is pinned is never forgotten.")
@click.option("--expires", "expires_at", metavar="MOMENT", help="Recalled until then (ISO 8601), or: never.")
@common_options
def update_command(
    common: Common,
    uid: str,
    tags: tuple[str, ...],
    no_tags: bool,
    detail: str | None,
    expires_at: str | None,
    **given: Any,
) -> None:
    """Change fields of the answer ID; what it was stays in its history. --tag replaces all tags it had."""
    if tags and no_tags:
        raise BadInput("--tag", "--tag together with --no-tags", "one of them", "Leave one of them out.")
    changes = {name: value for name, value in given.items() if value is not None} | _detail(detail)
    if tags or no_tags:
        changes["tags"] = tags
    if expires_at is not None:
        from alen.memory.filters import moment

        changes["expires_at"] = None if expires_at == "never" else moment("--expires", expires_at)
    if not changes:
        raise BadInput("changes", "nothing to change", "at least one option with a new value", "See --help.")
    with opening.open_memory(common, encoder="question" in changes) as memory:
        memory.update(uid, **changes)
        found = memory.show(uid)
    if common.as_json:
        emit_json(found)
    else:
        print_lines(show_lines(found))


@click.command("supersede")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@common_options
def supersede_command(common: Common, old: str, new: str) -> None:
    """Say that from now on the answer NEW holds and OLD does not; recall --as-of still finds what held before."""
    with opening.open_memory(common) as memory:
        memory.supersede(old, new)
    show(common, {"old": old, "new": new}, [f"{new} holds now, {old} did before"])


@click.command("retract")
@click.argument("uid", metavar="ID")
@common_options
def retract_command(common: Common, uid: str) -> None:
    """Take an answer back, with everything that was answered from it; all of it stays in the history."""
    with opening.open_memory(common) as memory:
        children = memory.retract(uid)
    show(common, {"id": uid, "descendants": children}, [f"{uid} is taken back, and {children:,} answers with it"])


@click.command("history")
@click.argument("uid", metavar="ID")
@common_options
def history_command(common: Common, uid: str) -> None:
    """Show every version of a taught answer, oldest first."""
    with opening.open_memory(common) as memory:
        versions = memory.history(uid)
    if common.as_json:
        emit_json({"id": uid, "versions": versions})
    else:
        for version in versions:
            facts([(name, str(value)) for name, value in version.items() if value not in (None, [], ())])
            print()


def _detail(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadInput("--detail", text[:60], "a JSON object", "For example: --detail '{\"room\": 12}'")
    return {"detail": found}


COMMANDS = (remember_command, update_command, supersede_command, retract_command, history_command)
