"""The commands over the real engine and models: teach, ask, give feedback, look, and be refused clearly."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from alen.memory import EpisodicMemory
from alen.types import PassageDraft
from tests.cli.conftest import Ran, check
from tests.cli.hash_encoder import HashEncoder

pytestmark = pytest.mark.models

Alen = Callable[..., Ran]
HANDBOOK = Path(__file__).resolve().parents[2] / "examples" / "handbook"
MERROW = HANDBOOK / "manual" / "merrow-barometer.md"
QUESTION = "At what temperature are the capsules of the Merrow annealed?"


@pytest.fixture
def home(linked_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALEN_HOME", str(linked_home))
    return linked_home


def test_teach_ask_feedback_show(alen: Alen, home: Path) -> None:
    taught = alen("teach", MERROW, "--qa", HANDBOOK / "qa.jsonl", "--json").json("teach")
    assert taught["stored"] > 30
    assert alen("teach", MERROW, "--json").json("teach")["stored"] == 0

    answer = alen("ask", QUESTION, "--json").json("ask")
    assert "315" in answer["candidates"][0]["text"]
    assert any("annealed at 315" in " ".join(evidence["text"].split()) for evidence in answer["evidence"])
    assert answer["episode"]

    shown = alen("memory", "show", answer["episode"], "--json").json("memory_show")
    assert (shown["question"], shown["tier"]) == (QUESTION, "unverified")
    alen("feedback", answer["episode"], "--wrong", "--answer", "at 315 °C", "--json").json("feedback")
    again = alen("ask", QUESTION, "--json").json("ask")
    assert (again["answer"], again["decision"]) == ("at 315 °C", "answer")

    before = alen("memory", "stats", "--json").json("memory_stats")
    private = alen("ask", "What is 17 + 25?", "--private", "--json").json("ask")
    assert (private["answer"], private["episode"], private["tokens"]) == ("42", None, 0)
    assert alen("memory", "stats", "--json").json("memory_stats")["episodes"] == before["episodes"]
    assert alen("memory", "search", "annealed capsules", "--json").json("memory_search")["hits"]
    assert alen("doctor", "--json").json("doctor")["ok"]


def vectors(url: str) -> list[bytes]:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        return [row[0] for row in connection.execute("SELECT vec FROM embedding ORDER BY space_id, item_id")]


@pytest.mark.slow
def test_teaching_on_ray_stores_the_same_vectors(alen: Alen, home: Path, tmp_path: Path) -> None:
    """Also in bfloat16, because what is embedded together here is embedded together there."""
    pytest.importorskip("ray", reason="needs ray: pip install -e '.[ray]'")
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(6):
        about = [
            f"## Shelf {number}-{place}\n\n" + f"It holds {place} vases. " * (place % 9 + 1) for place in range(30)
        ]
        (folder / f"{number}.md").write_text("\n\n".join(about))
    here, there = (f"sqlite:///{tmp_path / name}.db" for name in ("here", "there"))
    taught = alen("teach", folder, "--store", here, "--json").json("teach")
    ran = alen("teach", folder, "--store", there, "--ray", "local", "--json")
    assert ran.json("teach")["stored"] == taught["stored"] == 180
    assert "teaching 6/6" in ran.err
    stored = [np.frombuffer(b"".join(vectors(url)), dtype="<f2").astype(np.float32) for url in (here, there)]
    np.testing.assert_allclose(stored[0], stored[1], atol=1e-6)
    alone = alen("memory", "search", "seven vases", "--store", here, "--json").json("memory_search")
    assert alen("memory", "search", "seven vases", "--store", there, "--json").json("memory_search") == alone


def test_ray_that_cannot_be_used_is_a_wrong_request(alen: Alen, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert alen("teach", MERROW, "--ray", "somewhere", "--json").error(2)["field"] == "ray"
    monkeypatch.setitem(sys.modules, "ray", None)
    for verb in (("teach", MERROW), ("memory", "reembed")):
        alen("teach", MERROW)
        failure = alen(*verb, "--ray", "local", "--json").error(2)
        assert (failure["field"], failure["hint"]) == ("ray", "Run: pip install 'alen[ray]'")


def test_moving_to_the_real_encoder(alen: Alen, home: Path, tmp_path: Path) -> None:
    store = ("--store", f"sqlite:///{tmp_path / 'memory.db'}")
    with EpisodicMemory.open(store[1], encoder=HashEncoder()) as memory:
        uid = memory.remember(question="Where is the spare key kept?", answer="In the blue pot.")
        memory.teach_passages("kiln", [PassageDraft("The kiln is hot.")], content_hash="1")
    assert alen("memory", "recall", "key", *store, "--json").error(1)["type"] == "EmbeddingMismatch"
    assert alen("memory", "reembed", *store, "--json").json("memory_reembed") == {"embedded": 2}
    question = "In which place do we keep the extra key?"
    (hit,) = alen("memory", "recall", question, "--mode", "dense", *store, "--json").json("memory_recall")["hits"]
    assert (hit["id"], hit["score"] > 0.5) == (uid, True)
    assert alen("memory", "verify", "--level", "deep", *store).code == 0


def test_generate_is_the_same_for_the_same_seed(alen: Alen, home: Path) -> None:
    args = ("generate", "The barometer is falling, so", "--max-tokens", "8", "--top-p", "0.9", "--seed", "4", "--json")
    first = alen(*args).json("generate")
    assert first["text"] == alen(*args).json("generate")["text"]
    assert 0 < first["tokens"] <= 8
    assert first["finish_reason"] in {"length", "stop"}


def test_models_info_counts_what_is_in_the_file(alen: Alen, home: Path) -> None:
    named = alen("models", "info", "smollm2-135m-instruct", "--json").json("models_info")
    assert named["installed"]
    file = alen("models", "info", named["path"], "--json").json("models_info")
    assert file["parameters"] == named["parameters"]


def test_wrong_requests_and_failed_work(alen: Alen, home: Path, tmp_path: Path) -> None:
    binary = tmp_path / "picture.md"
    binary.write_bytes(bytes(range(256)))
    assert "binary" in str(alen("teach", binary, "--json").error(2)["found"])
    rows = tmp_path / "qa.jsonl"
    rows.write_text('{"question": "a?", "answer": "b"}\n{"question": "c?",\n')
    assert "line 2" in str(alen("teach", "--qa", rows, "--json").error(2)["field"])
    assert alen("ask", "Who?", "--json").error(2)["type"] == "UnknownNamespace"
    alen("teach", MERROW)
    assert alen("ask", "Who?", "--namespace", "nowhere", "--json").error(2)["allowed"] == "default"
    assert alen("ask", "?!", "--json").error(2)["field"] == "question"
    assert alen("feedback", "nothing", "--correct", "--json").error(2)["type"] == "UnknownEpisode"
    too_few = alen("calibrate", "--data", _questions(tmp_path, 3), "--json").error(2)
    assert too_few["field"] == "data"


def test_a_truncated_model_file_is_failed_work(alen: Alen, home: Path, tmp_path: Path) -> None:
    (whole,) = (home / "models" / "smollm2-135m-instruct").glob("*.gguf")
    torn = tmp_path / "torn.gguf"
    with whole.open("rb") as stream:
        torn.write_bytes(stream.read(3_000_000))
    assert alen("generate", "So", "--model", torn, "--json").error(1)["type"] == "CorruptWeights"


def test_a_killed_run_over_a_file_goes_on(alen: Alen, home: Path, tmp_path: Path) -> None:
    alen("teach", MERROW)
    questions, out = _questions(tmp_path, 12), tmp_path / "answers.jsonl"
    command = [str(Path(sys.executable).with_name("alen")), "ask", "--file", str(questions), "--out", str(out)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=os.environ.copy())
    deadline = time.monotonic() + 120
    while not (out.exists() and out.read_bytes().count(b"\n") >= 2) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = [json.loads(line) for line in out.read_bytes().split(b"\n")[:-1]]
    assert 2 <= len(kept) < 12
    summary = alen("ask", "--file", questions, "--out", out, "--json").json("ask_file")
    assert summary["skipped"] == len(kept)
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert rows[: len(kept)] == kept
    assert [row["id"] for row in rows] == [f"q{number}" for number in range(12)]
    for row in rows:
        check(row, "ask_line")


def _questions(folder: Path, count: int) -> Path:
    file = folder / "questions.jsonl"
    words = ("thick", "heavy", "old", "long", "dear", "hot", "wide", "deep", "tall", "loud", "far", "fast")
    rows = [
        {"id": f"q{number}", "question": f"How {words[number]} is a capsule of the Merrow?", "answers": ["x"]}
        for number in range(count)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return file
