"""Whether answers say the same, how sure that is and by which rule, and answers grouped by what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alen.core.equivalence import choices, features, rules
from alen.core.equivalence.features import Asked
from alen.core.equivalence.head import shipped
from alen.core.equivalence.said import Said, take

if TYPE_CHECKING:
    from alen.types import Encoder

THRESHOLD = 0.5
"""Answers are the same above this probability. A date that says less than another ("1066", "14 October 1066") is at
0.5: it may be the same day, so it is neither merged nor counted as a contradiction."""


@dataclass(frozen=True, slots=True)
class Sameness:
    """``probability`` that two answers say the same: 1 or 0 where a ``rule`` decides, fitted where that is "head"."""

    probability: float
    rule: str

    def __bool__(self) -> bool:
        return self.probability > THRESHOLD


def equivalent(
    first: str,
    second: str,
    *,
    question: str | None = None,
    options: Sequence[str] = (),
    encoder: Encoder | None = None,
) -> bool:
    """Whether both say the same. Arguments as for ``compare``."""
    return bool(compare(first, second, question=question, options=options, encoder=encoder))


def compare(
    first: str,
    second: str,
    *,
    question: str | None = None,
    options: Sequence[str] = (),
    encoder: Encoder | None = None,
) -> Sameness:
    """How surely two answers say the same, and which rule says so. Symmetric; never fails on any text.

    ``question`` tells what kind of answer is meant (in a question for a person "Einstein" is "Albert Einstein") and
    which words add nothing. ``options`` are the texts that a letter chooses among. ``encoder`` adds the cosine of the
    two answers when it is the one that the head was fitted with; any other is not used."""
    return _Judge(question, options, encoder).all_pairs([first, second])[0, 1]


def clusters(
    texts: Sequence[str],
    *,
    question: str | None = None,
    options: Sequence[str] = (),
    encoder: Encoder | None = None,
) -> list[int]:
    """A group number for each answer, counted from 0 in the order of first appearance.

    Average linkage (Sokal and Michener, 1958) on the probability, never joining what a rule holds apart. Texts are
    taken in alphabetical order first, so the grouping does not depend on theirs."""
    unique = sorted(set(texts))
    found = _Judge(question, options, encoder).all_pairs(unique)
    size = len(unique)
    link = np.full((size, size), -np.inf)
    for (a, b), sameness in found.items():
        link[a, b] = link[b, a] = sameness.probability or -np.inf
    group = list(range(size))
    members = np.ones(size)
    while size > 1:
        best = int(link.argmax())
        a, b = divmod(best, size)
        if not link[a, b] > THRESHOLD:
            break
        joined = (members[a] * link[a] + members[b] * link[b]) / (members[a] + members[b])
        link[a] = link[:, a] = joined
        link[b] = link[:, b] = link[a, a] = -np.inf
        members[a] += members[b]
        group = [a if number == b else number for number in group]
    place = dict(zip(unique, group, strict=True))
    numbers: dict[int, int] = {}
    return [numbers.setdefault(place[text], len(numbers)) for text in texts]


class _Judge:
    """Compares answers to one question."""

    def __init__(self, question: str | None, options: Sequence[str], encoder: Encoder | None) -> None:
        self.asked = Asked.of(question)
        self.options = [take(option, self.asked.bag) for option in options]
        heads = shipped()
        self.head = heads.get(encoder.fingerprint if encoder else "", heads[""])
        self.encoder = encoder if self.head.encoder else None

    def all_pairs(self, texts: Sequence[str]) -> dict[tuple[int, int], Sameness]:
        """Every pair of places (a, b), a < b."""
        said = [take(text, self.asked.bag) for text in texts]
        chosen = [self._option(one) for one in said]
        said = [one if place is None else self.options[place] for one, place in zip(said, chosen, strict=True)]
        cosines = self._cosines([one.text for one in said])
        found = {}
        for b, two in enumerate(said):
            for a in range(b):
                if chosen[a] is not None and chosen[b] is not None:
                    found[a, b] = Sameness(float(chosen[a] == chosen[b]), "option")
                else:
                    found[a, b] = self._compared(said[a], two, 0.0 if cosines is None else float(cosines[a, b]))
        return found

    def _option(self, said: Said) -> int | None:
        return choices.option(said.text, said.key, [option.key for option in self.options]) if self.options else None

    def _cosines(self, texts: Sequence[str]) -> np.ndarray | None:
        if self.encoder is None:
            return None
        vectors = self.encoder.encode(list(texts))
        return np.asarray(vectors @ vectors.T)

    def _compared(self, one: Said, two: Said, cosine: float) -> Sameness:
        ruling = rules.decide(one, two, self.asked)
        if ruling is not None:
            return Sameness(*ruling)
        return Sameness(self.head.probability(features.of(one, two, self.asked), cosine), "head")
