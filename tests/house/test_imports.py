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
"""On a machine that starts an interpreter in ``BARE_SECONDS``; one that others slow down gets as much more."""

BARE_SECONDS = 0.03


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
    """The least of five starts, by turns with the interpreter alone: a busy machine slows both."""
    bare = [sys.executable, "-c", "import os, re, json"]
    command = [str(Path(sys.executable).with_name("alen")), "--help"]
    seconds: dict[str, list[float]] = {"bare": [], "help": []}
    for _ in range(5):
        for name, arguments in ("bare", bare), ("help", command):
            started = time.perf_counter()
            done = subprocess.run(arguments, capture_output=True, text=True, check=True)
            seconds[name].append(time.perf_counter() - started)
    assert "ask" in done.stdout
    bare_least, least = min(seconds["bare"]), min(seconds["help"])
    allowed = HELP_SECONDS * max(1.0, bare_least / BARE_SECONDS)
    assert least < allowed, f"alen --help took {least:.2f} s, {allowed:.2f} s allowed, a bare interpreter {bare_least}"


def test_public_names_are_complete_and_sorted() -> None:
    assert alen.__all__ == sorted(alen.__all__)
    for name in alen.__all__:
        assert getattr(alen, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = alen.Nonsense
