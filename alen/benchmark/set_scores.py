"""All estimators on one set: what each says of every line that was tested, calibrated and certified alike.

Axes: L lines of a set, T those among them that were in the test part of some turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alen.benchmark.comparison import calibrated
from alen.benchmark.rival_scores import Confidences
from alen.benchmark.verification import Looked, Prepared, across, answered, gathered, of_scores, turn_of, usual, within

ALEN, GREEDY, APART = "alen", "alen, likely reply alone", "alen, no other set known"
SAMPLED = frozenset({"votes", "votes_lead", "unanimity", "sure_and_agreed", "own_judgement"})
"""Checks that cost more than the likely reply: samples, or a question about it."""
RISKS = (0.05, 0.1, 0.2)


@dataclass(frozen=True)
class Column:
    """One estimator on the tested lines: ``scores`` and probabilities (T,), and by the risk that was to be certified
    whether each line was answered."""

    scores: np.ndarray
    p: np.ndarray
    answered: Mapping[float, np.ndarray]


@dataclass(frozen=True)
class SetScores:
    """``right`` and ``groups`` of the tested lines (T,), ``places`` (T,) where they are among all, ``turns`` (T,) in
    which of them each was tested; ``usual`` in each turn the weights that the other sets have in common."""

    looked: Looked
    places: np.ndarray
    right: np.ndarray
    groups: Sequence[str]
    turns: np.ndarray
    columns: Mapping[str, Column]
    raw: Mapping[str, np.ndarray]
    usual: Sequence[Mapping[str, float]]

    @property
    def name(self) -> str:
        return self.looked.name

    @property
    def rivals(self) -> list[str]:
        return [name for name in self.columns if name not in (ALEN, GREEDY, APART)]

    @property
    def unseen(self) -> bool:
        """Whether the tested questions are of articles that nothing can be certified on."""
        return any(line.get("pool") for line in self.looked.lines)


def scored(looked: Looked, others: Sequence[Looked], found: Sequence[Confidences]) -> SetScores:
    """What every estimator says of a set when some answers of it, and of ``others``, were graded; ALEN first."""
    turns = looked.turns
    elsewhere = [[other.turns[turn] for other in others] for turn in range(len(turns))]
    weights = [usual(known) for known in elsewhere]
    alone = [usual([other.without(SAMPLED) for other in known]) for known in elsewhere]
    kept = [one.without(SAMPLED) for one in turns]
    columns: dict[str, Column] = {}
    raw: dict[str, np.ndarray] = {}
    for name, each, started in ((ALEN, turns, weights), (GREEDY, kept, alone), (APART, turns, [{}] * len(turns))):
        judged = [within(one, told) for one, told in zip(each, started, strict=True)]
        scores_L = gathered(turns, [own.scores for own in judged])
        columns[name] = _column(turns, scores_L, [own.p for own in judged])
    for confidences in found:
        for name, values in confidences.scores.items():
            raw[name] = np.array(values)
            columns[name] = _column(turns, raw[name], [of_scores(raw[name])(one) for one in turns])
        for name in confidences.turns[0] if confidences.turns else ():
            told = [np.array(turn[name]) for turn in confidences.turns]
            scores_L = gathered(turns, told)
            if not name.endswith(", calibrated"):
                told = [of_scores(own)(one) for own, one in zip(told, turns, strict=True)]
            columns[name] = _column(turns, scores_L, told)
    turn_L = turn_of(turns)
    places = np.flatnonzero(np.isfinite(turn_L))
    groups = [turns[0].groups[place] for place in places.tolist()]
    return SetScores(looked, places, turns[0].right_L[places], groups, turn_L[places], columns, raw, weights)


def on_a_new_set(one: SetScores, others: Sequence[SetScores]) -> dict[str, np.ndarray]:
    """By estimator (T,) probabilities on the tested lines of a set of which no answer was graded: fitted and calibrated
    on the others."""
    known = [other.looked.turns[0] for other in others]
    found = {ALEN: across(one.looked.turns[0], known).p[one.places]}
    right = np.concatenate([part.right_L[part.of("calibration")] for part in known])
    for name, own_L in one.raw.items():
        if all(name in other.raw for other in others):
            told = [other.raw[name][part.of("calibration")] for other, part in zip(others, known, strict=True)]
            found[name] = calibrated(np.concatenate(told), right, own_L[one.places])
    return found


def _column(turns: Sequence[Prepared], scores_L: np.ndarray, told: Sequence[np.ndarray]) -> Column:
    p_L = gathered(turns, told)
    places = np.flatnonzero(np.isfinite(p_L))
    certified = {
        risk: gathered(turns, [answered(one, own, risk) for one, own in zip(turns, told, strict=True)])[places]
        for risk in RISKS
    }
    return Column(scores_L[places], p_L[places], certified)
