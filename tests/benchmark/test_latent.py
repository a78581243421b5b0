"""What the benchmark of memory in weights teaches, asks and counts."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import numpy as np
import pytest

from alen.benchmark import latent
from alen.benchmark.facts import facts
from alen.benchmark.latent import Asked
from alen.errors import BadInput
from alen.text.rewording import reword
from alen.thought import ThoughtState
from tests.benchmark.test_main_job import script


def test_facts_are_two_hundred_each_with_its_own_wordings() -> None:
    found = facts()
    questions = [fact.question for fact in found]
    others = [other for fact in found for other in fact.paraphrases]
    assert len(found) == len(set(questions)) == 200
    assert len(set(others)) == 400
    assert not set(others) & set(questions)
    assert facts() == found
    assert [fact.question for fact in facts(1)] != questions
    answers = {fact.question: fact.answer for fact in facts(1)}
    assert sum(answers[fact.question] != fact.answer for fact in found) > 100


def test_training_never_makes_the_wordings_that_are_measured() -> None:
    chance = random.Random(0)
    for fact in facts():
        made = {reword(fact.question, chance).rstrip("?") for _ in range(50)}
        assert not made & {other.rstrip("?") for other in fact.paraphrases}


def test_searched_questions_are_reworded(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [{"question": f"what is the name of river {n}?", "answers": [f"River {n}"]} for n in range(210)]
    rows += [{"question": "who is it?", "answers": ["http://example.org"]}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    lessons = latent.searched(file)
    assert len(lessons.taught) == 200
    taught = {pair.question for pair in lessons.taught}
    assert lessons.asked
    assert not taught & {each.question for each in lessons.asked}
    assert all(lessons.taught[each.group].answer == each.answer for each in lessons.asked)
    file.write_text(json.dumps(rows[0]))
    with pytest.raises(BadInput, match="at least 200"):
        latent.searched(file)


def test_the_nearest_question_is_looked_up() -> None:
    thoughts = [ThoughtState.from_input(text, 64) for text in ("the old bell", "the new kiln")]
    known = np.stack([thought.vector for thought in thoughts])
    asked = [Asked(0, "", ""), Asked(0, "", "")]
    assert latent.looked_up(thoughts, asked, known).tolist() == [1.0, 0.0]


def test_a_ratio_of_perplexities_by_hand() -> None:
    losses = np.array([[8.0, 2.0, 2.0], [4.0, 4.0, 2.0]])
    found = latent.perplexity_ratio(losses)
    assert found.value == pytest.approx(math.exp(-6 / 4))
    assert found.low == pytest.approx(math.exp(-3))
    assert found.high == pytest.approx(1.0)
    assert latent.perplexities(losses) == {"language model": "20.09", "hybrid": "4.48"}


def test_paragraphs_are_cut_in_the_middle(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text("\n".join(["= Title ="] + [" ".join(f"w{n}" for n in range(30))] * 40))
    halves = latent._halves(file, 0)
    assert len(halves) == 40
    assert halves[0] == (" ".join(f"w{n}" for n in range(15)), " ".join(f"w{n}" for n in range(15, 30)))
    file.write_text("too short")
    with pytest.raises(BadInput, match="paragraphs"):
        latent._halves(file, 0)


def test_data_that_are_not_there_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script("latent").main([str(tmp_path / "nowhere")]) == 2
    assert "trainmodel.jsonl" in capsys.readouterr().err
