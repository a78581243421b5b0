"""Every set is read from rows in its own format; a hand-made one of each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alen.benchmark.tasks import TASKS, Row, answering, checking, choosing, counting, labelling
from alen.errors import BadInput


def written(folder: Path, name: str, *rows: dict[str, Any]) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return folder


def one(read: Callable[[Path], list[Row]], folder: Path) -> Row:
    (row,) = read(folder)
    return row


def test_common_sense(tmp_path: Path) -> None:
    options = {"A": "kiln", "B": "oven", "C": "fridge"}
    file = {"id": "x1", "concept": "Clay", "question": "Where is clay fired?", "options": options, "answer": "A"}
    twice = file | {"id": "x2", "options": {"A": "kiln", "B": "kiln"}}
    row = one(choosing.commonsenseqa, written(tmp_path, "commonsenseqa/train.jsonl", file, twice))
    assert (row.group, row.golds, row.options) == ("clay", ("kiln",), ("kiln", "oven", "fridge"))


def test_the_right_answer_is_not_always_first(tmp_path: Path) -> None:
    rows = [{"question": f"Is {n} prime?", "mc1": {"right": 1, "wrong": 0, "worse": 0}} for n in range(30)]
    read = choosing.truthfulqa(written(tmp_path, "truthfulqa/mc.jsonl", *rows))
    assert {row.options.index("right") for row in read} == {0, 1, 2}
    assert {row.golds for row in read} == {("right",)}


def test_an_intent_stands_among_eleven_others(tmp_path: Path) -> None:
    rows = [{"split": "test", "text": f"text {n}", "label": f"some_intent_{n}"} for n in range(20)]
    read = choosing.clinc150(written(tmp_path, "clinc150/all.jsonl", *rows, {**rows[0], "split": "train"}))
    assert len(read) == 20
    assert all(len(set(row.options)) == choosing.INTENTS and row.answer in row.options for row in read)
    assert read[3].golds == ("some intent 3",)


@pytest.mark.parametrize(
    ("question", "answer", "options", "gold"),
    [
        ("Which?\nOptions:\n(A) red\n(B) blue", "(B)", ("red", "blue"), "blue"),
        ("Is it?\nOptions:\n- valid \n- invalid", "invalid", ("valid", "invalid"), "invalid"),
        ("Is it?\nOptions:\n- Yes\n- No", "yes", ("Yes", "No"), "Yes"),
    ],
)
def test_options_of_harder_tasks(
    tmp_path: Path, question: str, answer: str, options: tuple[str, ...], gold: str
) -> None:
    rows = (
        {"task": "t", "i": 5, "question": question, "answer": answer},
        {"task": "u", "i": 0, "question": "", "answer": ""},
    )
    row = one(choosing.bbh("t"), written(tmp_path, "bbh/test.jsonl", *rows))
    assert (row.options, row.golds) == (options, (gold,))


def test_a_harder_task_without_options_has_its_answers_for_options(tmp_path: Path) -> None:
    rows = [{"task": "t", "i": n, "question": f"{n}?", "answer": ("True", "False")[n % 2]} for n in range(4)]
    read = choosing.bbh("t")(written(tmp_path, "bbh/test.jsonl", *rows))
    assert {row.options for row in read} in ({("True", "False")}, {("False", "True")})


def test_labels(tmp_path: Path) -> None:
    written(tmp_path, "sst2/dev.jsonl", {"text": "a dull film", "label": 0})
    written(tmp_path, "sst2/train.jsonl", {"text": "a fine film", "label": 1})
    assert [row.answer for row in labelling.sst2(tmp_path)] == ["negative", "positive"]
    written(tmp_path, "trec_qc/train_txt.jsonl", {"question": "Who ?", "coarse": "HUM", "fine": "HUM:ind"})
    assert one(labelling.trec, tmp_path).golds == ("person",)
    written(tmp_path, "sick/train.jsonl", {"a": "A man runs", "b": "A man sits", "score": 2, "label": "contradiction"})
    assert one(labelling.sick, tmp_path).golds == ("no",)
    written(tmp_path, "rte/all.jsonl", {"premise": "It rains.", "hypothesis": "It is wet", "entailment": True})
    assert one(labelling.rte, tmp_path).golds == ("yes",)
    written(tmp_path, "selfaware/test.jsonl", {"id": 1, "question": "Why?", "answers": None, "answerable": False})
    assert one(labelling.selfaware, tmp_path).golds == ("no",)


def test_word_problems_show_their_way(tmp_path: Path) -> None:
    problem = {
        "id": "n1",
        "grade": "2",
        "question": "7 and 2?",
        "answer": "9 (apples)",
        "formula": "7+2=9",
        "type": "+",
    }
    others = ({**problem, "id": "n2", "grade": "5"}, {**problem, "id": "n3", "answer": "6:7"})
    row = one(counting.asdiv("1", "2"), written(tmp_path, "asdiv/test.jsonl", problem, *others))
    assert (row.golds, row.answer, row.group) == (("9",), "7 + 2 = 9", "# and #")


def test_a_passage_and_the_side_that_its_article_is_held_to(tmp_path: Path) -> None:
    passages = ({"id": 0, "title": "Force", "text": "Heat."}, {"id": 1, "title": "Kilns", "text": "Clay."})
    written(tmp_path, "squad2/contexts.jsonl", *passages)
    asked = {"id": "a", "ctx": 0, "question": "What?", "answers": ["Heat"], "unanswerable": False}
    rows = (asked, {**asked, "id": "b", "ctx": 1}, {**asked, "id": "c", "answers": [], "unanswerable": True})
    fit, test = answering.squad2(written(tmp_path, "squad2/dev.jsonl", *rows))
    assert (fit.context, fit.pool, test.context, test.pool) == ("Heat.", "fit", "Clay.", "test")
    assert fit.group != test.group


def test_turns_of_a_conversation_are_the_context(tmp_path: Path) -> None:
    turn = {"conv": "c", "session": 1, "date": "1 May", "dia_id": "D1:1", "speaker": "Ilse", "text": "I fired a pot."}
    written(tmp_path, "locomo/turns.jsonl", turn)
    asked = {"conv": "c", "question": "What did she fire?", "answer": "a pot", "evidence": ["D1:1"], "category": 4}
    rows = (asked, {**asked, "category": 5}, {**asked, "evidence": ["D9:9"]})
    row = one(answering.locomo, written(tmp_path, "locomo/qa.jsonl", *rows))
    assert row.context == "Ilse (1 May): I fired a pot."
    assert row.golds == ("a pot",)


def test_the_next_word_is_one_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "lm_text").mkdir()
    line = " ".join(["word"] * 24 + ["country", "goes", "on"])
    for name in ("inaugural", "state_union"):
        (tmp_path / "lm_text" / f"{name}.txt").write_text(f"Title\n{line}\n", "utf-8")
    rows = answering.next_word(tmp_path)
    assert {row.golds for row in rows} == {("country",)}
    assert {row.question for row in rows} == {" ".join(["word"] * 24)}
    assert len({row.group for row in rows}) == 2


def test_answers_to_be_judged_are_one_right_and_one_wrong(tmp_path: Path) -> None:
    truth = {"question": "Why?", "best": "So.", "correct": ["So.", "Thus."], "incorrect": ["No.", "Never."]}
    row = one(checking.truthfulqa, written(tmp_path, "truthfulqa/generation.jsonl", truth))
    (right, yes), (wrong, no) = row.judged
    assert (right, yes, no) == ("So.", True, False)
    assert wrong in truth["incorrect"]


def test_published_solutions_keep_their_labels(tmp_path: Path) -> None:
    written(tmp_path, "gsm8k/test.jsonl", {"question": "2 and 2?", "solution": "", "answer": "4"})
    judged = {
        name: {"solution": f"by {name}", "correct": place % 2 == 0} for place, name in enumerate(checking.SYSTEMS)
    }
    written(tmp_path, "gsm8k/model_solutions.jsonl", {"i": 0, "question": "2 and 2?", "gold": "", **judged})
    row = one(checking.gsm8k_solutions, tmp_path)
    assert [right for _, right in row.judged] == [True, False, True, False]


def test_as_many_replies_with_as_without_something_made_up(tmp_path: Path) -> None:
    rows = [
        {"ID": f"{n}", "user_query": f"{n}?", "chatgpt_response": "So.", "hallucination": "yes" if n % 5 == 0 else "no"}
        for n in range(20)
    ]
    read = checking.halueval(written(tmp_path, "halueval/general.jsonl", *rows))
    judged = {row.question: row.judged[0][1] for row in read}
    assert sorted(judged.values()) == [False] * 4 + [True] * 4
    assert {question for question, right in judged.items() if not right} == {"0?", "5?", "10?", "15?"}


def test_missing_data_are_named(tmp_path: Path) -> None:
    for name in ("commonsenseqa", "trec", "asdiv_1_3", "check_halueval"):
        with pytest.raises(BadInput, match="jsonl"):
            TASKS[name].items(tmp_path, "evaluation")


def test_the_procedural_set_needs_no_data(tmp_path: Path) -> None:
    assert len(TASKS["procedural"].items(tmp_path, "evaluation")) > 2000
