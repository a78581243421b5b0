"""``alen bench train``: one JSON object that fits its schema, a table, a report; what is wrong is one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from alen.benchmark.performance import peers
from alen.benchmark.stepping import Steps, Switches
from tests.cli.conftest import Ran
from tests.cli.interrupting import ends_with_control_c

Alen = Callable[..., Ran]
TINY = ("alen-micro", "--batch-sizes", "1,2", "--lengths", "8", "--rounds", "2")
AGAINST = ("alen-small", "--against", "transformers", "--batch-sizes", "1,2", "--lengths", "16", "--rounds", "4")


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was to be compared; transformers takes twice the time and three times the memory."""
    found: list[dict[str, Any]] = []

    def choose(cell: dict[str, Any], step: str, dtype: str, *, compiled: bool) -> dict[str, Switches]:
        found.append({**cell, "step": step, "dtype": dtype, "compiled": compiled})
        return {"alen": Switches("alen", "bfloat16", compiled), "transformers": Switches("", "autocast", compiled)}

    def compare(
        cell: dict[str, Any], step: str, dtype: str, best: dict[str, Switches], *, rounds: int
    ) -> tuple[dict[str, Steps], float]:
        sides = zip(best.items(), (0.1, 0.2), (10**6, 3 * 10**6), strict=True)
        return {name: Steps(one, [seconds] * rounds, 1.0, memory) for (name, one), seconds, memory in sides}, 1e12

    monkeypatch.setattr(peers, "choose", choose)
    monkeypatch.setattr(peers, "compare", compare)
    return found


def test_one_object_of_json(alen: Alen, tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    ran = alen("bench", "train", *TINY, "--threads", "1", "--report", tmp_path / "report", "--json")
    found = ran.json("bench_train")
    assert [(row["step"], row["batch_size"]) for row in found["ours"]["rows"]] == [
        ("forward", 1), ("forward", 2), ("train", 1), ("train", 2)
    ]  # fmt: skip
    for row in found["ours"]["rows"]:
        assert row["throughput"] == pytest.approx(row["batch_size"] * 8 / row["latency"]["median"])
    assert found["report"] == str(tmp_path / "report")
    assert json.loads((tmp_path / "report" / "performance.json").read_text("utf-8")) == {"ours": found["ours"]}
    assert len(list((tmp_path / "report").glob("*.png"))) == 3
    assert found["ours"]["machine"]["threads"] == 1
    assert torch.get_num_threads() == threads
    assert "measuring: 4 of 4" in ran.err


def test_a_table_of_eighty_columns(alen: Alen) -> None:
    ran = alen("bench", "train", *TINY)
    assert ran.out.startswith("alen-micro, ")
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "tokens/s" in ran.out


def test_beside_transformers(alen: Alen, compared: list[dict[str, Any]], tmp_path: Path) -> None:
    given = (*AGAINST, "--precision", "bfloat16", "--compile", "--threads", "1")
    found = alen("bench", "train", *given, "--report", tmp_path, "--json").json("bench_train")
    for ratio, row in zip(found["transformers"]["ratios"], found["ours"]["rows"], strict=True):
        assert (ratio["step"], ratio["batch_size"]) == (row["step"], row["batch_size"])
        assert ratio["throughput"] == {"value": 2.0, "low": 2.0, "high": 2.0, "n": 4}
        assert ratio["memory"] == pytest.approx(1 / 3)
        assert row["throughput"] == pytest.approx(160 * row["batch_size"])
        assert row["flops"] == pytest.approx(1e12 * row["of_peak"])
    assert {row["switches"] for row in found["transformers"]["rows"]} == {"autocast compiled"}
    # What is fastest at the first size is taken at the second.
    assert [(one["step"], one["batch"], one["dtype"], one["compiled"]) for one in compared] == [
        ("forward", 1, "bfloat16", True),
        ("train", 1, "bfloat16", True),
    ]
    assert len(list(tmp_path.glob("*.png"))) == 3
    table = alen("bench", "train", *AGAINST).out
    assert "alen (bfloat16) beside transformers (autocast)" in table
    assert "2.00 … 2.00" in table


def test_what_does_not_fit_is_not_tried_on_either_side(alen: Alen, compared: list[dict[str, Any]]) -> None:
    given = ("alen-small", "--against", "transformers", "--batch-sizes", "65536", "--lengths", "512")
    found = alen("bench", "train", *given, "--json").json("bench_train")
    assert {row["error"] for side in ("ours", "transformers") for row in found[side]["rows"]} == {"out of memory"}
    assert not compared
    assert "out of memory" in alen("bench", "train", *given).out


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (["gpt5"], "model"),
        (["--model", "gpt5"], "model"),
        (["alen-micro", "--lengths", "257"], "sequence_lengths"),
        (["alen-micro", "--lengths", "8,"], "--lengths"),
        (["alen-micro", "--batch-sizes", "one"], "--batch-sizes"),
        (["alen-micro", "--batch-sizes", "0"], "batch_sizes"),
        (["alen-micro", "--rounds", "0"], "rounds"),
        (["alen-micro", "--against", "transformers"], "model"),
        (["alen-small", "--against", "transformers", "--lengths", "513"], "sequence_lengths"),
        (["alen-micro", "--report", "FILE"], "--report"),
        (["alen-micro", "--against", "jax"], None),
        (["alen-micro", "--precision", "float8"], None),
        (["alen-micro", "--threads", "0"], None),
    ],
)
def test_a_wrong_request_is_told_by_name(alen: Alen, tmp_path: Path, given: list[str], field: str | None) -> None:
    (tmp_path / "file").write_text("x")
    filled = [{"FILE": str(tmp_path / "file")}.get(each, each) for each in given]
    failure = alen("bench", "train", *filled, "--json").error(2)
    assert failure["field"] == field
    assert failure["hint"]
    if field == "model" and "--against" not in given:
        assert "alen-small" in failure["allowed"]


def test_without_matplotlib_a_report_is_refused_first(alen: Alen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "alen[train]" in alen("bench", "train", "gpt5", "--report", "x", "--json").error(1)["hint"]


@pytest.mark.slow
def test_both_sides_in_processes_of_their_own(alen: Alen) -> None:
    given = ("alen-small", "--against", "transformers", "--batch-sizes", "1", "--lengths", "16", "--rounds", "2")
    found = alen("bench", "train", *given, "--json").json("bench_train")
    assert all(row["memory"] > 4 * 21_000_000 for side in ("ours", "transformers") for row in found[side]["rows"])


@pytest.mark.slow
@pytest.mark.parametrize("given", [("alen-small", "--rounds", "5000"), (*AGAINST, "--rounds", "5000")])
def test_control_c_ends_it_at_once_and_cleanly(given: tuple[str, ...]) -> None:
    ends_with_control_c("bench", "train", *given, after="0 of")
