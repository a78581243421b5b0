"""Verify finds what was damaged, repair makes it well again, and each leaves exactly one JSON object."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from alen.memory import EpisodicMemory
from alen.memory.index import planning
from alen.types import PassageDraft
from tests.cli.conftest import Ran
from tests.cli.hash_encoder import HashEncoder

Alen = Callable[..., Ran]


def damage(filled: dict[str, str], sql: str) -> None:
    with sqlite3.connect(filled["url"].removeprefix("sqlite:///")) as connection:
        assert connection.execute(sql).rowcount != 0
    connection.close()


def test_a_sound_memory(alen: Alen, filled: dict[str, str]) -> None:
    assert alen("memory", "verify", "--level", "deep", "--json").json("memory_verify")["ok"]
    assert alen("memory", "verify").out.strip() == "all is well"
    repaired = alen("memory", "repair", "--json").json("memory_repair")
    assert (repaired["ok"], repaired["problems"]) == (True, [])
    assert "log" in alen("memory", "checkpoint", "--json").json("memory_checkpoint")["indexes"]


@pytest.mark.parametrize(
    ("sql", "part"),
    [
        ("DELETE FROM embedding WHERE item_id = (SELECT min(id) FROM episode)", "embeddings"),
        ("INSERT INTO embedding SELECT space_id, 99999, vec FROM embedding LIMIT 1", "embeddings"),
        ("INSERT INTO episode_fts(episode_fts) VALUES ('delete-all')", "full text"),
    ],
)
def test_damage_is_found_and_repaired(alen: Alen, filled: dict[str, str], sql: str, part: str) -> None:
    """The words and the vector of an episode can each be lost; the episode itself tells them again."""
    damage(filled, sql)
    ran = alen("memory", "verify", "--json")
    report = ran.json("memory_verify")
    assert (ran.code, report["ok"], report["problems"][0]["part"]) == (1, False, part)
    assert "alen memory repair" in ran.err

    ran = alen("memory", "repair", "--json")
    report = ran.json("memory_repair")
    assert (ran.code, report["ok"]) == (0, True)
    assert {problem["part"] for problem in report["problems"] if problem["repaired"]} >= {part}
    assert alen("memory", "verify", "--level", "deep", "--json").json("memory_verify")["problems"] == []
    for mode in ("lexical", "dense"):
        question = "Where is the spare key kept?"
        hits = alen("memory", "recall", question, "--mode", mode, "--json").json("memory_recall")["hits"]
        assert {hit["id"] for hit in hits} == {filled["first"], filled["twin"]}


def test_a_broken_index_file_is_made_again(
    alen: Alen, filled: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("faiss", reason="sealed indexes need faiss: pip install -e '.[cpu]'")
    monkeypatch.setattr(planning, "SEAL_FROM", 300)
    texts = [f"Shelf {number} of aisle {number % 7} holds vase {number * 3}." for number in range(400)]
    with EpisodicMemory.open(filled["url"], encoder=HashEncoder()) as memory:
        memory.teach_passages("shelves", [PassageDraft(text, 0, len(text)) for text in texts], content_hash="1")
    indexes = alen("memory", "checkpoint", "--json").json("memory_checkpoint")["indexes"]
    assert indexes["passage"]["rows"] == 400
    (vectors,) = [file for file in tmp_path.rglob("gen-*.vec") if "passage" in str(file)]
    raw = bytearray(vectors.read_bytes())
    raw[len(raw) // 2] ^= 1
    vectors.write_bytes(raw)

    ran = alen("memory", "verify", "--json")
    assert (ran.code, ran.json("memory_verify")["ok"]) == (1, False)
    assert alen("memory", "verify", "--level", "quick").code == 0  # which does not read the files
    ran = alen("memory", "repair", "--json")
    assert ran.json("memory_repair")["problems"][0]["repaired"]
    assert alen("memory", "checkpoint").code == 0
    assert alen("memory", "verify", "--level", "deep", "--json").json("memory_verify")["ok"]


def test_what_cannot_be_repaired_ends_with_one(alen: Alen, filled: dict[str, str]) -> None:
    damage(filled, "UPDATE episode_history SET episode_id = 99999")  # a version of an episode that is gone
    ran = alen("memory", "repair", "--json")
    report = ran.json("memory_repair")
    assert (ran.code, report["ok"], report["problems"][0]["repaired"]) == (1, False, False)
    assert "database" in alen("memory", "repair").out
