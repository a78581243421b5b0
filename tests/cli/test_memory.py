"""``alen memory`` over a real memory, with a small encoder that needs no model."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from alen import paths
from alen.cli.memory import command
from alen.memory import EpisodicMemory
from alen.types import PassageDraft
from tests.cli.conftest import Ran
from tests.cli.hash_encoder import HashEncoder

Alen = Callable[..., Ran]

KILN = "The Halden kiln stands in the yard.\nIt fires stoneware at 1,240 degrees [b]Celsius[/b].\x1b[2J"


@pytest.fixture
def store(hashed: None) -> str:
    """The default store, with one document and one taught answer."""
    url = paths.default_store(Path(os.environ["ALEN_HOME"]))
    with EpisodicMemory.open(url, encoder=HashEncoder()) as memory:
        draft = PassageDraft(KILN, 10, 10 + len(KILN), title="Kilns", page=2, sentences=((0, 35), (36, len(KILN))))
        digest = hashlib.sha256(KILN.encode()).hexdigest()
        memory.teach_passages("kiln.md", [draft], content_hash=digest)
        memory.remember(question="Who may light the kiln?", answer="Only Ulla", tags=("safety",))
    return url


def test_stats(alen: Alen, store: str) -> None:
    stats = alen("memory", "stats", "--json").json("memory_stats")
    assert (stats["passages"], stats["episodes"]["gold"], stats["namespaces"]) == (1, 1, ["default"])
    rows = dict(line.split("  ", 1) for line in alen("memory", "stats").out.splitlines())
    assert rows["episodes"].strip() == "gold 1, proved 0, certified 0, unverified 0"


def test_search(alen: Alen, store: str) -> None:
    hits = alen("memory", "search", "stoneware degrees", "--json").json("memory_search")["hits"]
    assert hits[0]["kind"] == "passage"
    assert hits[0]["text"] == KILN
    text = alen("memory", "search", "stoneware degrees", "-k", "1").out
    assert "kiln.md · page 2 · characters 10–" in text
    assert "[b]Celsius[/b]" in text
    assert "\x1b" not in text
    hits = alen("memory", "search", "who may light the kiln", "--json").json("memory_search")["hits"]
    assert (hits[0]["kind"], hits[0]["answer"]) == ("episode", "Only Ulla")
    assert "Only Ulla" in alen("memory", "search", "who may light the kiln").out


def test_show(alen: Alen, store: str) -> None:
    hits = alen("memory", "search", "light the kiln stoneware", "--json").json("memory_search")["hits"]
    for hit in hits:
        shown = alen("memory", "show", hit["id"], "--json").json("memory_show")
        assert alen("memory", "get", hit["id"], "--json").json("memory_show") == shown
        assert shown["kind"] == hit["kind"]
    assert {hit["kind"] for hit in hits} == {"passage", "episode"}
    episode = next(hit["id"] for hit in hits if hit["kind"] == "episode")
    assert "tags        safety" in alen("memory", "show", episode).out


def test_what_is_not_there_is_a_wrong_request(alen: Alen, store: str) -> None:
    assert alen("memory", "show", "nothing", "--json").error(2)["type"] == "UnknownEpisode"
    assert alen("memory", "show", "99", "--json").error(2)["type"] == "UnknownEpisode"
    assert alen("memory", "search", " ", "--json").error(2)["field"] == "query"
    assert alen("memory", "search", "x", "-k", "0", "--json").error(2)["type"] == "UsageError"
    failure = alen("memory", "stats", "--namespace", "nowhere", "--json").error(2)
    assert (failure["type"], failure["allowed"]) == ("UnknownNamespace", "default")


def test_looking_creates_nothing(alen: Alen, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    assert alen("memory", "stats", "--store", url, "--json").error(2)["type"] == "UnknownNamespace"
    assert alen("memory", "show", "1", "--store", url).code == 2
    assert not list(tmp_path.iterdir())


def test_a_store_that_is_no_memory_is_failed_work(alen: Alen, tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("not a database, but long enough to be one " * 99)
    assert alen("memory", "stats", "--store", f"sqlite:///{tmp_path / 'notes.db'}", "--json").error(1)["hint"]


def test_search_without_the_encoder_says_how_to_get_it(alen: Alen) -> None:
    failure = alen("memory", "search", "kiln", "--json").error(1)
    assert failure["type"] == "ModelNotInstalled"
    assert "alen models pull" in str(failure["hint"])


@pytest.mark.parametrize("page", ["memory.md", "architecture.md"])
def test_the_pages_name_every_verb(page: str) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / page).read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    named = set(re.findall(r"\w+", " ".join(lines)))
    assert set(command.commands) <= named
