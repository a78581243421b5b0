"""Compiled once, kept by source and processor, and clearly refused where that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from alen.neural.native import allow, compiled, compiler, make
from alen.neural.native.compiler import NotCompiled
from tests.kernels import FOLDER, loaded_library


def test_it_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded_library()
    monkeypatch.setattr(compiler, "find_compiler", lambda: pytest.fail("compiled again"))
    assert make(FOLDER).exists()
    assert compiled(FOLDER) is not None


def test_without_a_compiler_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler.shutil, "which", lambda name: None)
    with pytest.raises(NotCompiled, match=r"g\+\+ or clang"):
        make(tmp_path)
    assert compiled(tmp_path) is None


def test_a_compiler_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "c++"
    broken.write_text("#!/bin/sh\necho cannot do that >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    with pytest.raises(NotCompiled, match="cannot do that"):
        make(tmp_path / "kernels")
    assert list((tmp_path / "kernels").iterdir()) == []


def test_another_processor_or_source_is_another_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = compiler._target(tmp_path)
    monkeypatch.setattr(compiler, "_processor", lambda: "another one")
    compiler._digest.cache_clear()
    assert compiler._target(tmp_path) != here
    monkeypatch.undo()
    compiler._digest.cache_clear()
    assert compiler._target(tmp_path) == here


def test_what_is_slower_is_not_used(tmp_path: Path) -> None:
    loaded_library()
    target = make(FOLDER)
    (tmp_path / target.name).write_bytes(target.read_bytes())
    assert compiled(tmp_path) is not None
    allow(tmp_path, False)
    assert compiled(tmp_path) is None
    allow(tmp_path, True)
    assert compiled(tmp_path) is not None


def test_after_an_update_they_are_compiled_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    loaded_library()
    here = make(FOLDER)
    older = tmp_path / f"alen-0{here.suffix}"
    older.touch()
    assert compiled(tmp_path) is not None
    assert (tmp_path / here.name).exists()
    assert "compiling them anew" in caplog.text


def test_what_was_slower_is_not_compiled_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"alen-0{make(FOLDER).suffix}").touch()
    (tmp_path / "alen-0.slower").touch()
    monkeypatch.setattr(compiler, "make", lambda folder: pytest.fail("compiled again"))
    assert compiled(tmp_path) is None


def test_a_compiler_that_fails_is_tried_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / f"alen-0{make(FOLDER).suffix}").touch()
    monkeypatch.setenv("CXX", "false")
    for _ in range(2):
        assert compiled(tmp_path) is None
    assert caplog.text.count("false failed") == 1
