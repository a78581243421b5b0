"""One answer through its life: remembered, changed, superseded, and found again as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ran

Alen = Callable[..., Ran]


def remember(alen: Alen, *args: str) -> str:
    return str(alen("memory", "remember", *args, "--json").json("memory_remember")["id"])


def test_remember_makes_the_store_and_keeps_what_is_said(
    alen: Alen, hashed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALEN_HOME", str(tmp_path / "new home"))
    fields = ["--tag", "kiln", "--tag", "yard", "--confidence", "0.8", "--source", "Ulla", "--context", "in winter"]
    uid = remember(alen, "How hot is it?", "1,240 degrees", *fields, "--tier", "certified", "--detail", '{"page": 3}')
    shown = alen("memory", "show", uid, "--json").json("memory_show")
    kept = {name: shown[name] for name in ("question", "answer", "context", "tags", "confidence", "source", "tier")}
    assert kept == {
        "question": "How hot is it?",
        "answer": "1,240 degrees",
        "context": "in winter",
        "tags": ["kiln", "yard"],
        "confidence": 0.8,
        "source": "Ulla",
        "tier": "certified",
    }
    assert shown["detail"] == {"page": 3}
    assert alen("memory", "remember", "How hot is it?", "1,240 degrees", "--context", "in winter").out.strip() == uid
    assert alen("memory", "verify").code == 0  # it has its vector


def test_what_has_run_out_is_not_recalled(alen: Alen, hashed: None) -> None:
    remember(alen, "Is the ferry late?", "Yes", "--ttl", "-1")
    assert alen("memory", "recall", "Is the ferry late?", "--json").json("memory_recall")["hits"] == []


def test_update_and_history(alen: Alen, filled: dict[str, str]) -> None:
    uid = filled["first"]
    changed = alen("memory", "update", uid, "--answer", "Behind the clock.", "--tag", "house", "--json")
    assert changed.json("memory_update")["answer"] == "Behind the clock."
    versions = alen("memory", "history", uid, "--json").json("memory_history")["versions"]
    assert [version["answer"] for version in versions] == ["In the blue pot."] * 2 + ["Behind the clock."]
    assert [version["confidence"] for version in versions] == [1.0, 0.9, 0.9]
    assert [version["tags"] for version in versions] == [[], [], ["house"]]
    assert "Behind the clock." in alen("memory", "history", uid).out
    assert "tags" not in alen("memory", "update", uid, "--no-tags").out

    alen("memory", "update", uid, "--question", "Who mended the ferry engine?", "--json").json("memory_update")
    (hit,) = alen("memory", "recall", "mended ferry engine", "-k", "1", "--json").json("memory_recall")["hits"]
    assert hit["id"] == uid
    assert alen("memory", "verify", "--level", "deep").code == 0


def test_pinned_and_expiring(alen: Alen, filled: dict[str, str]) -> None:
    alen("memory", "update", filled["late"], "--pin", "--json").json("memory_update")
    assert alen("memory", "forget", "--json").json("memory_forget")["forgotten"] == []
    alen("memory", "update", filled["late"], "--unpin", "--expires", "never", "--json").json("memory_update")
    assert alen("memory", "forget", "--json").json("memory_forget")["forgotten"] == []
    alen("memory", "update", filled["late"], "--expires", "2020-01-01", "--json").json("memory_update")
    assert alen("memory", "forget", "--json").json("memory_forget")["forgotten"][0]["reason"] == "expired"


def test_supersede_keeps_what_held_before(alen: Alen, hashed: None) -> None:
    question = "Who leads the guild?"
    old = remember(alen, question, "Ilse Brandt")
    before = alen("memory", "show", old, "--json").json("memory_show")["created_at"]
    new = remember(alen, question, "Tomas Reyk")
    assert alen("memory", "supersede", old, new, "--json").json("memory_supersede") == {"old": old, "new": new}
    now = alen("memory", "recall", question, "--json").json("memory_recall")["hits"]
    assert [hit["answer"] for hit in now] == ["Tomas Reyk"]
    then = alen("memory", "recall", question, "--as-of", before, "--json").json("memory_recall")["hits"]
    assert [(hit["answer"], hit["status"]) for hit in then] == [("Ilse Brandt", "superseded")]
    assert alen("memory", "supersede", new, new, "--json").error(2)["field"] == "new"


def test_what_is_taken_back_is_not_recalled(alen: Alen, hashed: None) -> None:
    uid = remember(alen, "Who leads the guild?", "Ilse Brandt")
    assert alen("memory", "retract", uid, "--json").json("memory_retract") == {"id": uid, "descendants": 0}
    assert alen("memory", "recall", "Who leads the guild?", "--json").json("memory_recall")["hits"] == []
    assert alen("memory", "show", uid, "--json").json("memory_show")["status"] == "quarantined"
    assert alen("memory", "retract", "nobody", "--json").error(2)["field"] == "episode"


@pytest.mark.parametrize(
    ("args", "field"),
    [
        (["update", "{first}"], "changes"),
        (["update", "nobody", "--answer", "x"], "episode"),
        (["update", "{first}", "--tag", "a", "--no-tags"], "--tag"),
        (["update", "{first}", "--detail", "[1]"], "--detail"),
        (["update", "{first}", "--detail", "no"], "--detail"),
        (["update", "{first}", "--expires", "soon"], "--expires"),
        (["update", "{first}", "--answer", " "], "answer"),
        (["remember", " ", "x"], "question"),
        (["remember", "x", ""], "answer"),
        (["supersede", "{first}", "nobody"], "episode"),
        (["history", "nobody"], "episode"),
        (["recall", " "], "question"),
        (["recall", "x", "--since", "yesterday"], "since"),
    ],
)
def test_wrong_requests_name_the_field(alen: Alen, filled: dict[str, str], args: list[str], field: str) -> None:
    failure = alen("memory", *(arg.format(**filled) for arg in args), "--json").error(2)
    assert failure["field"] == field


@pytest.mark.parametrize("verb", ["verify", "merge", "forget", "checkpoint", "recall x", "history x", "delete x"])
def test_a_namespace_that_nobody_taught_is_a_wrong_request(alen: Alen, filled: dict[str, str], verb: str) -> None:
    failure = alen("memory", *verb.split(), "--namespace", "nowhere", "--json").error(2)
    assert (failure["type"], failure["allowed"]) == ("UnknownNamespace", "default")
