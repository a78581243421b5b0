"""What is written about a run lets others repeat it, and says nothing about whose machine it was."""

from __future__ import annotations

import subprocess
from pathlib import Path

from alen.benchmark import machine


def test_paths_outside_the_project_keep_their_last_part(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    inside, outside = tmp_path / "project" / "benchmarks" / "main_job.py", tmp_path / "data" / "squad2"
    given = [str(inside), "--data", str(outside), f"--home={outside}", "--seed", "0"]
    assert (
        machine.command(given, tmp_path / "project")
        == "python benchmarks/main_job.py --data squad2 --home=squad2 --seed 0"
    )


def test_commit_tells_changed_from_clean(tmp_path: Path) -> None:
    assert machine.commit(tmp_path) == "unknown"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tmp_path)]
    (tmp_path / "file").write_text("one")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *arguments], check=True)
    clean = machine.commit(tmp_path)
    assert len(clean) >= 7
    (tmp_path / "file").write_text("two")
    assert machine.commit(tmp_path) == clean + "+changes"


def test_versions_leave_out_what_is_not_installed() -> None:
    found = machine.versions(["numpy", "no-such-package-at-all"])
    assert set(found) == {"python", "numpy"}


def test_machine_has_a_processor_and_cores() -> None:
    found = machine.machine()
    assert found["processor"]
    assert found["cores"] >= 1
