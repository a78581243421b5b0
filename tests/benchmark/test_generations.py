"""A frozen file: begun once, continued where it stopped, refused when anything about it has changed."""

from __future__ import annotations

import json
import math
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from alen.benchmark.generations import Prompts, Settings, generate, line_of, read_lines
from alen.benchmark.tasks import Row, Task
from alen.errors import BadInput
from tests.benchmark.tiny_model import tiny_model

ROWS = [
    Row(f"{n}", f"{n}", f"Is {n} odd?", ("no", "yes")[n % 2], (("no", "yes")[n % 2],), ("yes", "no")) for n in range(12)
]
WRITTEN = Task("written", "", lambda folder: ROWS, "label", 6, 2)
CHOSEN = Task("chosen", "", lambda folder: ROWS, "label", 6, 2, constrained=True)
SETTINGS = Settings("f", samples=4)


@pytest.fixture(scope="module")
def prompts() -> Prompts:
    return Prompts(tiny_model())


def test_it_goes_on_where_it_stopped(prompts: Prompts, tmp_path: Path) -> None:
    items = WRITTEN.items(tmp_path, "evaluation", 5)
    whole, pieces = tmp_path / "whole.jsonl", tmp_path / "pieces.jsonl"
    assert generate(items, prompts, whole, SETTINGS) == 5
    stop = threading.Event()
    done = generate(items, prompts, pieces, SETTINGS, report=lambda n: stop.set() if n == 2 else None, cancel=stop)
    assert done == 2
    with pieces.open("a") as file:
        file.write('{"id": "half a li')
    assert len(read_lines(pieces)) == 2
    assert generate(items, prompts, pieces, SETTINGS) == 5
    keep = ("id", "digest", "greedy", "samples", "is_right", "samples_right", "p_true", "p_true_sampling", "said_true")
    one, other = (
        [json.loads(json.dumps({name: line[name] for name in keep})) for line in read_lines(file)]
        for file in (whole, pieces)
    )
    assert [line["id"] for line in one] == [item.id for item in items]
    for a, b in zip(one, other, strict=True):
        assert [reply["text"] for reply in a["samples"]] == [reply["text"] for reply in b["samples"]]
        assert a["greedy"]["tokens"] == b["greedy"]["tokens"]
        assert a["p_true"] == pytest.approx(b["p_true"], abs=1e-4)
    before = whole.read_bytes()
    assert generate(items, prompts, whole, SETTINGS) == 5
    assert whole.read_bytes() == before


def test_another_prompt_or_setting_is_refused(prompts: Prompts, tmp_path: Path) -> None:
    items = WRITTEN.items(tmp_path, "evaluation", 3)
    out = tmp_path / "file.jsonl"
    generate(items[:2], prompts, out, SETTINGS)
    other = [replace(items[0], prompt=f"{items[0].prompt} Well:"), *items[1:]]
    for asked, settings in ((other, SETTINGS), (items, replace(SETTINGS, seed=1)), (items[::-1], SETTINGS)):
        with pytest.raises(BadInput, match="line 1"):
            generate(asked, prompts, out, settings)
    assert len(read_lines(out)) == 2


def test_a_constrained_reply_is_the_likeliest_option_and_samples_follow_the_probabilities(
    prompts: Prompts, tmp_path: Path
) -> None:
    (item,) = replace(CHOSEN, most_samples=200).items(tmp_path, "evaluation", 1)
    first = line_of(item, prompts, SETTINGS)["option_logprobs"]
    heat = abs(sum(first[1]) - sum(first[0]))  # so that one is e times as probable as the other
    line = line_of(item, prompts, replace(SETTINGS, samples=200, temperature=heat))
    totals = [sum(row) for row in line["option_logprobs"]]
    likeliest = item.options[totals.index(max(totals))]
    assert line["greedy"]["text"] == likeliest
    assert line["is_right"] == (likeliest in item.golds)
    share = Counter(reply["text"] for reply in line["samples"])[item.options[0]] / 200
    wanted = 1 / (1 + math.exp(math.copysign(1, totals[1] - totals[0])))
    assert share == pytest.approx(wanted, abs=0.08)
    assert line["samples_right"] == [reply["text"] in item.golds for reply in line["samples"]]


def test_an_answer_to_be_judged_is_taken_as_it_is(prompts: Prompts, tmp_path: Path) -> None:
    judged = [replace(row, judged=(("maybe", True), ("never", False))) for row in ROWS]
    task = replace(WRITTEN, read=lambda folder: judged)
    for item in task.items(tmp_path, "evaluation", 2):
        line = line_of(item, prompts, SETTINGS)
        assert line["greedy"]["text"] == item.given
        assert line["is_right"] is item.right
        assert len(line["samples"]) == 4
    without = line_of(replace(item, most_samples=0), prompts, SETTINGS)
    assert without["samples"] == []
    assert "p_true" in without
    assert "p_true_sampling" not in without


def test_an_accuracy_needs_the_likely_reply_alone(prompts: Prompts, tmp_path: Path) -> None:
    (item,) = WRITTEN.items(tmp_path, "evaluation", 1)
    line = line_of(item, prompts, replace(SETTINGS, samples=0))
    assert "samples" not in line
    assert set(line["milliseconds"]) == {"read", "greedy"}


def test_tokens_and_time_are_counted_by_what_they_were_spent_on(prompts: Prompts, tmp_path: Path) -> None:
    (item,) = WRITTEN.items(tmp_path, "evaluation", 1)
    line = line_of(item, prompts, SETTINGS)
    assert line["tokens"]["samples"] == sum(len(reply["tokens"]) for reply in line["samples"])
    assert line["tokens"]["greedy"] == len(line["greedy"]["tokens"])
    assert line["tokens"]["true"] > 100
    assert all(value >= 0 for value in line["milliseconds"].values())
