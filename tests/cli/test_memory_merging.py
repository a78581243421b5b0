"""What leaves a memory: planned first, done on ``--yes``, and with a receipt where nothing may be left."""

from __future__ import annotations

from collections.abc import Callable

from alen.memory import EpisodicMemory
from tests.cli.conftest import Ran

Alen = Callable[..., Ran]


def test_merge_and_unmerge(alen: Alen, filled: dict[str, str]) -> None:
    plan = alen("memory", "merge", "--json").json("memory_merge")
    assert not plan["done"]
    assert {plan["merged"][0]["kept"], *plan["merged"][0]["folded"]} == {filled["first"], filled["twin"]}
    assert "--yes" in alen("memory", "merge").err
    assert alen("memory", "merge", "--json").json("memory_merge") == plan  # still there: it was only planned
    done = alen("memory", "merge", "--yes", "--json").json("memory_merge")
    assert done["merged"] == plan["merged"]
    assert alen("memory", "merge").out.strip() == "nothing to merge"
    kept, (folded,) = done["merged"][0]["kept"], done["merged"][0]["folded"]
    assert alen("memory", "unmerge", kept, "--json").json("memory_unmerge") == {"id": kept, "back": [folded]}
    assert alen("memory", "unmerge", kept).out.strip() == "nothing was folded into it"
    assert alen("memory", "unmerge", "nobody", "--json").error(2)["type"] == "UnknownEpisode"
    assert alen("memory", "merge", "--json").json("memory_merge")["merged"]


def test_forget(alen: Alen, filled: dict[str, str]) -> None:
    (entry,) = alen("memory", "forget", "--json").json("memory_forget")["forgotten"]
    assert entry == {"uid": filled["late"], "action": "archive", "reason": "expired"}
    assert "--yes" in alen("memory", "forget").err
    assert alen("memory", "forget", "--yes", "--json").json("memory_forget")["done"]
    assert alen("memory", "show", filled["late"], "--json").json("memory_show")["status"] == "archived"
    (purged,) = alen("memory", "forget", "--grace", "0", "--yes", "--json").json("memory_forget")["forgotten"]
    assert purged["action"] == "purge"
    assert alen("memory", "show", filled["late"], "--json").error(2)["type"] == "UnknownEpisode"


def test_delete(alen: Alen, filled: dict[str, str]) -> None:
    wanted = [filled["first"], filled["twin"]]
    plan = alen("memory", "delete", *wanted, "--json")
    assert plan.json("memory_delete") == {"done": False, "deleted": wanted}
    assert "--yes" in plan.err
    assert alen("memory", "show", filled["first"]).code == 0
    assert alen("memory", "delete", filled["first"], "nobody", "--yes", "--json").error(2)["type"] == "UnknownEpisode"
    assert alen("memory", "show", filled["first"]).code == 0
    assert alen("memory", "delete", *wanted, "--yes", "--json").json("memory_delete") == {
        "done": True,
        "deleted": wanted,
    }
    assert alen("memory", "show", filled["first"], "--json").error(2)["type"] == "UnknownEpisode"
    assert alen("memory", "delete", "--yes", "--json").error(2)["type"] == "UsageError"


def test_erase_and_receipts(alen: Alen, filled: dict[str, str]) -> None:
    assert alen("memory", "receipts", "--json").json("memory_receipts") == {"receipts": []}
    assert alen("memory", "erase", filled["twin"], "--json").error(2)  # without --yes
    assert alen("memory", "erase", "--yes", "--json").error(2)["field"] == "erase"
    receipt = alen("memory", "erase", filled["first"], "--yes", "--json").json("memory_erase")
    assert (receipt["episodes"], receipt["whole"]) == (1, False)
    (kept,) = alen("memory", "receipts", "--json").json("memory_receipts")["receipts"]
    assert kept == {name: value for name, value in receipt.items() if name != "whole"} | {"finished": True}
    assert receipt["digest"] in alen("memory", "receipts", "--namespace", "of the store, not of one").out
    assert alen("memory", "erase", "--source", "user", "--yes", "--json").json("memory_erase")["episodes"] == 2
    with EpisodicMemory.open(filled["url"]) as memory:
        assert memory.stats()["episodes"]["gold"] == 0
