"""docs/architecture.md tells the truth: its rooms exist, its public names load, and what is to come is not there."""

from __future__ import annotations

import ast
import re

import alen
from tests.house.tree import ROOT, project_files

PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
BUILT, PLANNED = PAGE.split("\n## Still to come\n")
ROW = re.compile(r"^\| `([\w./]+)` \| (.*) \|(.*)\|$", re.MULTILINE)


def test_every_room_on_the_page_is_on_the_disk() -> None:
    rooms = [path for path, _, _ in ROW.findall(BUILT)]
    assert len(rooms) > 15
    assert not [path for path in rooms if not (ROOT / path).exists()]


def test_every_room_on_the_disk_is_on_the_page() -> None:
    described = {path.rstrip("/") for path, _, _ in ROW.findall(BUILT)}
    inside_alen = {
        "/".join(file.parts[:2]) for file in project_files() if file.parts[0] == "alen" and file.suffix == ".py"
    }
    assert inside_alen - {"alen/__init__.py"} <= described


def test_public_names_are_those_of_the_package() -> None:
    named = {name for _, _, names in ROW.findall(BUILT) for name in re.findall(r"[A-Z]\w+", names)}
    assert named == set(alen.__all__) - {"__version__"}


def test_what_is_to_come_is_not_there_yet() -> None:
    rooms = re.findall(r"^\| `(alen/\w+/)` \|", PLANNED, re.MULTILINE)
    assert rooms
    assert not [room for room in rooms if (ROOT / room).exists()]


def test_the_example_names_what_exists() -> None:
    """Every attribute that the example uses is defined by the class it is used on."""
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    tree = ast.parse(block)
    classes = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    made = {
        node.targets[0].id: node.value.func.value.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and isinstance(node.value.func.value, ast.Name)
    }
    used = {
        (made.get(node.value.id, node.value.id), node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    assert {owner for owner, _ in used} == classes
    assert not [f"{owner}.{name}" for owner, name in used if not hasattr(getattr(alen, owner), name)]
