"""What is installed is what is in the tree: every folder with code is a package, every other file is package data."""

from __future__ import annotations

import tomllib
from pathlib import Path, PurePosixPath

import pytest

from tests.house.tree import ROOT, project_files

SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
PACKAGES = {"alen": ROOT / "alen", "alen_chat": ROOT / "apps" / "alen_chat"}


def files_of(package: Path) -> list[PurePosixPath]:
    inside = (ROOT / file for file in project_files())
    return [PurePosixPath(file.relative_to(package)) for file in inside if file.is_relative_to(package)]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_with_code_is_a_package(package: str) -> None:
    files = files_of(PACKAGES[package])
    folders = {file.parent for file in files if file.suffix == ".py"}
    assert folders
    assert not [str(folder) for folder in folders if folder / "__init__.py" not in files]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_other_file_is_package_data(package: str) -> None:
    """``**/`` in a pattern may stand for no folder at all, as setuptools reads it."""
    patterns = SETUPTOOLS["package-data"][package]
    wanted = [*patterns, *(pattern.removeprefix("**/") for pattern in patterns)]
    data = [file for file in files_of(PACKAGES[package]) if file.suffix != ".py"]
    assert data
    assert not [str(file) for file in data if not any(file.match(pattern) for pattern in wanted)]
