"""``alen bench generate``: one JSON object that fits its schema, a table, a report; what is wrong is one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alen.benchmark.decoding import rivals, speed, turns
from alen.benchmark.decoding.turns import Process, Work
from tests.cli.conftest import Ran
from tests.cli.interrupting import ends_with_control_c

Alen = Callable[..., Ran]
SMALL = ("--prompt-tokens", "16", "--max-tokens", "4", "--streams", "2", "--rounds", "2", "--threads", "1")


@pytest.fixture
def home(linked_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALEN_HOME", str(linked_home))
    return linked_home


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Work]]:
    """What was to be timed. No process is started: every other program takes twice the time of ALEN."""
    found: list[tuple[str, Work]] = []

    class Scripted:
        def __init__(self, side: str, *_: Any) -> None:
            self.side, self.about = side, {"ready": side}

        def answer(self) -> dict[str, Any]:
            return self.about

        def tell(self, asked: dict[str, Any]) -> dict[str, Any]:
            found.append((self.side, asked["work"]))
            print("chatter of a library")
            return {"seconds": {"alen": 0.5, "transformers fp32": 1.0}.get(self.side, 2.0), "tokens": []}

        def close(self) -> None:
            pass

    monkeypatch.setattr(turns, "Process", Scripted)
    return found


@pytest.mark.models
def test_one_object_of_json(alen: Alen, home: Path, tmp_path: Path) -> None:
    """With the real model, and a report."""
    ran = alen("bench", "generate", *SMALL, "--report", tmp_path / "report", "--json")
    found = ran.json("bench_generate")
    settings = {"prompt_tokens": 16, "max_tokens": 4, "streams": 2, "rounds": 2, "threads": 1}
    assert (found["model"], found["settings"]) == ("smollm2-135m-instruct", settings)
    ours = found["ours"]
    for key in speed.MEASURES:
        assert ours[key]["n"] == 2
        assert 0 < ours[key]["p25"] <= ours[key]["median"] <= ours[key]["p75"]
    seconds = sorted((ours["first_token_seconds"]["p10"], ours["first_token_seconds"]["p90"]))
    assert seconds[0] <= 16 / ours["prefill_per_second"]["median"] <= 1.5 * seconds[1]
    assert found["report"] == str(tmp_path / "report")
    kept = json.loads((tmp_path / "report" / "generate.json").read_text("utf-8"))
    assert kept == {key: value for key, value in found.items() if key != "report"}
    assert (tmp_path / "report" / "generate.png").stat().st_size > 1000
    assert "streams: 2 of 2" in ran.err


@pytest.mark.models
def test_beside_others(alen: Alen, home: Path, timed: list[Any]) -> None:
    given = ("--against", "llama.cpp", "--against", "transformers", "--against", "llama.cpp")
    found = alen("bench", "generate", *SMALL, *given, "--json").json("bench_generate")
    assert list(found)[3:] == ["ours", "llama.cpp", "transformers", "report"]
    assert found["transformers"]["format"] == "fp32"  # the quicker of its two ways
    assert found["llama.cpp"]["ratios"]["decode_per_second"] == {"value": 4.0, "low": 4.0, "high": 4.0, "n": 2}
    assert found["llama.cpp"]["ratios"]["first_token_seconds"]["value"] == 0.25
    assert found["transformers"]["ratios"]["together_per_second"]["value"] == 2.0
    assert found["ours"]["decode_per_second"]["median"] == 3 / 0.5
    assert found["ours"]["prefill_per_second"]["median"] == 16 / 0.5
    assert found["ours"]["together_per_second"]["median"] == 2 * 4 / 0.5
    # A warm round and two that count, of three kinds of work.
    assert sum(side == "alen" for side, _ in timed) == 9
    table = alen("bench", "generate", *SMALL, *given).out
    assert table.startswith("smollm2-135m-instruct, 1 thread, prompts of 16, 4 written, 2 at once")
    assert "4.00 … 4.00" in table
    assert max(map(len, table.splitlines())) <= 80


@pytest.mark.models
def test_a_prompt_of_one_s_own(alen: Alen, home: Path, timed: list[Any]) -> None:
    given = ("--prompt", "The kiln fires stoneware.", "--max-tokens", "4", "--rounds", "2", "--streams", "2")
    found = alen("bench", "generate", *given, "--json").json("bench_generate")
    assert 5 < found["settings"]["prompt_tokens"] < 16


@pytest.mark.models
@pytest.mark.slow
def test_llama_cpp_with_the_same_file(alen: Alen, home: Path) -> None:
    pytest.importorskip("xllamacpp")
    found = alen("bench", "generate", *SMALL, "--against", "llama.cpp", "--json").json("bench_generate")
    assert found["llama.cpp"]["decode_per_second"]["median"] > 0


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (["gpt5"], "model"),
        (["--model", "gpt5"], "model"),
        (["all-minilm-l6-v2"], "model"),
        (["--against", "vllm"], "--against"),
        (["--rounds", "1"], "--rounds"),
        (["--streams", "0"], "--streams"),
        (["--max-tokens", "1"], "--max-tokens"),
        (["--max-tokens", "9000"], "--max-tokens"),
        (["--prompt-tokens", "0"], "--prompt-tokens"),
        (["--prompt", " "], "--prompt"),
        (["--prompt", "x", "--prompt-tokens", "9"], "--prompt-tokens"),
        (["--report", "FILE"], "--report"),
        (["--threads", "0"], None),
    ],
)
@pytest.mark.models
def test_a_wrong_request_is_told_by_name(
    alen: Alen, home: Path, tmp_path: Path, timed: list[Any], given: list[str], field: str | None
) -> None:
    (tmp_path / "file").write_text("x")
    filled = [{"FILE": str(tmp_path / "file")}.get(each, each) for each in given]
    failure = alen("bench", "generate", *filled, "--json").error(2)
    assert failure["field"] == field
    assert failure["hint"]
    assert not timed


def test_a_program_that_is_not_installed_is_refused(alen: Alen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rivals, "find_spec", lambda name: None if name == "xllamacpp" else object())
    failure = alen("bench", "generate", "--against", "llama.cpp", "--json").error(2)
    assert failure["field"] == "--against"
    assert "not installed" in failure["found"]
    assert "transformers, ctranslate2" in failure["allowed"]
    assert "pip install xllamacpp" in failure["hint"]


def test_without_matplotlib_a_report_is_refused_first(alen: Alen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "alen[train]" in alen("bench", "generate", "gpt5", "--report", "x", "--json").error(1)["hint"]


def test_why_a_program_ended_is_told() -> None:
    process = Process("no such side", "file", 1, turns.Room())
    with pytest.raises(turns.WorkError, match="no such side ended with code 1") as failed:
        process.answer()
    process.close()
    assert "KeyError" in failed.value.hint


@pytest.mark.models
@pytest.mark.slow
def test_control_c_ends_it_at_once_and_cleanly(home: Path) -> None:
    ends_with_control_c("bench", "generate", "--rounds", "400", "--streams", "1", after="write: 0 of")
