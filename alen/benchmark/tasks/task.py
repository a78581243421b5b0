"""A data set put to a model: its instruction, worked examples that are never asked, and how an answer is graded."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from alen.benchmark.tasks.item import GraderKind, Item, Row, in_hash_order
from alen.errors import BadInput

DEVELOPMENT = 200
"""Groups' rows on which prompts were chosen; they are never reported."""
CANDIDATES = 50
"""Groups among which an example is looked for."""
SEED = 20260
Part = Literal["development", "evaluation"]


@dataclass(frozen=True)
class Task:
    """``asks`` and ``answers`` begin the lines of question and answer. With ``constrained`` the reply is the likeliest
    option, and samples are drawn among the options; they are not shown. ``most_samples`` bounds how many are drawn."""

    name: str
    instruction: str
    read: Callable[[Path], list[Row]]
    grader: GraderKind
    max_tokens: int
    shots: int = 4
    asks: str = "Question: "
    answers: str = "Answer:"
    constrained: bool = False
    most_samples: int = 100

    def items(self, folder: Path, part: Part, count: int | None = None) -> list[Item]:
        """At most ``count`` questions of one part, the same at every call. Raises BadInput when the data are not there,
        or hold too few."""
        rows = self.read(folder)
        examples, development, evaluation = self._parts(rows)
        chosen = development if part == "development" else evaluation
        chance = self._chance(rows)
        if any(len(shown) < self.shots for shown in examples.values()) or not chosen:
            raise BadInput("data", f"{len(rows)} rows of {self.name}", "more rows than examples", "Complete the data.")
        begin = {kind: self._opening(shown) for kind, shown in examples.items()}
        return [item for row in chosen for item in self._items(row, begin[row.kind], chance)][:count]

    def _parts(self, rows: Sequence[Row]) -> tuple[dict[str, list[Row]], list[Row], list[Row]]:
        """Examples of each kind, and whole groups for development, then for evaluation, each in random order."""
        groups: dict[str, list[Row]] = {}
        for row in sorted(rows, key=lambda row: row.id):
            groups.setdefault(row.group, []).append(row)
        # What is held to the test side must not be shown as an example.
        order = sorted(in_hash_order(groups), key=lambda group: groups[group][0].pool == "test")
        examples: dict[str, list[Row]] = {row.kind: [] for row in rows}
        for kind, shown in examples.items():
            of_kind = [group for group in order if groups[group][0].kind == kind][:CANDIDATES]
            while len(shown) < self.shots and len(of_kind) > 1:
                group = min(of_kind, key=lambda group: _as_example(groups[group][0], shown))
                shown.append(groups[group].pop(0))
                of_kind.remove(group)
                if not kind:
                    order.remove(group)
        few = min(DEVELOPMENT, len(rows) // 4)
        development: list[Row] = []
        while len(development) < few and order:
            development += groups[order.pop(0)]
        evaluation = [row for group in order for row in groups[group]]
        for part in (development, evaluation):
            random.Random(SEED).shuffle(part)
        return examples, development, evaluation

    def _opening(self, examples: Sequence[Row]) -> str:
        return "".join(f"{text}\n\n" for text in (self.instruction, *map(self._worked, examples)) if text)

    def _worked(self, row: Row) -> str:
        return f"{self._asked(row)} {row.answer}"

    def _asked(self, row: Row) -> str:
        return f"{_context(row)}{self.asks}{row.question}\n{self.answers}"

    def _items(self, row: Row, opening: str, chance: float) -> list[Item]:
        item = Item(
            id=f"{self.name}/{row.id}",
            set=self.name,
            group=f"{self.name}/{row.group}",
            question=row.question,
            prompt=opening + self._asked(row),
            messages=({"role": "user", "content": f"{_context(row)}{row.question}"},),
            golds=row.golds,
            grader=self.grader,
            options=row.options,
            context=row.context,
            pool=row.pool,
            chance=1 / len(row.options) if self.grader == "choice" else chance,
            constrained=self.constrained,
            max_tokens=self.max_tokens,
            most_samples=self.most_samples,
        )
        if not row.judged:
            return [item]
        return [
            replace(item, id=f"{item.id}/{number}", given=text, right=right)
            for number, (text, right) in enumerate(row.judged)
        ]

    def _chance(self, rows: Sequence[Row]) -> float:
        """Of labels, that of always giving the commonest; of answers to be judged, that of the commoner verdict."""
        verdicts: list[object] = [right for row in rows for _, right in row.judged]
        if self.grader == "label" and not verdicts:
            verdicts = [row.answer for row in rows]
        return max(map(verdicts.count, set(verdicts))) / len(verdicts) if verdicts else 0.0


def _as_example(row: Row, so_far: Sequence[Row]) -> tuple[int, int]:
    """Lower is better: an answer that was not shown yet, since examples must not teach a constant; then a short row."""
    answers = [each.answer for each in so_far]
    return answers.count(row.answer), len(row.context) + len(row.question)


def _context(row: Row) -> str:
    return f"Passage: {row.context}\n" if row.context else ""
