"""Two models that follow a script, asked by a whole engine: how far the first is believed hangs on the second, by what
was fitted to graded answers and by nothing that was set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from alen import settings
from alen.engine import Engine
from alen.memory import EpisodicMemory
from alen.types import Answer, Backend, Completion
from tests.engine.conftest import HashEncoder

WORDS = ("marble", "granite", "basalt", "slate", "chalk", "quartz", "flint", "amber")
KNOWN = 150
NEW = "Which stone goes with zz?"
OTHER = {"agrees": "marble", "contradicts": "slate"}


class Scripted:
    """Says of each question what the script says, as surely every time."""

    def __init__(self, name: str, script: dict[str, str]) -> None:
        self.name = self.family = self.fingerprint = name
        self.script, self.asked = script, 0

    def generate(self, messages: Any, *, n: int = 1, **options: Any) -> list[Completion]:
        self.asked += 1
        return [Completion(self.script[messages[-1]["content"]], 1, 9, "stop", (-0.3,))] * n


def _scripts() -> tuple[dict[str, str], dict[str, str], list[dict[str, object]]]:
    """The first is right of three in five, the second of seven in ten, each by a chance of its own; where both are
    wrong they say different things."""
    rng = np.random.default_rng(0)
    first, second, rows = {}, {}, []
    for number in range(KNOWN):
        question = f"Which stone goes with k{chr(97 + number // 26)}{chr(97 + number % 26)}?"
        right, wrong, other = rng.permutation(WORDS)[:3].tolist()
        first[question] = right if rng.random() < 0.6 else wrong
        second[question] = right if rng.random() < 0.7 else other
        rows.append({"question": question, "answers": [right]})
    return first, second, rows


@contextmanager
def _engine(folder: Path, first: Scripted, second: Scripted | None) -> Iterator[Engine]:
    given = settings.load(home=folder / "home", store=f"sqlite:///{folder / 'memory.db'}", effort="thorough")
    memory = EpisodicMemory.open(given.store, encoder=HashEncoder(), namespace=given.namespace)

    def verifier() -> Backend | None:
        return None if second is None else Backend(second, None)

    with Engine(given, memory, HashEncoder(), lambda: None, lambda: Backend(first, None), verifier) as opened:
        yield opened


def _sure_of(text: str, answer: Answer) -> float:
    return next(candidate.confidence for candidate in answer.candidates if candidate.text == text)


def test_the_second_model_raises_what_it_says_too_and_lowers_what_it_contradicts(tmp_path: Path) -> None:
    says, says_other, rows = _scripts()
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    first, second = Scripted("first", says | {NEW: "marble"}), Scripted("second", says_other)
    with _engine(tmp_path, first, second) as engine:
        engine.teach("nothing that is written here helps.")
        asked = first.asked
        engine.ask(rows[0]["question"], private=True)
        assert (first.asked, second.asked) == (asked, 0)  # what was never fitted is not asked at all
        report = engine.calibrate(data)
        assert report["families"]["write:first"]["fitted"]
        assert report["families"]["write:second"]["fitted"]
        sure = {}
        for name, other in OTHER.items():
            second.script = says_other | {NEW: other}
            sure[name] = _sure_of("marble", engine.ask(NEW, private=True))
        second.script = says_other | {NEW: "marble"}
        agreed = engine.ask(NEW, private=True)
    with _engine(tmp_path, first, None) as engine:
        alone = _sure_of("marble", engine.ask(NEW, private=True))
    assert sure["contradicts"] < alone - 0.1 < alone < sure["agrees"] - 0.1
    # Three in five alone; where the two agree nearly always; where they do not 18 of 58.
    assert sure["agrees"] > 0.9
    assert 0.15 < sure["contradicts"] < 0.5
    assert (agreed.decision, agreed.text) == ("answer", "marble")
    assert set(agreed.candidates[0].operators) >= {"intuitive", "exploratory"}
