"""Values that cannot be: each is refused by name, and nothing of it is stored, also where ``assert`` does nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alen.errors import BadInput
from alen.memory import EpisodicMemory
from tests.memory.conftest import BOTH, HashEncoder
from tests.memory.torture import bad_values, life

ROOT = Path(__file__).parents[3]


@BOTH
def test_each_is_refused_and_nothing_is_stored(url: str) -> None:
    assert bad_values.not_refused(url) == []


def test_also_without_assertions() -> None:
    command = [sys.executable, "-O", "-m", "tests.memory.torture.bad_values"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("name", {**bad_values.UNTIDY, **bad_values.UNTIDY_NEW})
def test_remembering_what_cannot_be(url: str, name: str) -> None:
    values: dict[str, Any] = {"question": "q", "answer": "a"}
    values |= {**bad_values.UNTIDY, **bad_values.UNTIDY_NEW}[name]
    with EpisodicMemory.open(url, encoder=HashEncoder()) as memory:
        with pytest.raises(BadInput):
            memory.remember(**values)
        assert memory.stats()["episodes"]["gold"] == 0


@pytest.mark.parametrize("name", {**bad_values.UNTIDY, **bad_values.UNTIDY_CHANGES})
def test_changing_to_what_cannot_be(url: str, name: str) -> None:
    with EpisodicMemory.open(url, encoder=HashEncoder()) as memory:
        uid = memory.remember(question="q", answer="a")
        before = life.facts(memory)
        with pytest.raises(BadInput):
            memory.update(uid, **{**bad_values.UNTIDY, **bad_values.UNTIDY_CHANGES}[name])
        assert life.facts(memory) == before


@pytest.mark.parametrize(
    "asked",
    [{"k": 1.5}, {"where": {"min_confidence": "very"}}, {"min_confidence": "very"}],
    ids=str,
)
def test_asking_what_cannot_be(url: str, asked: dict[str, Any]) -> None:
    with EpisodicMemory.open(url, encoder=HashEncoder()) as memory:
        memory.remember(question="q", answer="a")
        with pytest.raises(BadInput):
            memory.recall("q", **asked)
