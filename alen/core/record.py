"""What was right before near this question: graded answers as points, and the odds around a new one.

Axes: N graded answers, D dimension.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from alen.core.checks.looking import check
from alen.core.equivalence import normalise
from alen.thought import unfamiliarity
from alen.types import Check

WIDTH = 0.15
"""Of the kernel, in cosine distance: at this distance a graded answer counts for a bit more than a third."""

PRIOR = 4.0
"""Graded answers that the pooled rate counts for."""


@dataclass(frozen=True)
class Record:
    """``vectors_ND`` unit vectors of questions, ``right_N`` in {0, 1} whether what was said to them was right,
    ``answers`` what was said, as ``mark_of`` writes it. Empty where nothing was graded: then no check applies."""

    vectors_ND: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))
    right_N: np.ndarray = field(default_factory=lambda: np.zeros(0))
    answers: tuple[str, ...] = ()

    @classmethod
    def of_answers(cls, vectors_ND: np.ndarray, right_N: np.ndarray, answers: Sequence[str]) -> Record:
        """From the answers themselves."""
        return cls(vectors_ND, right_N, tuple(map(mark_of, answers)))

    def __len__(self) -> int:
        return len(self.answers)

    def of(self, vector_D: np.ndarray, answers: Sequence[str], *, without: Sequence[int] = ()) -> list[list[Check]]:
        """For each answer: how often answers to near questions were right, how often this very answer was, and how near
        the nearest graded questions are. ``without`` leaves graded answers out: none must judge itself or what belongs
        to its own question."""
        keep_N = np.ones(len(self), dtype=bool)
        keep_N[list(without)] = False
        if not keep_N.any() or self.vectors_ND.shape[1] != len(vector_D):
            return [[check(name, None) for name in ("record_near", "record_of_answer", "familiar")] for _ in answers]
        near_N = self.vectors_ND @ vector_D
        weight_N = np.exp((near_N - 1.0) / WIDTH)
        rate = float((self.right_N[keep_N].sum() + 1) / (keep_N.sum() + 2))
        familiar = 1.0 - unfamiliarity(near_N[keep_N])
        found = []
        for answer in answers:
            mark = mark_of(answer)
            same_N = np.array([other == mark for other in self.answers])
            found.append(
                [
                    check("record_near", _log_odds(weight_N * keep_N, self.right_N, rate)),
                    check("record_of_answer", _log_odds(same_N * keep_N * 1.0, self.right_N, rate)),
                    check("familiar", familiar, 0.4),
                ]
            )
        return found

    def with_one(self, vector_D: np.ndarray, answer: str, right: bool) -> Record:
        """The record with one more, the newest."""
        vectors_ND = np.concatenate([self.vectors_ND.reshape(len(self), len(vector_D)), vector_D[None]])
        return Record(vectors_ND, np.append(self.right_N, float(right)), (*self.answers, mark_of(answer)))

    def newest(self, count: int) -> Record:
        return Record(self.vectors_ND[-count:], self.right_N[-count:], self.answers[-count:])

    def to_json(self) -> dict[str, Any]:
        """Vectors as half floats in base 64: text is read faster than numbers."""
        return {
            "dim": int(self.vectors_ND.shape[1]),
            "vectors": base64.b64encode(np.asarray(self.vectors_ND, dtype="<f2").tobytes()).decode(),
            "right": self.right_N.astype(int).tolist(),
            "answers": list(self.answers),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Record:
        flat = np.frombuffer(base64.b64decode(data["vectors"]), dtype="<f2").astype(np.float32)
        vectors_ND = flat.reshape(len(data["answers"]), data["dim"])
        return cls(vectors_ND, np.asarray(data["right"], dtype=np.float64), tuple(data["answers"]))


def mark_of(answer: str) -> str:
    """Equal for answers in the same words, and short."""
    return hashlib.blake2b(normalise(answer).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _log_odds(weight_N: np.ndarray, right_N: np.ndarray, rate: float) -> float:
    """Of the posterior mean of a Beta distribution whose prior has the pooled rate."""
    right, wrong = float(weight_N @ right_N) + PRIOR * rate, float(weight_N @ (1 - right_N)) + PRIOR * (1 - rate)
    return float(np.log(right / wrong) - np.log(rate / (1 - rate)))
