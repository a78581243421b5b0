"""A model that knows something learns more by adapters: it stays near itself, or nothing has happened."""

from __future__ import annotations

import copy
import threading

import pytest
import torch
from torch.testing import assert_close

from alen.errors import WorkError
from alen.learning import adapting
from alen.learning.adapting import AdapterLearner
from alen.learning.lessons import Lesson
from alen.learning.whole import WholeLearner
from alen.neural import lora
from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer

SHAPE = TransformerConfig(vocab_size=64, d_model=48, num_layers=4, max_seq_len=32)
OWN = [Lesson((0, *(start + (step % 5) for step in range(12)))) for start in range(1, 40, 3)]
NEW = [
    [Lesson((30, 11, 22, 33, 5), 4), Lesson((30, 33, 22, 11, 5), 4)],
    [Lesson((30, 14, 25, 36, 8), 4), Lesson((30, 36, 14, 25, 8), 4)],
]


@pytest.fixture(autouse=True)
def _larger_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model as small as this one takes more at once."""
    monkeypatch.setattr(adapting, "LR", 1e-2)


@pytest.fixture(scope="module")
def known() -> Transformer:
    torch.manual_seed(0)
    model = Transformer(SHAPE).eval()
    WholeLearner(model).learn(OWN, words=64, passes=150)
    return model


def _learner(known: Transformer) -> AdapterLearner:
    own = torch.tensor([lesson.tokens for lesson in OWN] * 2)
    return AdapterLearner(copy.deepcopy(known), own)


def test_new_things_are_learnt_and_old_ones_stay(known: Transformer) -> None:
    learner = _learner(known)
    report = learner.learn(NEW, passes=100)
    assert report.kept
    assert report.after < 0.1 < report.before
    assert report.past_before == pytest.approx(0, abs=1e-6)
    assert report.past_after is not None
    assert 0 < report.past_after < adapting.BOUND
    tokens = torch.tensor([[30, 36, 14, 25], [30, 11, 22, 33]])
    assert learner.model(tokens)[:, -1].argmax(-1).tolist() == [8, 5]
    assert not any(isinstance(module, lora.LoRALinear) for module in learner.model.modules())


def test_lower_layers_never_move(known: Transformer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapting, "BOUND", 1e9)
    learner = _learner(known)
    learner.learn(NEW, passes=3)
    changed = {
        name.split(".")[1]
        for (name, old), new in zip(known.named_parameters(), learner.model.parameters(), strict=True)
        if not torch.equal(old, new)
    }
    assert changed == {str(layer) for layer in range(learner.first, 4)} == {"2", "3"}


def test_forgetting_beyond_the_bound_is_taken_back(known: Transformer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapting, "BOUND", 1e-9)
    learner = _learner(known)
    report = learner.learn(NEW, passes=20)
    assert not report.kept
    assert report.past_after is not None
    assert report.past_after > 1e-9
    assert all(torch.equal(old, new) for old, new in zip(known.parameters(), learner.model.parameters(), strict=True))
    assert learner.moved() == pytest.approx(0, abs=1e-6)


def test_a_little_too_much_is_weakened_until_it_is_not(known: Transformer, monkeypatch: pytest.MonkeyPatch) -> None:
    far = _learner(known).learn(NEW, passes=40).past_after
    assert far is not None
    monkeypatch.setattr(adapting, "BOUND", 0.6 * far)
    learner = _learner(known)
    report = learner.learn(NEW, passes=40)
    assert report.kept
    assert adapting.WEAKEST < report.strength < 0.8
    assert learner.moved() == pytest.approx(report.past_after, rel=0.02)
    assert learner.moved() <= 0.6 * far


def test_nearness_is_what_keeps_it_near(known: Transformer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without it the model moves much further."""
    monkeypatch.setattr(adapting, "BOUND", 1e9)
    near = _learner(known).learn(NEW, passes=40).past_after
    monkeypatch.setattr(adapting, "NEARNESS", 0.0)
    far = _learner(known).learn(NEW, passes=40).past_after
    assert near is not None
    assert far is not None
    assert far > 3 * near


def test_what_was_learnt_adds_up(known: Transformer) -> None:
    learner = _learner(known)
    learner.learn(NEW[:1], passes=100)
    learner.learn(NEW[1:], passes=100)
    tokens = torch.tensor([[30, 14, 25, 36]])
    assert learner.model(tokens)[0, -1].argmax().item() == 8
    assert learner.moved() > 0


def test_what_goes_too_far_leaves_what_was_learnt_before(known: Transformer, monkeypatch: pytest.MonkeyPatch) -> None:
    learner = _learner(known)
    assert learner.learn(NEW[:1], passes=100).kept
    before = copy.deepcopy(learner.model)
    monkeypatch.setattr(adapting, "BOUND", 1e-9)
    assert not learner.learn(NEW[1:], passes=20).kept
    monkeypatch.undo()
    pairs = zip(before.parameters(), learner.model.parameters(), strict=True)
    assert all(torch.equal(old, now) for old, now in pairs)
    assert learner.learn(NEW[1:], passes=60).kept


def test_another_answer_takes_the_place_of_the_first(known: Transformer) -> None:
    learner = _learner(known)
    learner.learn(NEW, passes=60)
    asked = NEW[0][0].tokens[:-1]
    learner.learn([[Lesson((*asked, 17), len(asked))]], passes=60)
    tokens = torch.tensor([asked, NEW[1][0].tokens[:-1]])
    assert learner.model(tokens)[:, -1].argmax(-1).tolist() == [17, 8]


def test_earlier_lessons_are_learnt_again(known: Transformer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without them a second call takes the first one's lesson away."""
    monkeypatch.setattr(adapting, "BOUND", 1e9)
    lost = {}
    for replayed in (64, 0):
        monkeypatch.setattr(adapting, "REPLAYED", replayed)
        learner = _learner(known)
        first = learner.learn(NEW[:1], passes=60).after
        learner.learn(NEW[1:], passes=60)
        lost[replayed] = learner.learn(NEW[:1], passes=1).before - first
    assert lost[64] < 0.3 < 1 < lost[0]


def test_losses_are_those_of_the_plain_model(known: Transformer) -> None:
    learner = _learner(known)
    plain = [each[0] for each in NEW]
    tokens_BT = torch.tensor([lesson.tokens[:-1] for lesson in plain])
    wanted_B = torch.tensor([lesson.tokens[-1] for lesson in plain])
    expected = torch.nn.functional.cross_entropy(known(tokens_BT)[:, -1], wanted_B).item()
    assert_close(learner.learn(NEW, passes=1).before, expected, atol=1e-5, rtol=1e-5)


def test_a_cancel_keeps_what_was_learnt_so_far(known: Transformer) -> None:
    cancel = threading.Event()
    report = _learner(known).learn(NEW, passes=50, progress=lambda *told: cancel.set(), cancel=cancel)
    assert (report.steps, report.stopped) == (1, True)


def test_a_loss_that_is_no_number_changes_nothing(known: Transformer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapting, "LR", 1.0)
    learner = _learner(known)
    broken = learner.model.blocks[3].ffn.down.weight
    with torch.no_grad():
        broken[0, 0] = float("inf")
    before = learner.model.blocks[2].ffn.down.weight.clone()
    with pytest.raises(WorkError, match="no number"):
        learner.learn(NEW, passes=5)
    assert torch.equal(before, learner.model.blocks[2].ffn.down.weight)
    assert not any(isinstance(module, lora.LoRALinear) for module in learner.model.modules())


def test_the_same_twice_is_the_same(known: Transformer) -> None:
    first, second = (_learner(known).learn(NEW, passes=5) for _ in range(2))
    assert (first.after, first.past_after) == (second.after, second.past_after)
