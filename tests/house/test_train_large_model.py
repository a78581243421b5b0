"""The example that trains a model from nothing runs as it says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.house.tree import ROOT


@pytest.mark.slow
def test_it_learns_and_answers() -> None:
    run = subprocess.run(
        [sys.executable, "examples/train_large_model.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "A new model: 1.1M parameters, 257 of 8,000 tokens known" in run.stdout
    assert "What is 2+2? The answer is 4." in run.stdout
    assert "The thought of 2+2: It is 4." in run.stdout
