"""Versions agree: package, changelog, pinned dependencies and their allowed ranges."""

from __future__ import annotations

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import alen
from tests.house.tree import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
TESTED_EXTRAS = ("cpu", "chat", "dev")


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def test_package_and_changelog_agree() -> None:
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == alen.__version__ == PROJECT["version"]


def test_every_dependency_is_pinned_within_its_range() -> None:
    pinned = pins()
    wanted = [
        *PROJECT["dependencies"],
        *(line for extra in TESTED_EXTRAS for line in PROJECT["optional-dependencies"][extra]),
    ]
    for line in wanted:
        requirement = Requirement(line)
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"constraints.txt does not pin {requirement.name}"
        assert requirement.specifier.contains(version), f"{requirement} does not allow the pinned {version}"


def test_all_means_cpu() -> None:
    """faiss-cpu and faiss-gpu cannot live in one environment."""
    extras = PROJECT["optional-dependencies"]
    assert {"cpu", "gpu", "train", "serve", "chat", "postgres", "data", "dev", "all"} <= set(extras)
    (everything,) = extras["all"]
    names = Requirement(everything).extras
    assert "cpu" in names
    assert "gpu" not in names
