"""The project speaks as a product: no machine paths, nothing unfinished, nothing silenced without a reason."""

from __future__ import annotations

import re

from tests.house.tree import ROOT, python_files, text_files

# Put together from parts, so that these lines are not found by their own search.
MACHINE_PATHS = re.compile("|".join(["/" + "work/", "/" + "root/", "/home/" + r"\w+/", "/" + "tmp/w"]))
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX"]) + r")\b")
SILENCED = re.compile("no" + r"qa\b|type: " + r"ignore")


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{file}:{number}: {line.strip()[:100]}"
        for file, text in text_files()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_path_of_one_machine() -> None:
    assert MACHINE_PATHS.search("see /home/" + "someone/notes")
    assert not lines_with(MACHINE_PATHS)


def test_no_unfinished_work() -> None:
    assert not lines_with(UNFINISHED)


def test_a_silenced_check_gives_its_reason() -> None:
    """`# no·qa: RULE reason` and `# type: ig·nore[code]  # reason`: something must follow the code."""
    bare = []
    for file in python_files():
        for number, line in enumerate((ROOT / file).read_text("utf-8").splitlines(), 1):
            found = SILENCED.search(line)
            if found and file.name != "test_words.py":
                rest = re.sub(r"^(\[[\w, -]+\]|: ?[A-Z]+\d+(, ?[A-Z]+\d+)*)", "", line[found.end() :])
                if len(re.findall(r"\w+", rest)) < 2:
                    bare.append(f"{file}:{number}")
    assert not bare, f"silenced without a reason: {bare}"
