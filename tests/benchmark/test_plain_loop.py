"""The plain loop learns what there is to learn."""

from __future__ import annotations

import random

from alen.benchmark import plain_loop


def test_it_comes_near_what_a_text_holds() -> None:
    """One of four pairs of letters at a time: two bits for two bytes, where single letters would take four."""
    chance = random.Random(0)
    text = "".join(chance.choice(("ab", "ba", "cd", "dc")) for _ in range(4000))
    for seconds in (6.0, 30.0):
        found = plain_loop.train(text[:7000], text[7000:], seconds, lambda done, total: None)
        if found.steps > 20:  # on a machine that others use it takes longer
            break
    assert found.steps > 20
    assert found.tokens == found.steps * plain_loop.BATCH * plain_loop.LENGTH
    assert 0.9 < found.bits_per_byte < 1.7
