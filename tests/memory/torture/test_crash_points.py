"""A process dies at each place named in the code, each time it passes: what was acknowledged is there, what was not is
there whole or not at all, and the work can be taken up again."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import alen.memory
from alen.memory import faults
from tests.memory.torture import children, life
from tests.memory.torture.counts import FULL

pytest.importorskip("faiss", reason="sealed indexes need faiss: pip install -e '.[cpu]'")


@dataclass
class Reference:
    """A life in which nobody died: the folder before each step, what is stored before each step and at the end, and
    the points that each step passes, in order."""

    exported: Path
    before: dict[str, Path]
    facts: list[dict[str, list[Any]]]
    passed: dict[str, list[str]]


@pytest.fixture(scope="module")
def reference(fast_folder: Path) -> Reference:
    work, other, copies = (fast_folder / name for name in ("life", "other", "copies"))
    work.mkdir()
    other.mkdir()
    exported = life.other_memory(other)
    found = Reference(exported, {}, [], {})
    with pytest.MonkeyPatch.context() as patched:
        children.plan(patched.setattr)
        for step in life.STEPS:
            found.before[step] = copies / step
            shutil.copytree(work, found.before[step])
            points: list[str] = []
            patched.setattr(faults, "reach", points.append)
            life.live(lambda name: None, work, exported, (step,))
            found.passed[step] = points
            with life.opened(life.place(work)) as memory:
                found.facts.append(life.facts(memory))
    return found


def test_every_point_of_the_code_is_in_the_list() -> None:
    folder = Path(alen.memory.__file__).parent
    code = "\n".join(file.read_text("utf-8") for file in folder.rglob("*.py"))
    called = set(re.findall(r"faults\.reach\((.*)\)", code))
    named = {name for call in called for name in re.findall(r'"([^"]+)"', call)}
    assert named == faults.POINTS


def test_every_point_is_passed(reference: Reference) -> None:
    assert {point for points in reference.passed.values() for point in points} == faults.POINTS


def deaths(passed: dict[str, list[str]]) -> list[tuple[str, str, int]]:
    """Step, point and time of each death: all of them, or of each point its first, and for files its last too."""
    every = []
    for step, points in passed.items():
        seen: Counter[str] = Counter()
        for point in points:
            seen[point] += 1
            every.append((step, point, seen[point]))
    if FULL:
        return every
    first = {point: (step, point, time) for step, point, time in reversed(every)}
    last = {point: (step, point, time) for step, point, time in every if point.startswith("file:")}
    return sorted({*first.values(), *last.values()}, key=every.index)


@pytest.mark.parametrize("step", life.STEPS)
def test_a_death_at_any_point_is_survived(reference: Reference, step: str, tmp_path: Path) -> None:
    place = life.STEPS.index(step)
    after = reference.facts[place]
    before = reference.facts[place - 1] if place else None
    for number, (_, point, time) in enumerate(death for death in deaths(reference.passed) if death[0] == step):
        folder = tmp_path / str(number)
        shutil.copytree(reference.before[step], folder)
        fault = f"{point}#{time}"
        child = children.Child(life.live, folder, reference.exported, (step,), fault=fault)
        assert child.finish() == children.KILLED, fault
        assert child.sent == []
        with life.opened(life.place(folder)) as memory:
            found = life.facts(memory)
            assert found in ([after] if before is None else [before, after]), fault
            assert memory.verify("deep", repair=True).ok, fault
        if found == before:
            life.live(lambda name: None, folder, reference.exported, (step,))
        with life.opened(life.place(folder)) as memory:
            assert life.facts(memory) == after, fault
            assert all(receipt["finished"] for receipt in memory.receipts())
            memory.checkpoint()
            assert memory.verify("deep").problems == (), fault
        _is_tidy(folder)
        if place >= life.STEPS.index("erase source"):
            shutil.rmtree(folder / "out")  # what a person has exported is theirs
            assert not life.is_anywhere(folder, life.SECRET.encode())
        shutil.rmtree(folder)


def _is_tidy(folder: Path) -> None:
    """One generation of each index, and nothing half-written."""
    assert not list(folder.rglob("*.partial"))
    for index in (folder / "memory.db.index").glob("*/*"):
        files = Counter(file.suffix for file in index.iterdir())
        assert all(count == 1 or suffix == "" for suffix, count in files.items()), sorted(index.iterdir())
