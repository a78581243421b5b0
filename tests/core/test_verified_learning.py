"""Of what is committed only the stated share is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from alen.core.verified_learning import contamination_bound, select


def test_by_hand() -> None:
    # Of nine graded answers two were wrong, at 0.4 and 0.7: p-values 1/10, 2/10 and 3/10.
    scores = [0.9, 0.8, 0.6, 0.3]
    assert select(scores, [0.4, 0.7], 9, 0.2).chosen == (0, 1)
    # 0.1 <= 0.05 * 2 / 4 does not hold, nor does any other.
    assert select(scores, [0.4, 0.7], 9, 0.05).chosen == ()


def test_an_answer_as_sure_as_a_wrong_one_counts_against() -> None:
    assert select([0.7], [0.7], 1, 0.9).chosen == ()
    assert select([0.7], [0.69], 1, 0.5).chosen == (0,)


def test_nothing_to_choose_from() -> None:
    assert select([], [0.5], 10, 0.1).chosen == ()


def test_the_order_of_answers_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    scores, wrong = rng.random(50), rng.random(20) * 0.7
    chosen = {scores[place] for place in select(scores.tolist(), wrong.tolist(), 100, 0.2).chosen}
    turned = rng.permutation(scores)
    assert {turned[place] for place in select(turned.tolist(), wrong.tolist(), 100, 0.2).chosen} == chosen


@pytest.mark.parametrize("epsilon", [0.05, 0.2])
def test_the_share_of_wrong_ones_stays_below(epsilon: float) -> None:
    rng = np.random.default_rng(1)
    shares, kept = [], 0
    for _ in range(400):
        score = rng.random(500)
        wrong = rng.random(500) > score
        chosen = select(score[300:].tolist(), score[:300][wrong[:300]].tolist(), 300, epsilon).chosen
        kept += len(chosen)
        shares.append(np.mean(wrong[300:][list(chosen)]) if chosen else 0.0)
    assert np.mean(shares) <= epsilon + 3 * np.std(shares) / np.sqrt(400)
    assert kept > 0


def test_the_bound_of_an_audit() -> None:
    stats = pytest.importorskip("scipy.stats", reason="needs scipy: pip install -e '.[dev]'")
    for wrong, audited in ((0, 299), (5, 773), (3, 40)):
        exact = stats.beta.ppf(0.95, wrong + 1, audited - wrong)
        assert contamination_bound(wrong, audited) == pytest.approx(exact, rel=1e-6)
    assert contamination_bound(0, 299) == pytest.approx(0.01, abs=1e-4)
    assert contamination_bound(0, 0) == 1.0
