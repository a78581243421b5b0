from __future__ import annotations

import json
from pathlib import Path

import pytest

from alen.errors import BadInput
from alen.learning.reading_data import gold_spans, plausible_spans, read_pages, strangers


def write(folder: Path) -> Path:
    contexts = [
        {"id": 1, "title": "Kilns", "text": "The kiln fires at 1,240 degrees. The door is blue."},
        {"id": 2, "title": "Kilns", "text": "The kiln was built in 1931 by Ada Holm."},
        {"id": 3, "title": "Boats", "text": "The ferry leaves at noon."},
    ]
    questions = [
        {
            "id": "a",
            "ctx": 1,
            "question": "How hot does the kiln fire?",
            "answers": ["1,240 degrees"],
            "answer_start": [18, 18],
            "unanswerable": False,
            "plausible": [],
        },
        {
            "id": "b",
            "ctx": 1,
            "question": "Who painted the door?",
            "answers": [],
            "answer_start": [],
            "unanswerable": True,
            "plausible": ["blue"],
        },
        {
            "id": "c",
            "ctx": 2,
            "question": "Who built the kiln?",
            "answers": ["Ada Holm"],
            "answer_start": [30],
            "unanswerable": False,
            "plausible": [],
        },
        {
            "id": "d",
            "ctx": 3,
            "question": "When does the ferry leave?",
            "answers": ["noon"],
            "answer_start": [20],
            "unanswerable": False,
            "plausible": [],
        },
    ]
    (folder / "contexts.jsonl").write_text("\n".join(map(json.dumps, contexts)))
    (folder / "dev.jsonl").write_text("\n".join(map(json.dumps, questions)))
    return folder


def test_only_the_named_articles_are_read(tmp_path: Path) -> None:
    pages = read_pages(write(tmp_path), ["Kilns"])
    assert [page.id for page in pages] == ["1", "2"]
    hot, painted = pages[0].exercises
    assert hot.answerable
    assert pages[0].text[slice(*hot.spans[0][:2])] == "1,240 degrees"
    assert not painted.answerable
    assert pages[0].text[slice(*painted.spans[0][:2])] == "blue"


def test_annotators_weigh_the_gold_spans() -> None:
    text = "in the 10th and 11th centuries"
    spans = {(a, b): w for a, b, w in gold_spans(text, ["10th", "the 10th and 11th centuries"], [7, 7, 3, 7])}
    assert spans == {(7, 11): 0.75, (3, 30): 0.25}
    assert plausible_spans(text, ["11th", "absent"]) == ((16, 20, 1.0),)


def test_strangers_are_questions_of_a_sibling_without_the_answer(tmp_path: Path) -> None:
    pages = read_pages(write(tmp_path), ["Kilns", "Boats"])
    found = strangers(pages, 1.0, seed=0)
    assert {key: [exercise.id for exercise in value] for key, value in found.items()} == {
        "2": ["a/wrong"],
        "1": ["c/wrong"],
    }
    assert not any(exercise.answerable or exercise.spans for value in found.values() for exercise in value)
    assert strangers(pages, 0.0, seed=0) == {}


def test_broken_line_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path)
    with (folder / "dev.jsonl").open("a") as file:
        file.write("\n{oops")
    with pytest.raises(BadInput, match="line 5"):
        read_pages(folder, ["Kilns"])


def test_unknown_article_and_missing_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Trains"):
        read_pages(write(tmp_path), ["Trains"])
    with pytest.raises(BadInput, match="data"):
        read_pages(tmp_path / "nowhere", ["Kilns"])
