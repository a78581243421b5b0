"""Side by side in one row, lessons come out as they do alone."""

from __future__ import annotations

import torch
from torch.testing import assert_close

from alen.learning.lessons import Lesson, laid_out
from alen.learning.shared import beginning, side_by_side
from alen.neural.loss import IGNORED, cross_entropy
from tests.neural.conftest import DECODER, random_model

LESSONS = [Lesson((7, 8, 9, 10, 11, 12), 4), Lesson((7, 8, 9, 20, 21), 3), Lesson((7, 8, 9, 30, 31, 32, 33, 34), 5)]


def test_what_they_begin_with_predicts_nothing() -> None:
    assert beginning(LESSONS) == 2
    assert beginning([LESSONS[0], LESSONS[2]]) == 3
    assert beginning([Lesson((1, 2, 3)), Lesson((4, 5))]) == 0
    assert beginning([Lesson((1, 2, 3), 1)] * 2) == 0


def test_losses_and_gradients_are_those_of_each_alone() -> None:
    model = random_model(DECODER).train().requires_grad_(True)
    losses, gradients = [], []
    for way in ("rows", "row"):
        model.zero_grad()
        if way == "rows":
            tokens_BT, targets_BT = laid_out(LESSONS)
            hidden_ND, targets_N = model.hidden(tokens_BT).flatten(0, 1), targets_BT.flatten()
        else:
            row = side_by_side(LESSONS, beginning(LESSONS))
            tokens_BT, targets_N = row.tokens_T[None], row.targets_T
            hidden_ND = model.hidden(tokens_BT, positions_BT=row.positions_T[None], mask_BTS=row.mask_TS[None])[0]
        assert int((targets_N != IGNORED).sum()) == sum(lesson.learnt for lesson in LESSONS)
        loss = cross_entropy(hidden_ND, model.output_weight, targets_N)
        loss.backward()
        losses.append(loss.item())
        gradients.append(model.blocks[0].ffn.down.weight.grad.clone())
    assert_close(losses[0], losses[1], atol=1e-5, rtol=1e-5)
    assert_close(gradients[0], gradients[1], atol=1e-5, rtol=1e-4)
    assert float(gradients[0].abs().max()) > 1e-4


def test_one_alone_is_itself() -> None:
    row = side_by_side([LESSONS[1]], 0)
    assert row.tokens_T.tolist() == [7, 8, 9, 20]
    assert row.targets_T.tolist() == [IGNORED, IGNORED, 20, 21]
    assert torch.equal(row.mask_TS, torch.ones(4, 4).tril().bool())
