"""A memory that moves: out into a folder, in from one or from other programs, and over to another encoder."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from alen.memory import EpisodicMemory
from alen.types import PassageDraft
from tests.cli.conftest import Ran
from tests.cli.hash_encoder import HashEncoder, WideEncoder

Alen = Callable[..., Ran]
KILN = "The Halden kiln fires stoneware at 1,240 degrees."


@pytest.fixture
def exported(alen: Alen, filled: dict[str, str], tmp_path: Path) -> Path:
    """A folder with three episodes and one document of one passage."""
    with EpisodicMemory.open(filled["url"], encoder=HashEncoder()) as memory:
        memory.teach_passages("kiln.pdf", [PassageDraft(KILN, 7, 7 + len(KILN), page=2)], content_hash=b"1")
    folder = tmp_path / "out"
    manifest = alen("memory", "export", folder, "--json").json("memory_export")
    assert [manifest["files"][name]["rows"] for name in ("episodes.jsonl", "documents.jsonl")] == [3, 1]
    assert alen("memory", "export", folder, "--json").error(2)["field"] == "folder"
    return folder


def test_import_twice_stores_once(alen: Alen, exported: Path, filled: dict[str, str], tmp_path: Path) -> None:
    elsewhere = ("--store", f"sqlite:///{tmp_path / 'new.db'}", "--namespace", "moved")
    first = alen("memory", "import", exported, *elsewhere, "--json").json("memory_import")
    assert first == {"stored": 4, "duplicates": 0}
    before = alen("memory", "stats", *elsewhere, "--json").json("memory_stats")
    again = alen("memory", "import", exported, *elsewhere, "--json").json("memory_import")
    assert again == {"stored": 0, "duplicates": 4}
    after = alen("memory", "stats", *elsewhere, "--json").json("memory_stats")
    assert after | {"bytes": 0} == before | {"bytes": 0}

    shown = alen("memory", "show", filled["first"], *elsewhere, "--json").json("memory_show")
    assert (shown["answer"], shown["confidence"]) == ("In the blue pot.", 0.9)
    (hit,) = alen("memory", "search", "Halden stoneware", "-k", "1", *elsewhere, "--json").json("memory_search")["hits"]
    assert (hit["source"], hit["page"], hit["start"], hit["text"]) == ("kiln.pdf", 2, 7, KILN)
    recalled = alen("memory", "recall", "Where is the spare key kept?", *elsewhere, "--json").json("memory_recall")
    assert {each["id"] for each in recalled["hits"]} == {filled["first"], filled["twin"]}
    assert alen("memory", "verify", "--level", "deep", *elsewhere).code == 0


def test_a_changed_export_is_refused(alen: Alen, exported: Path, tmp_path: Path) -> None:
    elsewhere = ("--store", f"sqlite:///{tmp_path / 'new.db'}")
    file = exported / "episodes.jsonl"
    file.write_text(file.read_text("utf-8").replace("blue pot", "red pot"), "utf-8")
    failure = alen("memory", "import", exported, *elsewhere, "--json").error(1)
    assert failure["type"] == "CorruptWeights"
    assert "episodes.jsonl" in str(failure["message"])
    (exported / "manifest.json").unlink()
    assert alen("memory", "import", exported, *elsewhere, "--json").error(1)["type"] == "CorruptWeights"


def test_import_from_mem0(alen: Alen, filled: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "mem0.json"
    rows = [{"id": "m1", "memory": "Ulla prefers brass.", "user_id": "ulla"}, {"memory": "The ferry runs on Fridays."}]
    file.write_text(json.dumps({"results": rows}))
    args = ("memory", "import", file, "--from", "mem0", "--json")
    assert alen(*args).json("memory_import") == {"stored": 2, "duplicates": 0}
    assert alen(*args).json("memory_import") == {"stored": 0, "duplicates": 2}
    (hit,) = alen("memory", "recall", "prefers brass", "--tag", "user_id:ulla", "--json").json("memory_recall")["hits"]
    assert (hit["answer"], hit["source"]) == ("Ulla prefers brass.", "mem0")
    file.write_text('[{"id": "m3"}]')
    assert alen(*args).error(2)["field"] == "row 1"


def test_import_from_chroma(alen: Alen, filled: dict[str, str], tmp_path: Path) -> None:
    """The tables that Chroma writes, with one text in them."""
    folder = tmp_path / "chroma"
    folder.mkdir()
    with sqlite3.connect(folder / "chroma.sqlite3") as connection:
        connection.executescript(
            """
            CREATE TABLE collections (id TEXT, name TEXT);
            CREATE TABLE segments (id TEXT, collection TEXT);
            CREATE TABLE embeddings (id INTEGER PRIMARY KEY, segment_id TEXT, embedding_id TEXT);
            CREATE TABLE embedding_metadata (id INTEGER, key TEXT, string_value TEXT, int_value INTEGER,
                                             float_value REAL, bool_value INTEGER);
            INSERT INTO collections VALUES ('c', 'notes');
            INSERT INTO segments VALUES ('s', 'c');
            INSERT INTO embeddings VALUES (1, 's', 'n1');
            INSERT INTO embedding_metadata VALUES (1, 'chroma:document', 'Beryllium bronze.', NULL, NULL, NULL);
            INSERT INTO embedding_metadata VALUES (1, 'title', 'Alloys', NULL, NULL, NULL);
            """
        )
    connection.close()
    args = ("memory", "import", folder, "--from", "chroma", "--json")
    assert alen(*args).json("memory_import") == {"stored": 1, "duplicates": 0}
    assert alen(*args).json("memory_import") == {"stored": 0, "duplicates": 1}
    (hit,) = alen("memory", "search", "beryllium bronze", "-k", "1", "--json").json("memory_search")["hits"]
    assert (hit["source"], hit["title"]) == ("chroma:chroma", "Alloys")


def test_reembed_moves_to_another_encoder(alen: Alen, filled: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert alen("memory", "reembed", "--json").error(2)["field"] == "encoder"  # the one in use
    monkeypatch.setattr("alen.engine.lazy_models.LazyEncoder", WideEncoder)
    question = "Where is the spare key kept?"
    refused = alen("memory", "recall", question, "--json").error(1)
    assert refused["type"] == "EmbeddingMismatch"
    assert "alen memory reembed" in str(refused["hint"])
    before = alen("memory", "stats", "--json").json("memory_stats")["encoder"]
    moved = alen("memory", "reembed", "--encoder", "wide", "--json")
    assert moved.json("memory_reembed")["embedded"] >= 2
    assert "ALEN_ENCODER=wide" in moved.err
    after = alen("memory", "stats", "--json").json("memory_stats")["encoder"]
    assert (before, after) == ({"name": "hash", "dim": 64}, {"name": "wide", "dim": 128})
    hits = alen("memory", "recall", question, "--mode", "dense", "--json").json("memory_recall")["hits"]
    assert {hit["id"] for hit in hits} == {filled["first"], filled["twin"]}
    assert alen("memory", "verify", "--level", "deep", "--json").json("memory_verify")["problems"] == []
    monkeypatch.setattr("alen.engine.lazy_models.LazyEncoder", HashEncoder)
    assert alen("memory", "recall", question, "--json").error(1)["type"] == "EmbeddingMismatch"


def test_reembed_to_an_encoder_that_is_not_there(alen: Alen, filled: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    monkeypatch.setenv("ALEN_HOME", str(Path(filled["url"].removeprefix("sqlite:///")).parent / "empty"))
    store = ("--store", filled["url"])
    assert alen("memory", "reembed", *store, "--json").error(1)["type"] == "ModelNotInstalled"
    assert alen("memory", "reembed", "--encoder", "no-such", *store, "--json").error(2)["type"] == "UnknownModel"
    assert alen("memory", "stats", *store, "--json").json("memory_stats")["encoder"]["name"] == "hash"
