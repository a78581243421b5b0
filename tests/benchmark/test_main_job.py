"""The main job with an engine that follows a script: every number can be worked out by hand."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import alen
from alen.benchmark import schema
from alen.benchmark.participant import Reply
from alen.benchmark.squad import Data
from alen.errors import StoreError
from tests.benchmark.scripted import ScriptedEngine, write_data

SCRIPTS = Path(__file__).resolve().parents[2] / "benchmarks"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> ScriptedEngine:
    scripted = ScriptedEngine()
    monkeypatch.setattr(alen, "Engine", SimpleNamespace(open=lambda **_: scripted), raising=False)
    return scripted


class ScriptedPeer:
    name = "plain"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> None:
        sum(len(text) for text in texts)

    def teach(self, data: Data) -> None:
        self.ids = list(data.passages)

    def rank(self, question: str, count: int) -> list[str]:
        return self.ids[-count:]

    def ask(self, question: str) -> Reply:
        self.asked.append(question)
        return Reply(text="It is some stone, I believe.", answered=True, evidence="x0")


def run(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    out = tmp_path / "result.json"
    code = script("main_job").main([str(write_data(tmp_path / "squad2")), "--out", str(out), *arguments])
    assert code == 0
    return {row["name"]: row for row in json.loads(out.read_text("utf-8"))["rows"]}


def test_numbers_of_a_scripted_engine(engine: ScriptedEngine, tmp_path: Path) -> None:
    rows = run(tmp_path, "--peers", "none", "--questions", "24")
    values = {name: row["ours"]["value"] for name, row in rows.items()}
    assert engine.taught == ["contexts.jsonl", "contexts_extra.jsonl"]
    assert engine.closed
    assert values["top1"] == values["top5"] == values["f1"] == values["exact"] == 1.0
    assert values["auroc"] == 1.0  # 0.9 on the 16 right ones, 0.2 on the 8 unanswerable ones
    assert values["ece"] == pytest.approx(16 / 24 * 0.1 + 8 / 24 * 0.2, abs=1e-6)
    assert values["coverage"] == pytest.approx(16 / 24, abs=1e-6)
    assert values["precision"] == values["declined_unanswerable"] == 1.0
    assert values["declined_answerable"] == 0.0
    assert rows["ece"]["reached"] is False
    assert rows["auroc"]["reached"] is True
    assert rows["log_loss_gain"]["ours"]["low"] > 0
    assert values["evidence"] == 1.0
    assert "time_ratio" not in rows
    assert rows["top1"]["ours"]["n"] == 24


def test_a_peer_answers_its_share_of_the_same_questions(
    engine: ScriptedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, peer = script("main_job"), ScriptedPeer()
    monkeypatch.setattr(module, "_plain", lambda options: peer)
    folder, out = write_data(tmp_path / "squad2"), tmp_path / "result.json"
    given = ["--data", str(folder), "--out", str(out), "--questions", "20", "--plain-questions", "9", "--block", "4"]
    assert module.main([*given, "--rows", str(tmp_path / "rows.jsonl")]) == 0
    result = schema.load(out)
    warm_up = 2
    assert len(peer.asked) == 9 + warm_up
    assert set(peer.asked[warm_up:]) <= set(engine.asked)
    assert result.row("f1").plain is not None
    assert result.row("time_ratio").ours.n == 9
    assert result.row("encode_ratio").ours.n == 3
    assert result.row("exact").plain == schema.Measured(value=0.0, low=0.0, high=0.0, n=result.row("exact").plain.n)
    assert {row["article"] for row in result.tables["articles"]} == {"Imperialism", "Packet_switching"}
    assert result.tables["operators"] == [{"name": "extract", "n": 20, "right": 0.6}]
    assert [row["stage"] for row in result.tables["timings_ms"]] == ["recall", "total"]
    kept = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text("utf-8").splitlines()]
    assert len(kept) == 29
    assert {row["participant"] for row in kept} == {"alen", "plain"}


def test_the_table_names_what_was_missed(
    engine: ScriptedEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, "--peers", "none", "--questions", "24")
    printed = capsys.readouterr().out
    assert "Targets reached: 7 of 8. Missed: Calibration error" in printed
    assert "interval > 0" in printed


def test_no_machine_path_is_left_in_the_file(engine: ScriptedEngine, tmp_path: Path) -> None:
    run(tmp_path, "--peers", "none", "--questions", "10")
    assert str(tmp_path) not in (tmp_path / "result.json").read_text("utf-8")


def test_missing_data_is_one_line(engine: ScriptedEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script("main_job").main([str(tmp_path / "nowhere")]) == 2
    assert "contexts.jsonl" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        script("main_job").main([])


def test_a_run_that_breaks_off_leaves_its_answers(
    engine: ScriptedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = engine.ask

    def ask_ten(question: str) -> Any:
        if len(engine.asked) == 12:
            raise StoreError("The disk is full.")
        return ask(question)

    monkeypatch.setattr(engine, "ask", ask_ten)
    data, rows = write_data(tmp_path / "squad2"), tmp_path / "rows.jsonl"
    out = tmp_path / "result.json"
    assert script("main_job").main([str(data), "--peers", "none", "--rows", str(rows), "--out", str(out)]) == 1
    assert len(rows.read_text("utf-8").splitlines()) == 10  # the first two only warm up
    assert not out.exists()


def test_pictures_are_drawn_from_the_file(engine: ScriptedEngine, tmp_path: Path) -> None:
    run(tmp_path, "--peers", "none", "--questions", "24")
    plots = script("plots")
    assert plots.main([str(tmp_path / "result.json")]) == 0
    assert (tmp_path / "result.png").read_bytes().startswith(b"\x89PNG")
    assert plots.main([str(tmp_path / "missing.json")]) == 2
