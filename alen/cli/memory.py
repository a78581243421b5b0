"""``alen memory``: stats, search, show; the other verbs have files of their own."""

from __future__ import annotations

import click

from alen.cli import (
    memory_checking,
    memory_consolidating,
    memory_editing,
    memory_forgetting,
    memory_merging,
    memory_moving,
    memory_recall,
    opening,
)
from alen.cli.memory_lines import hit_json, hit_lines, show_lines, written
from alen.cli.memory_result import print_lines
from alen.cli.options import Common, common_options, readable_text
from alen.cli.output import emit_json, facts
from alen.cli.rendering import Line
from alen.errors import BadInput


@click.group("memory", no_args_is_help=False)
def command() -> None:
    """Look into the memory, change what is in it, and keep it in order."""


@command.command("stats")
@common_options
def stats_command(common: Common) -> None:
    """Count what is stored."""
    with opening.open_memory(common) as memory:
        found = memory.stats()
    if common.as_json:
        emit_json(found)
    else:
        facts([(name.replace("_", " "), written(value)) for name, value in found.items()])


@command.command("search")
@click.argument("query", callback=readable_text)
@click.option("-k", "--k", "count", type=click.IntRange(1, 1000), default=8, show_default=True, help="Hits at most.")
@common_options
def search_command(common: Common, query: str, count: int) -> None:
    """Find passages and taught answers that fit QUERY, best first."""
    if not query.strip():
        raise BadInput(
            "query", "an empty query", "a text with at least one letter or digit", 'For example: "spare key"'
        )
    with opening.open_memory(common, encoder=True) as memory:
        hits = memory.search(query, count)
    if common.as_json:
        emit_json({"query": query, "hits": [hit_json(hit) for hit in hits]})
    else:
        print_lines([line for hit in hits for line in hit_lines(hit)] or [Line((("nothing found", "dim"),))])


@command.command("show")
@click.argument("name", metavar="ID")
@common_options
def show_command(common: Common, name: str) -> None:
    """Show one stored thing: a question with its answer, or a passage."""
    with opening.open_memory(common) as memory:
        found = memory.show(name)
    if common.as_json:
        emit_json(found)
    else:
        print_lines(show_lines(found))


command.add_command(show_command, "get")
for room in (
    memory_recall,
    memory_editing,
    memory_merging,
    memory_consolidating,
    memory_forgetting,
    memory_checking,
    memory_moving,
):
    for verb in room.COMMANDS:
        command.add_command(verb)
