"""ModelValidator: ask questions whose answers are known, and say how good the answers and their probabilities are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from alen.core.belief import Belief
from alen.errors import BadInput, Cancelled
from alen.text.answers_file import AnswersFile, id_key
from alen.text.json_lines import read_passages
from alen.text.questions import Rows, asked_text, gradable
from alen.types import Answer, CancelToken
from alen.validation.ablation import CheckWorth, ablation
from alen.validation.graded import Graded, grade, record
from alen.validation.provenance import digest, provenance
from alen.validation.sample import Safe
from alen.validation.validation_metrics import ValidationMetrics

Progress = Callable[[str, int, int], None]
Passages = str | Path | Sequence[dict[str, Any]]
SCORER = "alen.validation.first_person_scorer"


class Asks(Protocol):
    """All that is needed of an engine. One that has ``belief``, or its JSON, gets its checks left out in turn; one that
    has ``teach`` can be taught passages first; one that has ``provenance`` says itself what its answers depend on."""

    def ask(self, question: str, *, private: bool) -> Answer: ...


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """``rows`` are the graded questions in the order of the data, ``total`` how many there are to ask; the rest was not
    reached before it was stopped. ``asked`` were asked now, the others before."""

    metrics: ValidationMetrics
    checks: tuple[CheckWorth, ...]
    rows: tuple[Graded, ...]
    total: int
    asked: int
    seconds: float
    provenance: dict[str, str]

    @property
    def complete(self) -> bool:
        return len(self.rows) == self.total

    def to_json(self) -> dict[str, Any]:
        """Everything but the questions."""
        return {
            "questions": self.total,
            "answered": sum(row.answered for row in self.rows),
            "asked": self.asked,
            "skipped": len(self.rows) - self.asked,
            "complete": self.complete,
            "metrics": self.metrics.to_json(),
            "checks": [worth.to_json() for worth in self.checks],
            "provenance": self.provenance,
            "seconds": round(self.seconds, 3),
        }


class ModelValidator:
    """Validates an Engine, or anything that has its ``ask``.

    ``safe`` tells whether a text claims nothing of itself that a machine cannot."""

    def __init__(self, engine: Asks, *, safe: Safe | None = None) -> None:
        self.engine = engine
        self.safe = safe if safe is not None else _shipped_scorer()

    def validate(
        self,
        data: Rows,
        *,
        passages: Passages | None = None,
        limit: int | None = None,
        resume: str | Path | None = None,
        cancel: CancelToken | None = None,
        progress: Progress | None = None,
    ) -> ValidationResult:
        """Ask every question of ``data`` privately (nothing is stored), grade the answers and measure.

        ``data`` is a JSONL file or rows, see ``gradable``; only the first ``limit`` are asked. ``passages`` are taught
        first. ``resume`` is a JSONL file that answers go to as they come: what it has is not asked again. When
        ``cancel`` is set the result is that of the questions asked so far.

        Raises BadInput for rows that cannot be graded, for a question that the engine refuses, and when ``resume``
        holds answers to other data or of another model, calibration or setting."""
        begun = time.perf_counter()
        rows = gradable(data)
        run = {"data": digest(rows), "passages": _digest_of(passages), **provenance(self.engine)}
        rows = rows[:limit]
        with AnswersFile(Path(resume), "the file of answers") if resume else nullcontext() as file:
            lines = _kept(file, run) if file else {}
            waiting = [row for row in rows if id_key(row["id"]) not in lines]
            if waiting and passages is not None:
                self._teach(passages, progress)
            for done, row in enumerate(waiting, len(rows) - len(waiting)):
                if progress:
                    progress("asking", done, len(rows))
                line = self._line(row, run, cancel)
                if line is None:
                    break
                lines[id_key(row["id"])] = line
                if file:
                    file.append(line)
        asked = sum(id_key(row["id"]) in lines for row in waiting)
        graded = [grade(row, lines[key]) for row in rows if (key := id_key(row["id"])) in lines]
        return ValidationResult(
            ValidationMetrics.of(graded, safe=self.safe, progress=progress),
            tuple(ablation(graded, self._belief())),
            tuple(graded),
            len(rows),
            asked,
            time.perf_counter() - begun,
            run,
        )

    def _line(self, row: dict[str, Any], run: dict[str, str], cancel: CancelToken | None) -> dict[str, Any] | None:
        """The line of the answers file for one question; None when it was stopped."""
        if cancel is not None and cancel.is_set():
            return None
        begun = time.perf_counter()
        ask: Callable[..., Answer] = self.engine.ask
        stopping = {} if cancel is None else {"cancel": cancel}  # not every engine can be stopped
        try:
            answer = ask(asked_text(row), private=True, **stopping)
        except Cancelled:
            return None
        except BadInput as error:
            raise BadInput(f"id {row['id']!r}, {error.field}", error.found, error.allowed, error.hint) from None
        return {"id": row["id"], "run": run, **record(answer, 1000 * (time.perf_counter() - begun))}

    def _teach(self, passages: Passages, progress: Progress | None) -> None:
        teach = getattr(self.engine, "teach", None)
        if teach is None:
            found = f"{type(self.engine).__name__}, which cannot be taught"
            raise BadInput("passages", found, "an engine with teach", "Leave the passages out.")
        teach(passages=passages, progress=progress)

    def _belief(self) -> Belief | None:
        belief = getattr(self.engine, "belief", None)
        found = None if belief is None else belief()
        return Belief.from_json(found) if isinstance(found, dict) else found


def _kept(file: AnswersFile, run: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The lines of an earlier run by id. Raises BadInput when they answer other data, or come from another engine."""
    lines = {}
    for line in file.rows():
        before = line.get("run")
        if before != run:
            parts = [name for name in run if not isinstance(before, dict) or before.get(name) != run[name]]
            raise BadInput(
                str(file.path),
                f"answers with {'another' if isinstance(before, dict) else 'no'} {', '.join(parts)}",
                "answers to the same data by the same engine",
                "Name another file or folder for this run, or delete that one to start again.",
            )
        lines[id_key(line["id"])] = line
    return lines


def _digest_of(passages: Passages | None) -> str:
    if isinstance(passages, str | Path):
        return digest([asdict(draft) for draft in read_passages(passages)])
    return "" if passages is None else digest(list(passages))


def _shipped_scorer() -> Safe | None:
    """The scorer of first-person claims, where this version has one."""
    try:
        found = import_module(SCORER)
    except ModuleNotFoundError:
        return None
    scorer = found.FirstPersonScorer.load()
    return lambda text: not bool(scorer.claims([text])[0])
