"""Files stay small, say in their name what they hold, and the root stays clear of prose."""

from __future__ import annotations

import re
import statistics

from tests.house.tree import ROOT, project_files, python_files

LINES_AT_MOST = 400
MEDIAN_AT_MOST = 150
KIBIBYTES_AT_MOST = 12 * 1024
ROOT_PROSE = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"}
EMPTY_NAMES = re.compile(
    r"^(utils?|helpers?|common|misc|manager|advanced|enhanced|new|v2)(_.*)?\.py$|_(utils?|helpers?|v2)\.py$"
)


def test_no_python_file_is_over_the_limit() -> None:
    sizes = {str(file): len((ROOT / file).read_text("utf-8").splitlines()) for file in python_files()}
    over = {name: lines for name, lines in sizes.items() if lines > LINES_AT_MOST}
    assert not over, f"files over {LINES_AT_MOST} lines, one idea a file: {over}"
    assert statistics.median(sizes.values()) <= MEDIAN_AT_MOST


def test_names_say_what_a_file_holds() -> None:
    assert EMPTY_NAMES.search("utils.py")
    assert EMPTY_NAMES.search("string_helpers.py")
    assert not EMPTY_NAMES.search("newline.py")
    assert not [str(file) for file in python_files() if EMPTY_NAMES.search(file.name)]


def test_root_holds_four_markdown_files() -> None:
    assert {file.name for file in project_files() if len(file.parts) == 1 and file.suffix == ".md"} == ROOT_PROSE


def test_nothing_large_is_in_the_project() -> None:
    sizes = {str(file): (ROOT / file).stat().st_size // 1024 for file in project_files()}
    assert not {name: size for name, size in sizes.items() if size > KIBIBYTES_AT_MOST}


def test_every_module_opens_with_a_docstring() -> None:
    silent = [
        str(file)
        for file in python_files()
        if file.parts[0] in {"alen", "apps", "benchmarks"}
        and (text := (ROOT / file).read_text("utf-8")).strip()
        and not re.match(r'(#.*\n)*r?"""', text)
    ]
    assert not silent, f"modules without a docstring: {silent}"
