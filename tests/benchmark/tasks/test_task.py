"""How a set is put to a model: the same questions at every call, examples that are never asked, whole groups."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from alen.benchmark.tasks import Item, Row, Task
from alen.benchmark.tasks.item import GraderKind
from alen.errors import BadInput

NOWHERE = Path("nowhere")


def rows(count: int = 60) -> list[Row]:
    """Three rows of each group, two labels."""
    labels = ("yes", "no")
    return [
        Row(f"{n}", f"group {n // 3}", f"Is {n} odd?", labels[n % 2 == 0], (labels[n % 2 == 0],), labels)
        for n in range(count)
    ]


def task(made: list[Row], grader: GraderKind = "label", shots: int = 4) -> Task:
    return Task("odd", "Yes or no?", lambda folder: made, grader, 4, shots, "Number: ", "Odd:")


def test_examples_are_never_asked_and_no_group_is_on_two_sides() -> None:
    made = rows()
    odd = task(made)
    parts = {part: odd.items(NOWHERE, part) for part in ("development", "evaluation")}
    groups = {part: {item.group for item in items} for part, items in parts.items()}
    assert not groups["development"] & groups["evaluation"]
    shown = re.findall(r"Number: (.+)\nOdd: \w", parts["evaluation"][0].prompt)
    shown_groups = {f"odd/{row.group}" for row in made if row.question in shown}
    assert len(shown) == 4
    assert not shown_groups & (groups["development"] | groups["evaluation"])
    asked = sum(map(len, parts.values()))
    assert asked == len(made) - sum(f"odd/{row.group}" in shown_groups for row in made)


def test_examples_do_not_teach_one_label() -> None:
    (first, *_) = task(rows()).items(NOWHERE, "evaluation")
    assert sorted(re.findall(r"Odd: (\w+)", first.prompt)) == ["no", "no", "yes", "yes"]


def test_the_same_questions_at_every_call_whatever_the_order_of_the_file() -> None:
    made = rows()
    ids = [item.id for item in task(made).items(NOWHERE, "evaluation", 20)]
    assert ids == [item.id for item in task(made[::-1]).items(NOWHERE, "evaluation")][:20]
    assert len(set(ids)) == 20
    assert ids != sorted(ids)


def test_what_is_held_to_the_test_is_neither_example_nor_development() -> None:
    made = [replace(row, pool="test" if int(row.id) % 2 else "fit", group=row.id) for row in rows(200)]
    odd = task(made)
    assert {item.pool for item in odd.items(NOWHERE, "development")} == {"fit"}
    assert sum(item.pool == "test" for item in odd.items(NOWHERE, "evaluation")) == 100


def test_a_prompt_is_the_examples_and_then_the_question() -> None:
    made = [Row(f"{n}", f"{n}", f"{n}{n}", "no", ("no",), ("yes", "no"), context="Two digits.") for n in range(1, 9)]
    item = task(made, "choice", shots=1).items(NOWHERE, "evaluation")[0]
    opening, example, asked = item.prompt.split("\n\n")
    assert opening == "Yes or no?"
    assert re.fullmatch(r"Passage: Two digits\.\nNumber: (\d)\1\nOdd: no", example)
    assert asked == f"Passage: Two digits.\nNumber: {item.question}\nOdd:"
    assert item.messages == ({"role": "user", "content": f"Passage: Two digits.\n{item.question}"},)
    assert item.chance == 0.5


def test_chance_is_the_share_of_the_commonest_label() -> None:
    made = [replace(row, answer="yes", golds=("yes",)) if int(row.id) % 4 else row for row in rows(40)]
    share = sum(row.answer == "yes" for row in made) / 40
    assert task(made).items(NOWHERE, "evaluation")[0].chance == share == 0.75


def test_answers_to_be_judged_come_with_their_labels() -> None:
    made = [replace(row, judged=(("yes", True), ("maybe", False), ("no", False))) for row in rows(30)]
    items = task(made).items(NOWHERE, "evaluation")
    assert {(item.given, item.right) for item in items} == {("yes", True), ("maybe", False), ("no", False)}
    assert items[0].chance == pytest.approx(2 / 3)
    assert len({item.id for item in items}) == len(items)


def test_a_question_survives_being_written_down() -> None:
    for item in task(rows()).items(NOWHERE, "evaluation", 3):
        again = Item.from_json(json.loads(json.dumps(item.to_json())))
        assert again == item
        assert again.digest == item.digest
    other = replace(item, prompt=f"{item.prompt} ")
    assert other.digest != item.digest


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(BadInput, match="more rows than examples"):
        task(rows(3)).items(NOWHERE, "evaluation")


def test_examples_are_of_the_kind_that_is_asked_and_are_not_asked_themselves() -> None:
    made = [replace(row, kind=("small", "large")[int(row.id) >= 30]) for row in rows(60)]
    shown = set()
    for item in task(made, shots=2).items(NOWHERE, "evaluation"):
        numbers = re.findall(r"Is (\d+) odd", item.prompt)
        assert len(numbers) == 3
        assert len({int(number) >= 30 for number in numbers}) == 1
        shown |= set(numbers[:2])
    asked = {re.findall(r"\d+", item.question)[0] for item in task(made, shots=2).items(NOWHERE, "evaluation")}
    assert not shown & asked
