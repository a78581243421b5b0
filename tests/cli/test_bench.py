"""``alen bench memory``: its JSON fits its schema, and its options reach the benchmark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alen.benchmark import memory_run
from tests.benchmark.test_memory import cell_of, failed
from tests.cli.conftest import Ran


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[memory_run.Plan]:
    """What was to be measured; every participant but qdrant reaches the same."""
    found: list[memory_run.Plan] = []

    def run(options: memory_run.Plan) -> memory_run.Measurements:
        found.append(options)
        print("chatter of a library")
        cells: list[dict[str, Any]] = [failed(name) if name == "qdrant" else cell_of(name) for name in options.names]
        return memory_run.Measurements(options, cells, 10, "2026-01-01T00:00:00+00:00", 1.0)

    monkeypatch.setattr(memory_run, "run", run)
    return found


def test_beside_others(alen: Callable[..., Ran], asked: list[memory_run.Plan], tmp_path: Path) -> None:
    arguments = ["--against", "chromadb", "--against", "qdrant", "--rows", "2000", "--work", tmp_path / "work"]
    value = alen("bench", "memory", tmp_path, *arguments, "--json").json("bench_memory")
    assert list(value) == ["rows", "ours", "chromadb", "qdrant"]
    assert value["chromadb"]["ratios"]["query_seconds"]["value"] == 1.0
    assert value["qdrant"]["failures"] == {"environment": "no such version"}
    [plan] = asked
    assert (plan.names, plan.sizes, plan.work) == (("alen", "chromadb", "qdrant"), (2000,), tmp_path / "work")
    assert "recall@10" in alen("bench", "memory", tmp_path).out


def test_a_wrong_request_is_told_by_name(alen: Callable[..., Ran], tmp_path: Path) -> None:
    assert "peeraldb" in alen("bench", "memory", tmp_path, "--against", "peeraldb", "--json").error(2)["found"]
    assert alen("bench", "memory", tmp_path, "--rows", "5", "--json").error(2)["field"] == "rows"
