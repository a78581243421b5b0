"""``alen memory``: delete, forget, erase, receipts. What goes, how thoroughly, and the proof of it."""

from __future__ import annotations

from dataclasses import asdict

import click

from alen.cli import opening
from alen.cli.memory_result import do_it, show
from alen.cli.options import Common, common_options


@click.command("delete")
@click.argument("uids", metavar="ID…", nargs=-1, required=True)
@do_it
@common_options
def delete_command(common: Common, uids: tuple[str, ...], yes: bool) -> None:
    """Take answers away by their ids, all or none. Free pages of the file may still hold their bytes: see erase."""
    with opening.open_memory(common) as memory:
        wanted = [memory.get(uid) for uid in dict.fromkeys(uids)]
        if yes:
            memory.delete([episode.id for episode in wanted])
    found = {"done": yes, "deleted": [episode.id for episode in wanted]}
    show(common, found, [f"{episode.id}: {episode.question}" for episode in wanted])


@click.command("forget")
@click.option("--half-life", type=click.FloatRange(0), help="Days in which an answer that nobody needs fades by half.")
@click.option("--keep", type=click.IntRange(0), help="Answers at most; the weakest go first.")
@click.option("--grace", type=click.FloatRange(0), default=30.0, show_default=True, help="Days until the purge.")
@do_it
@common_options
def forget_command(common: Common, half_life: float | None, keep: int | None, grace: float, yes: bool) -> None:
    """Set aside what has run out, faded or is too much; purge what was set aside long ago."""
    from alen.upkeep import ForgettingPolicy

    policy = ForgettingPolicy(half_life_days=half_life, keep=keep, grace_days=grace)
    with opening.open_memory(common) as memory:
        forgotten = memory.forget(policy, dry_run=not yes)
    lines = [f"{each.action} {each.uid}: {each.reason}" for each in forgotten] or ["nothing to forget"]
    show(common, {"done": yes, "forgotten": [asdict(each) for each in forgotten]}, lines)


@click.command("erase")
@click.argument("uids", metavar="[ID]…", nargs=-1)
@click.option("--source", help="Everything that came from this file or source.")
@click.option("--whole", is_flag=True, help="The whole namespace.")
@click.option("--yes", is_flag=True, required=True, help="What is erased cannot be had back.")
@common_options
def erase_command(common: Common, uids: tuple[str, ...], source: str | None, whole: bool, yes: bool) -> None:
    """Leave no byte of it in any file, with everything that was answered from it, and print the receipt."""
    with opening.open_memory(common) as memory:
        receipt = memory.erase(uids or None, source=source, whole=whole)
    found = asdict(receipt)
    show(common, found, [f"{name.replace('_', ' ')}: {value}" for name, value in found.items()])


@click.command("receipts")
@common_options
def receipts_command(common: Common) -> None:
    """List every erasure of the store, oldest first: how much and when, not what."""
    with opening.open_memory(common, any_namespace=True) as memory:
        receipts = memory.receipts()
    lines = [
        f"{each['at']}  {each['namespace']}: {each['episodes']} episodes, {each['passages']} passages, "
        f"{each['messages']} messages, digest {each['digest']}"
        for each in receipts
    ]
    show(common, {"receipts": receipts}, lines or ["nothing was ever erased"])


COMMANDS = (delete_command, forget_command, erase_command, receipts_command)
