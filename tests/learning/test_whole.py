"""All weights learn: the loss falls, what was learnt before stays, and what cannot be known is never learnt."""

from __future__ import annotations

import threading

import pytest
import torch

from alen.errors import WorkError
from alen.learning import whole
from alen.learning.lessons import Lesson
from alen.learning.whole import WholeLearner
from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer

SHAPE = TransformerConfig(vocab_size=40, d_model=32, num_layers=2, max_seq_len=32, tie_embeddings=False)
FIRST = [Lesson(tuple(range(start, start + 8))) for start in (1, 9)]
SECOND = [Lesson((30, 2, 17, 4, 25, 6, 33))]


def _learner(seed: int = 0) -> WholeLearner:
    torch.manual_seed(seed)
    return WholeLearner(Transformer(SHAPE).eval().requires_grad_(False))


def test_what_is_learnt_becomes_likely() -> None:
    learner = _learner()
    report = learner.learn(FIRST, words=40)
    assert report.steps == whole.UPDATES
    assert report.tokens == whole.UPDATES * 14
    assert report.after < 0.1 < report.before
    assert report.past_before is None
    assert report.after == pytest.approx(learner.loss(FIRST, 40))
    assert not any(parameter.requires_grad for parameter in learner.model.parameters())


def test_what_was_learnt_before_stays() -> None:
    learner = _learner()
    learner.learn(FIRST, words=40)
    report = learner.learn(SECOND, words=40)
    assert report.after < 0.1
    assert report.past_after is not None
    assert report.past_after < 0.1


def test_without_earlier_texts_it_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: that it stays is due to being learnt again."""
    learner = _learner()
    learner.learn(FIRST, words=40)
    monkeypatch.setattr(whole, "REPLAYED", 0.0)
    report = learner.learn([Lesson((*range(8, 0, -1),))], words=40)
    assert report.past_after is not None
    assert report.past_after > 0.5


def test_rows_of_unknown_tokens_do_not_learn() -> None:
    learner = _learner()
    before = learner.model.output_weight[20:].detach().clone()
    learner.learn(FIRST, words=20, passes=3)
    decay = 1.0
    rest = learner.model.output_weight[20:].detach()
    assert torch.nn.functional.cosine_similarity(rest.flatten(), before.flatten(), dim=0) == pytest.approx(decay)


def test_the_same_twice_is_the_same() -> None:
    first, second = _learner(), _learner()
    assert [first.learn(FIRST, words=40, passes=3).after for _ in range(2)] == [
        second.learn(FIRST, words=40, passes=3).after for _ in range(2)
    ]


def test_a_cancel_keeps_what_was_learnt_so_far() -> None:
    cancel = threading.Event()
    steps: list[int] = []

    def progress(stage: str, done: int, total: int) -> None:
        steps.append(done)
        if done == 5:
            cancel.set()

    report = _learner().learn(FIRST, words=40, progress=progress, cancel=cancel)
    assert (report.steps, report.stopped, steps) == (5, True, [1, 2, 3, 4, 5])
    assert report.after < report.before


def test_a_loss_that_is_no_number_changes_nothing() -> None:
    learner = _learner()
    learner.learn(FIRST, words=40, passes=1)
    with torch.no_grad():
        learner.model.blocks[0].ffn.down.weight[0, 0] = float("nan")
    before = learner.model.embedding.weight.detach().clone()
    with pytest.raises(WorkError, match="no number"):
        learner.learn(FIRST, words=40, passes=1)
    assert torch.equal(before, learner.model.embedding.weight)


def test_what_is_kept_of_the_past_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "PAST_TOKENS", 40)
    learner = _learner()
    for start in range(10):
        learner.learn([Lesson(tuple(range(start, start + 12)))], words=40, passes=1)
    assert sum(len(lesson.tokens) for lesson in learner.past) <= 40
    assert learner.past
