"""An answer against its gold answers: token F1 and exact match as SQuAD 2.0 grades them."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

RIGHT_F1 = 0.5
"""An answer counts as right from this token F1 on."""

_ARTICLES = re.compile(r"\b(a|an|the)\b", re.UNICODE)
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise_answer(text: str) -> str:
    """Lower case, no punctuation, no articles, single spaces.

    The order is that of the official evaluation script (Rajpurkar et al., 2018, arXiv:1806.03822), so that scores
    compare: "the 1,240°" becomes "1240°"."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def token_f1(answer: str | None, golds: Sequence[str]) -> float:
    """Best token F1 over the gold answers, 0..1. No gold answer means that only an empty answer is right."""
    given = normalise_answer(answer or "").split()
    return max(_f1(given, normalise_answer(gold).split()) for gold in golds or ("",))


def exact_match(answer: str | None, golds: Sequence[str]) -> float:
    """1.0 when the normalised answer equals a normalised gold answer, else 0.0."""
    given = normalise_answer(answer or "")
    return float(any(given == normalise_answer(gold) for gold in golds or ("",)))


def is_right(answer: str | None, golds: Sequence[str], *, unanswerable: bool = False) -> bool:
    """The label that probabilities are judged against: answerable, and token F1 at least ``RIGHT_F1``."""
    return not unanswerable and bool(golds) and token_f1(answer, golds) >= RIGHT_F1


def _f1(given: list[str], gold: list[str]) -> float:
    if not given or not gold:
        return float(given == gold)
    shared = sum((Counter(given) & Counter(gold)).values())
    return 2.0 * shared / (len(given) + len(gold))
