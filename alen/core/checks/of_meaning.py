"""Whether an answer means something near to the question, by the sentence encoder: a model of another family than the
one that wrote the answer, and one that does not know what was written.
"""

from __future__ import annotations

from collections.abc import Sequence

from alen.core.checks.looking import check
from alen.core.checks.of_options import option_of
from alen.thought import stem
from alen.types import Check, Encoder


def of_meaning(
    question: str, answers: Sequence[str], encoder: Encoder, options: Sequence[str] = ()
) -> list[list[Check]]:
    """The cosine of question and answer, and how far that of the option which was chosen lies above that of every other
    one. An answer that chooses none of the ``options`` has no lead."""
    vectors = encoder.encode([stem(question), *answers, *options])
    near = vectors[1:] @ vectors[0]
    of_options = near[len(answers) :].tolist()
    found = []
    for answer, cosine in zip(answers, near.tolist(), strict=False):
        chosen = option_of(answer, options)
        others = [value for place, value in enumerate(of_options) if place != chosen]
        lead = None if chosen is None or not others else of_options[chosen] - max(others)
        found.append(
            [
                check("near_in_meaning", cosine if chosen is None else of_options[chosen], 0.3),
                check("lead_in_meaning", lead),
            ]
        )
    return found
