"""Every other verb: its JSON fits its schema, its options reach the engine."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from alen.types import Completion
from tests.cli.conftest import SCHEMAS, Ran
from tests.cli.scripted_engine import ScriptedEngine
from tests.engine.scripted_server import models, serving

Alen = Callable[..., Ran]


def test_teach(alen: Alen, engine: ScriptedEngine, tmp_path: Path) -> None:
    file = tmp_path / "notes.md"
    file.write_text("# Notes")
    ran = alen("teach", file, "--text", "The key hangs there.", "--qa", file, "--source", "me", "--json")
    assert ran.json("teach") == {"stored": 3, "duplicates": 1, "retired": 0, "seconds": 0.25, "skipped": []}
    assert "reading 2/2" in ran.err
    given = {"text": "The key hangs there.", "paths": (file,), "qa": file, "source": "me"}
    assert engine.calls == [("teach", given | {"passages": None, "mailbox": None, "chat": None})]
    assert engine.ray is None
    assert alen("teach", file, "--ray", "auto").code == 0
    assert engine.ray == "auto"
    assert alen("teach", file).out == "3 stored, 1 already known, 0 retired, in 0.2 s\n"


def test_teach_from_stdin(alen: Alen, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"The key hangs there.")))
    assert alen("teach", "--text", "-").code == 0
    assert engine.calls[0][1]["text"] == "The key hangs there."


def test_feedback(alen: Alen, engine: ScriptedEngine) -> None:
    assert alen("feedback", "e1", "--correct", "--json").json("feedback") == {"episode": "e1", "status": "gold"}
    assert "quarantined" in alen("feedback", "e1", "--wrong", "--answer", "Brass").out
    assert engine.calls[1] == ("feedback", {"episode": "e1", "correct": False, "answer": "Brass"})
    assert alen("feedback", "e2", "--wrong", "--json").error(2)["type"] == "UnknownEpisode"


def test_calibrate(alen: Alen, engine: ScriptedEngine, tmp_path: Path) -> None:
    data = tmp_path / "questions.jsonl"
    data.write_text("")
    assert alen("calibrate", "--data", data, "--json").json("calibrate")["questions"] == 400
    text = alen("calibrate", "--data", data, "--passages", data).out
    assert "390 answers, 180 right: fitted" in text
    assert "solutions  80" in text
    assert "wrong at most 10 % of the time from confidence 0.80 upwards (4 of 120 were)" in text
    assert "recall     12 answers, 12 right: too few" in text
    assert "5 %" not in text
    assert engine.calls[1] == ("calibrate", {"questions": data, "passages": data})


Reported = Callable[..., Path]


@pytest.fixture
def reported(engine: ScriptedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reported:
    """A file of data, and calibration by it reports what it is told to."""
    data = tmp_path / "questions.jsonl"
    data.write_text("")
    whole = engine.calibrate(data)

    def told(**changes: object) -> Path:
        monkeypatch.setattr(engine, "calibrate", lambda *_, **__: whole | changes)
        return data

    return told


def test_calibrate_on_solutions_alone(alen: Alen, reported: Reported) -> None:
    """Nothing is said then of what could not be certified: nothing was asked."""
    solution = {"rows": 80, "right": 40, "fitted": True, "sets": 1, "single": None}
    data = reported(
        questions=0, groups=0, certified_on=0, certified_groups=0, certificates=[], families={"solution": solution}
    )
    assert alen("calibrate", "--data", data, "--json").json("calibrate")["solutions"] == 80
    text = alen("calibrate", "--data", data).out
    assert "80 answers, 40 right: fitted" in text
    assert "certified" not in text


def test_calibrate_says_that_more_passages_are_needed(alen: Alen, engine: ScriptedEngine, reported: Reported) -> None:
    nothing = [{**found, "threshold": None} for found in engine.calibrate("questions.jsonl")["certificates"]]

    def told(**changes: object) -> str:
        data = reported(**changes)
        assert alen("calibrate", "--data", data, "--json").json("calibrate")["groups"] == changes["groups"]
        return alen("calibrate", "--data", data).out

    text = told(groups=12, certified_groups=5, certificates=nothing)
    assert "160 questions kept apart, in 5 independent groups" in text
    assert "nothing: 5 groups are too few: 10 % takes 29, 5 % takes 59 at least" in text
    assert "questions about more passages" in text
    text = told(groups=90, certified_groups=40)
    assert "wrong at most 10 %" in text
    assert "40 groups are too few: 5 % takes 59 at least" in text
    assert "nothing" not in text
    assert "nothing: of 90 groups too few" in told(groups=220, certified_groups=90, certificates=nothing)
    text = told(groups=3, certified_groups=0, certified_on=0, certificates=[])
    assert "nothing: that takes at least 200 questions, about many passages; these are 400 in 3" in text


def test_calibrate_tells_of_several_sets(alen: Alen, engine: ScriptedEngine, reported: Reported) -> None:
    read = engine.calibrate("questions.jsonl")["families"]["read"]
    data = reported(
        families={"read": {**read, "sets": 4, "single": "lead_in_meaning", "best_single": "lead_in_meaning"}}
    )
    assert alen("calibrate", "--data", data, "--json").code == 0
    text = alen("calibrate", "--data", data).out
    assert "fitted on what 4 sets have in common: by the check lead in meaning alone, which is better" in text


def test_commit(alen: Alen, engine: ScriptedEngine) -> None:
    assert alen("memory", "commit", "--epsilon", "0.1", "--json").json("memory_commit")["proved"] == 2
    assert engine.calls[0] == ("commit_verified", {"epsilon": 0.1})
    text = alen("memory", "commit").out
    assert "2 proved, 0 certified of 5 that wait" in text
    assert "before alen calibrate" in text
    assert alen("memory", "commit", "--epsilon", "1", "--json").code == 2


def test_consolidate(alen: Alen, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert alen("memory", "consolidate", "--minutes", "2", "--json").json("memory_consolidate")["pairs"] == 1200
    assert engine.calls[0] == ("consolidate", {"minutes": 2.0})
    text = alen("memory", "consolidate").out
    assert "1,200 answers in 31 s: 98% word for word, 90% in a wording that was not trained on" in text
    assert "too long" not in text
    assert alen("memory", "consolidate", "--minutes", "0", "--json").code == 2
    report = engine.consolidate(minutes=1.0)
    changed = {"left_out": 3, "kept": "old", "reworded_before": 0.95}
    monkeypatch.setattr(engine, "consolidate", lambda **options: report | changed)
    text = alen("memory", "consolidate").out
    assert "3 were too long" in text
    assert "the decoder before stays: it knows 95% of them" in text
    nothing = dict.fromkeys(("recalled", "reworded", "reworded_before", "parameters", "steps"))
    empty = report | nothing | {"pairs": 0, "kept": "none"}
    monkeypatch.setattr(engine, "consolidate", lambda **options: empty)
    assert alen("memory", "consolidate", "--json").json("memory_consolidate")["kept"] == "none"
    assert "nothing holds here" in alen("memory", "consolidate").out


def test_where(alen: Alen) -> None:
    places = alen("where", "--store", "sqlite:///notes.db", "--json").json("where")
    assert places["store"] == "sqlite:///notes.db"
    assert places["home"] in alen("where").out


def test_models(alen: Alen) -> None:
    listed = alen("models", "list", "--json").json("models_list")
    assert [model["name"] for model in listed["models"]] == ["smollm2-135m-instruct", "all-minilm-l6-v2"]
    assert not any(model["installed"] for model in listed["models"])
    described = alen("models", "info", "--json").json("models_info")
    assert described["name"] == "smollm2-135m-instruct"
    assert described["parameters"]["total"] == 134_515_008
    assert "134,515,008" in alen("models", "info").out
    assert alen("models", "info", "--model", "all-minilm-l6-v2", "--json").json("models_info")["kind"] == "encoder"


def test_pull_from_a_folder_without_the_files(alen: Alen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alen.models.pull", lambda name, home, progress, source: home / "models" / name)
    pulled = alen("models", "pull", "--from", tmp_path, "--json").json("models_pull")
    assert [model["name"] for model in pulled["models"]] == ["smollm2-135m-instruct", "all-minilm-l6-v2"]


def test_doctor_says_what_to_do(alen: Alen) -> None:
    ran = alen("doctor", "--json")
    assert ran.code == 1
    report = ran.json("doctor")
    findings = {finding["name"]: finding for finding in report["checks"]}
    assert not report["ok"]
    assert findings["language model"]["status"] == "fail"
    assert findings["language model"]["hint"] == "Get it with: alen models pull smollm2-135m-instruct"
    assert all(findings[name]["status"] == "ok" for name in ("python", "torch", "sqlite", "home", "memory"))
    plain = alen("doctor")
    assert plain.code == 1
    assert "alen models pull all-minilm-l6-v2" in plain.out


def test_doctor_sees_a_home_and_a_store_that_cannot_be_used(
    alen: Alen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a database, but long enough to be mistaken for one" * 20)
    monkeypatch.setenv("ALEN_HOME", str(tmp_path / "file" / "home"))
    report = alen("doctor", "--store", f"sqlite:///{tmp_path / 'file'}", "--json").json("doctor")
    failed = {finding["name"] for finding in report["checks"] if finding["status"] == "fail"}
    assert {"home", "memory"} <= failed


class ScriptedModel:
    def complete(self, prompt: str, config: object, cancel: object = None) -> Completion:
        return Completion(f"[{prompt}] it rains", 4, 3, "length", timings_ms={"decode": 12.0})

    def stream(self, prompt: str, config: object, cancel: object = None) -> list[str]:
        return ["it ", "rains", "\x1b[2J"]


def test_generate(alen: Alen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alen.cli.opening.open_language_model", lambda common: nullcontext(ScriptedModel()))
    value = alen("generate", "So", "--seed", "3", "--top-k", "5", "--json").json("generate")
    assert value == {"text": "[So] it rains", "tokens": 4, "finish_reason": "length", "timings_ms": {"decode": 12.0}}
    assert alen("generate", "So").out == "[So] it rains\n"
    monkeypatch.setattr("alen.cli.generate.on_terminal", lambda: True)
    assert alen("generate", "So").out == "it rains␛[2J\n"


def test_every_schema_is_used_by_a_test() -> None:
    tests = "".join(file.read_text("utf-8") for file in Path(__file__).parent.glob("*.py"))
    unused = [file.stem for file in SCHEMAS.glob("*.json") if f'"{file.stem}"' not in tests]
    assert not unused


def test_doctor_asks_a_served_model_s_server(alen: Alen, monkeypatch: pytest.MonkeyPatch) -> None:
    def findings(model: str) -> dict[str, dict[str, str]]:
        monkeypatch.setenv("ALEN_VERIFIER", model)
        checks = alen("doctor", "--model", model, "--json").json("doctor")["checks"]
        return {finding["name"]: finding for finding in checks}

    assert findings("nothing-here")["verifier"]["status"] == "fail"
    with serving(lambda asked: models("qwen", "llama")) as server:
        for role in ("language model", "verifier"):
            found = findings(f"{server.url}#qwen")[role]
            assert (found["status"], found["detail"]) == ("ok", f"qwen at {server.url}#qwen")
            found = findings(f"{server.url}#qwem")[role]
            assert (found["status"], found["hint"]) == ("warn", "It lists: qwen, llama")
            found = findings(server.url)[role]
            assert (found["status"], found["detail"]) == ("fail", "model: a server with 2 models")
    for role in ("language model", "verifier"):
        found = findings(server.url)[role]
        assert found["status"] == "fail"
        assert f"{server.url} cannot be reached" in found["detail"]
        assert found["hint"] == "Start it, or correct the URL."


def test_a_served_model_does_not_generate(alen: Alen) -> None:
    failure = alen("generate", "So", "--model", "http://localhost:8000/v1", "--json").error(2)
    assert failure["field"] == "model"
    assert failure["allowed"] == "a model of this machine: a name, a file or a folder"
