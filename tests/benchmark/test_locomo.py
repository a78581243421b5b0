"""Questions about conversations: what is read, what counts as found, and who is compared."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from alen.benchmark import locomo, locomo_ways
from alen.benchmark.schema import load
from alen.errors import BadInput
from benchmarks import locomo as script


def write(folder: Path) -> Path:
    """Two conversations of twelve sessions with three turns each."""
    turns = [
        {
            "conv": conversation,
            "session": session,
            "date": f"{session} May, 2023",
            "dia_id": f"D{session}:{turn}",
            "speaker": ("Ilse", "Tomas")[turn % 2],
            "text": f"{conversation} stone {session}{turn} lies in the garden.",
        }
        for conversation in ("one", "two")
        for session in range(1, 13)
        for turn in range(1, 4)
    ]
    turns[0]["image"] = "a photo of a kiln"
    questions = [
        {"conv": "one", "question": "Where is stone 32?", "evidence": ["D3:2"], "category": 4},
        {"conv": "two", "question": "Which stones lie there?", "evidence": ["D1:1; D2:2", "D:3:03"], "category": 1},
        {"conv": "two", "question": "Why is stone 99 blue?", "evidence": ["D9:1"], "category": 5},
        {"conv": "one", "question": "And now?", "evidence": ["D77:1"], "category": 4},
        {"conv": "one", "question": "And then?", "evidence": [], "category": 3},
    ]
    folder.mkdir(exist_ok=True)
    for name, rows in (("turns", turns), ("qa", questions)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return folder


def test_evidence_that_names_no_turn_is_left_out_and_counted(tmp_path: Path) -> None:
    turns, questions, left_out = locomo.load(write(tmp_path))
    assert len(turns) == 72
    assert turns[0].text.endswith("[shows a photo of a kiln]")
    assert left_out == 2
    assert [sorted(question.evidence) for question in questions] == [["D3:2"], ["D1:1", "D2:2", "D3:3"], ["D9:1"]]


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"qa\.jsonl"):
        locomo.load(tmp_path)


def test_scores_by_hand() -> None:
    question = locomo.Question("one", "?", 1, frozenset({"D1:1", "D2:2"}))
    # Eleven turns of session 9 come before the second turn of the evidence.
    ranked = ["D3:1", "D1:1", "D1:1", *(f"D9:{turn}" for turn in range(11)), "D2:2", "D8:1"]
    scores = locomo.score(question, ranked)
    assert (scores.recall_5, scores.recall_10) == (0.5, 0.5)
    assert scores.reciprocal_rank == 0.5
    assert (scores.session_of_ten, scores.session_any, scores.session_all) == (1.0, 1.0, 1.0)


def test_only_ten_sessions_count() -> None:
    question = locomo.Question("one", "?", 1, frozenset({"D11:1", "D3:9"}))
    ranked = [f"D{session}:1" for session in range(1, 12)]
    scores = locomo.score(question, ranked)
    assert scores.reciprocal_rank == pytest.approx(1 / 11)
    assert (scores.session_any, scores.session_all) == (1.0, 0.0)
    nothing = locomo.score(locomo.Question("one", "?", 1, frozenset({"D11:1"})), ranked[:10])
    assert nothing == locomo.Scores(0, 0, 0, 0, 0, 0)


class Words:
    """Texts with words in common lie near each other."""

    name, dim, fingerprint = "words", 32, "words-1"

    def encode(self, texts: list[str]) -> np.ndarray:
        found = np.array([sum(self._word(word) for word in ["a", *text.lower().split()]) for text in texts])
        return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)

    def _word(self, word: str) -> np.ndarray:
        return np.random.default_rng(sum(ord(letter) * 31**place for place, letter in enumerate(word))).normal(size=32)


def test_nothing_is_encoded_twice() -> None:
    asked: list[str] = []

    class Counting(Words):
        def encode(self, texts: list[str]) -> np.ndarray:
            asked.extend(texts)
            return super().encode(texts)

    once = locomo_ways.EncodedOnce(Counting())
    first = once.encode(["one stone", "two", "one stone"])
    assert np.array_equal(first, Words().encode(["one stone", "two", "one stone"]))
    assert np.array_equal(once.encode(["two"]), first[1:2])
    assert asked == ["one stone", "two"]


@pytest.mark.parametrize("way", list(locomo_ways.WAYS))
def test_every_way_finds_turns_of_its_own_conversation(way: str, tmp_path: Path) -> None:
    turns, _, _ = locomo.load(write(tmp_path / "data"))
    with locomo_ways.WAYS[way](tmp_path / "memory", turns, Words()) as stored:
        for mode in locomo_ways.MODES:
            names = stored("two", "two stone 73 lies in the garden.", mode, 5)
            assert len(names) == 5
            # Of two turns that hold the words, the one after may come first.
            assert "D7:3" in names[:2], mode


def test_the_turn_before_is_of_the_same_session(tmp_path: Path) -> None:
    turns, _, _ = locomo.load(write(tmp_path))
    before = {turn.name: last for turn, last in locomo_ways.with_before(turns) if turn.conversation == "two"}
    assert before["D1:1"] is None
    assert before["D2:1"] is None
    assert before["D2:2"] is not None
    assert (before["D2:2"].conversation, before["D2:2"].name) == ("two", "D2:1")


def test_a_run_beside_the_peer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The package is stood in for by one that counts words in common."""
    (tmp_path / "rank_bm25.py").write_text(
        "import numpy as np\n"
        "class BM25Okapi:\n"
        "    def __init__(self, texts): self.texts = [set(text) for text in texts]\n"
        "    def get_scores(self, words): return np.array([len(text & set(words)) for text in self.texts])\n",
        "utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(script, "environment", lambda place, requirements: Path(sys.executable))
    monkeypatch.setattr(script, "_encoder", lambda options: Words())
    command = [str(write(tmp_path / "data")), "--work", str(tmp_path), "--ways", "passages", "episodes"]
    assert script.main([*command, "--out", str(tmp_path / "locomo.json")]) == 0
    result = load(tmp_path / "locomo.json")
    assert result.settings["left_out"] == 2
    # Of the three questions one is adversarial; "stone 32" is found by its words.
    assert (result.row("recall_5").ours.n, result.row("recall_5_all").ours.n) == (2, 3)
    assert result.row("session_of_ten").target is not None
    ways = [(line["way"], line["mode"]) for line in result.tables["answerable"]]
    assert ("rank-bm25", "lexical") in ways
    assert len(ways) == 2 * 3 + 2
    assert [line["category"] for line in result.tables["by_category"]] == ["several turns", "one turn", "adversarial"]
    peer = next(line for line in result.tables["adversarial"] if line["way"] == "rank-bm25")
    assert peer["questions"] == "1"
    assert "LoCoMo: 72 turns of 2 conversations" in capsys.readouterr().out
