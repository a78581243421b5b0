"""Triton's kernels are compared in a process of their own: its interpreter is chosen before it is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def compare(program: Path, count: int, device: str, **environment: str) -> None:
    """``program`` makes ``count`` comparisons on ``device``."""
    command = [sys.executable, str(program), device]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{count} comparisons" in done.stdout
