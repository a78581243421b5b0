"""What was proposed for the core and is off: how much it would add, measured.

Checks that ask the model again about its own reply, beside those that cost nothing; and whitened question vectors,
beside the encoder's own. Axes: L lines, N questions, D and E dimensions.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from alen.benchmark.comparison import Scored, difference
from alen.benchmark.verification import Looked, in_turns, turn_of, within
from alen.core.checks import backward, check
from alen.core.equivalence import clusters
from alen.core.operators.writing import answer_of
from alen.thought import unfamiliarity
from alen.types import Scorer
from alen.validation import metrics

NAMES = ("backward", "masked_condition")
MOST_RIVALS = 4
"""Answers that are asked back from: the likely one and those with the most votes beside it."""
KNOWN = 3000
"""Questions in scope that an out-of-scope one is told by."""

Line = Mapping[str, Any]


def asked_back(
    lines: Sequence[Line], scorer: Scorer, out: Path, report: Callable[[int], None] = lambda done: None
) -> list[dict[str, Any]]:
    """What each line's likely reply gets from being asked back, kept in ``out`` line by line: a second call goes on."""
    out.parent.mkdir(parents=True, exist_ok=True)
    kept = [json.loads(text) for text in out.read_text("utf-8").splitlines()] if out.is_file() else []
    done = {row["id"]: row for row in kept}
    with out.open("a", encoding="utf-8") as file:
        for place, line in enumerate(lines):
            if line["id"] not in done:
                done[line["id"]] = _asked_back(line, scorer)
                file.write(json.dumps(done[line["id"]]) + "\n")
                file.flush()
            report(place + 1)
    return [done[line["id"]] for line in lines]


def _asked_back(line: Line, scorer: Scorer) -> dict[str, Any]:
    begun = time.perf_counter()
    answers, question = _rivals(line), str(line["question"])
    told = {
        "backward": backward.of_question_given_answer(question, answers, scorer)[0].value,
        "masked_condition": backward.of_masked_conditions(question, answers[:1], scorer)[0].value,
    }
    return {"id": line["id"], **told, "milliseconds": round(1000 * (time.perf_counter() - begun), 1)}


def _rivals(line: Line) -> list[str]:
    """One answer of each group that says the same: the likely reply's first, then by votes."""
    texts = [answer_of(reply["text"]) for reply in (line["greedy"], *(line.get("samples") or ()))]
    if line.get("options"):
        texts += list(line["options"])
    groups = clusters(texts, question=line["question"], options=tuple(line.get("options") or ()))
    order = sorted(set(groups), key=lambda group: (group != groups[0], -groups.count(group)))
    found = [texts[groups.index(group)] for group in order]
    return [text for text in found if text.strip()][:MOST_RIVALS] or [texts[0] or "nothing"]


@dataclass(frozen=True)
class Gain:
    """What a check does on one set: how it ranks alone where it applies, and what the fitted sum gains by it."""

    name: str
    alone: float
    applies: float
    scored: Scored


def gains(looked: Looked, told: Sequence[Mapping[str, Any]]) -> list[Gain]:
    """Each check alone, and the sum of everything else with it and without, tested in turns."""
    found = []
    without_L, turn_L = in_turns(looked.turns, lambda one: within(one).scores), turn_of(looked.turns)
    for name in NAMES:
        values = np.array([np.nan if row[name] is None else row[name] for row in told], dtype=float)
        with_one = [[*mine, check(name, row[name])] for mine, row in zip(looked.checks, told, strict=True)]
        with_L = in_turns(replace(looked, checks=with_one).turns, lambda one: within(one).scores)
        one = looked.turns[0]
        seen, tested = np.isfinite(values), np.isfinite(turn_L)
        right = one.right_L.astype(float)
        alone = metrics.auroc(values[seen], right[seen]) if seen.any() else float("nan")
        scored = Scored(
            right[tested],
            [group for group, known in zip(one.groups, tested, strict=True) if known],
            {"with": with_L[tested], "without": without_L[tested]},
            turn_L[tested],
        )
        found.append(Gain(name, alone, float(seen.mean()), scored))
    return found


def gain_of(found: Sequence[Gain], draws: int) -> metrics.Estimate:
    """The mean over sets of what the sum's AUROC gains."""
    return difference(metrics.auroc, [gain.scored for gain in found], "with", "without", draws=draws).estimate


def whitened(general_ND: np.ndarray, dim: int) -> Callable[[np.ndarray], np.ndarray]:
    """Vectors without the mean and the ``dim`` main directions' spread of general questions, of length one again."""
    mean = general_ND.mean(0)
    spread, directions = np.linalg.eigh(np.cov((general_ND - mean).T))
    main = np.argsort(-spread)[:dim]
    matrix_DE = directions[:, main] / np.sqrt(spread[main])

    def of(vectors_ND: np.ndarray) -> np.ndarray:
        moved_NE = (vectors_ND - mean) @ matrix_DE
        lengths: np.ndarray = np.linalg.norm(moved_NE, axis=1, keepdims=True)
        return np.asarray(moved_NE / lengths)

    return of


@dataclass(frozen=True)
class Scope:
    """``known_ND`` questions with ``intents``, ``inside_ND`` others of these intents, ``outside_ND`` of none."""

    known_ND: np.ndarray
    intents: Sequence[str]
    inside_ND: np.ndarray
    wanted: Sequence[str]
    outside_ND: np.ndarray

    def through(self, space: Callable[[np.ndarray], np.ndarray]) -> Scope:
        return replace(
            self,
            known_ND=space(self.known_ND),
            inside_ND=space(self.inside_ND),
            outside_ND=space(self.outside_ND),
        )

    def familiar(self) -> tuple[np.ndarray, np.ndarray]:
        """Minus the out-of-distribution scores, and whether each question is inside."""
        asked_ND = np.concatenate([self.inside_ND, self.outside_ND])
        scores = np.array([-unfamiliarity(near_N) for near_N in asked_ND @ self.known_ND.T])
        return scores, np.r_[np.ones(len(self.inside_ND)), np.zeros(len(self.outside_ND))]

    def nearest_right(self) -> np.ndarray:
        """Whether the nearest known question has the same intent."""
        nearest = (self.inside_ND @ self.known_ND.T).argmax(1)
        return np.array([float(self.intents[at] == want) for at, want in zip(nearest, self.wanted, strict=True)])
