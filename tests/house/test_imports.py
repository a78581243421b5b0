"""Importing ALEN and asking for help load nothing heavy, so that the command answers at once."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

import alen

HEAVY = (
    "torch",
    "faiss",
    "sqlalchemy",
    "textual",
    "transformers",
    "tokenizers",
    "huggingface_hub",
    "lightning",
    "gguf",
    "ray",
)
HELP_SECONDS = 0.3


def loaded_by(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint('\\n' + ' '.join(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_the_probe_sees_a_heavy_module() -> None:
    assert loaded_by("import sqlalchemy") == {"sqlalchemy"}


@pytest.mark.parametrize(
    "code",
    [
        "import alen",
        "import alen.types, alen.thought, alen.errors, alen.settings, alen.paths",
        "import alen.cli.main",
        "import contextlib, alen.cli.main\nwith contextlib.suppress(SystemExit): alen.cli.main.main(['--help'])",
    ],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    assert loaded_by(code) == set()


def test_help_is_instant() -> None:
    """Best of five, because a busy machine slows single runs; start-up itself is steady."""
    command = [str(Path(sys.executable).with_name("alen")), "--help"]
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds.append(time.perf_counter() - started)
    assert "ask" in done.stdout
    assert min(seconds) < HELP_SECONDS, f"alen --help took {min(seconds):.2f} s"


def test_public_names_are_complete_and_sorted() -> None:
    assert alen.__all__ == sorted(alen.__all__)
    for name in alen.__all__:
        assert getattr(alen, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = alen.Nonsense
