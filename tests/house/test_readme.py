"""The README is true: its tree is the disk, its numbers are the measured ones, and its commands and code run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from alen.benchmark import readme
from tests.house.tree import ROOT, project_files

README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def tree_paths() -> set[str]:
    (tree,) = blocks("tree")
    paths, folder = set(), ""
    for line in tree.splitlines():
        name = line.split()[0]
        folder = folder if line.startswith(" ") else name
        paths.add(folder + name if line.startswith(" ") else name)
    return paths


def test_tree_is_the_disk() -> None:
    shown = tree_paths()
    assert not [path for path in shown if not (ROOT / path).exists()]
    inside_alen = {
        f"alen/{file.parts[1]}" + ("/" if len(file.parts) > 2 else "")
        for file in project_files()
        if file.parts[0] == "alen" and file.suffix == ".py" and file.name != "__init__.py"
    }
    top = {f"{file.parts[0]}/" for file in project_files() if len(file.parts) > 1 and not file.parts[0].startswith(".")}
    assert inside_alen <= shown
    assert top - {"apps/"} <= shown


def test_links_lead_somewhere() -> None:
    for page in (file for file in project_files() if file.suffix == ".md" and file.parts[0] != "examples"):
        for target in re.findall(r"\]\(([^)#\s]+)", (ROOT / page).read_text("utf-8")):
            if not target.startswith("http"):
                assert (ROOT / page.parent / target).exists(), f"{page} links to {target}"


def test_numbers_are_those_of_the_results() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        text = page.read_text("utf-8")
        assert readme.rewritten(text, ROOT / "benchmarks" / "results") == text, f"{page.name} has other numbers"


@pytest.fixture
def shell(linked_home: Path, tmp_path: Path) -> dict[str, str]:
    """An environment whose `alen` is the one under test, and whose working folder has the examples and nothing else."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "ALEN_HOME": str(linked_home), "PATH": path}


@pytest.mark.models
@pytest.mark.slow
def test_commands_run(shell: dict[str, str], tmp_path: Path) -> None:
    (script,) = blocks("bash")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, env=shell, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "behind the clock" in done.stdout
    assert len((tmp_path / "answers.jsonl").read_text("utf-8").splitlines()) == 40


@pytest.mark.models
@pytest.mark.slow
def test_python_runs(shell: dict[str, str], tmp_path: Path) -> None:
    (program,) = blocks("python")
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=shell, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "1,240 degrees Celsius" in done.stdout
