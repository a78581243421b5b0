"""The split and the sample of the main job."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from alen.benchmark import squad
from alen.errors import BadInput
from tests.benchmark.scripted import write_data


def test_articles_were_split_by_the_hash_of_their_title() -> None:
    test = {"French_and_Indian_War", "Packet_switching", "Imperialism"}
    titles = sorted(squad.TRAINING | squad.CALIBRATION | test, key=lambda t: hashlib.sha256(t.encode()).hexdigest())
    assert set(titles[:3]) == test
    assert set(titles[3:5]) == squad.CALIBRATION
    assert set(titles[5:]) == squad.TRAINING


def test_nothing_that_was_fitted_on_is_asked(tmp_path: Path) -> None:
    data = squad.load(write_data(tmp_path))
    assert len(data.questions) == 36
    assert Counter(question.article for question in data.test_questions()) == {
        "Imperialism": 12,
        "Packet_switching": 12,
    }
    assert data.passages["x0 Elsewhere"] == "Nothing to do with it."


def test_extra_passages_count_anew_in_every_article(tmp_path: Path) -> None:
    extra = [{"id": "x0", "title": title, "text": f"About {title}."} for title in ("Rhine", "Geology")]
    folder = write_data(tmp_path)
    (folder / "contexts_extra.jsonl").write_text("".join(json.dumps(row) + "\n" for row in extra), "utf-8")
    assert len(squad.load(folder).passages) == 6 + 2


def test_half_are_unanswerable_as_far_as_there_are_enough(tmp_path: Path) -> None:
    questions = squad.load(write_data(tmp_path)).test_questions()  # 16 answerable, 8 not
    assert Counter(q.unanswerable for q in squad.sample(questions, 10, 0)) == {True: 5, False: 5}
    assert Counter(q.unanswerable for q in squad.sample(questions, 20, 0)) == {True: 8, False: 12}
    assert len(squad.sample(questions, 1000, 0)) == 24


def test_the_seed_fixes_choice_and_order(tmp_path: Path) -> None:
    questions = squad.load(write_data(tmp_path)).test_questions()
    assert squad.sample(questions, 10, 3) == squad.sample(questions, 10, 3)
    assert squad.sample(questions, 10, 3) != squad.sample(questions, 10, 4)
    assert len(set(squad.sample(questions, 10, 3))) == 10


def test_broken_data_names_file_and_line(tmp_path: Path) -> None:
    folder = write_data(tmp_path)
    lines = (folder / "dev.jsonl").read_text("utf-8").splitlines()
    (folder / "dev.jsonl").write_text("\n".join([*lines[:2], '{"id": 1}']), "utf-8")
    with pytest.raises(BadInput, match=r"dev.jsonl, line 3"):
        squad.load(folder)
    with pytest.raises(BadInput, match="data"):
        squad.load(tmp_path / "missing")
