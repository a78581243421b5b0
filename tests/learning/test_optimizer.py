"""Parameters told apart by what they are; Muon beside closed forms and torch's AdamW; the schedule at its corners."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from alen.errors import BadInput
from alen.learning.muon import Muon, orthogonal
from alen.learning.optimizer import OptimizerConfig, make_optimizer, set_rate
from alen.learning.roles import Matrix, roles
from alen.learning.schedule import factor
from alen.neural import lora
from alen.neural.config import TransformerConfig
from alen.neural.loss import cross_entropy
from alen.neural.transformer import Transformer

SHAPE = TransformerConfig(vocab_size=64, d_model=32, num_layers=2, max_seq_len=32, tie_embeddings=False)


def _model(seed: int = 0, config: TransformerConfig = SHAPE) -> Transformer:
    torch.manual_seed(seed)
    return Transformer(config)


def _loss(model: Transformer, tokens_BT: torch.Tensor) -> torch.Tensor:
    return cross_entropy(model.hidden(tokens_BT[:, :-1]).flatten(0, 1), model.output_weight, tokens_BT[:, 1:].flatten())


def test_every_parameter_has_one_role() -> None:
    model = _model()
    found = roles(model)
    named = [m.name for m in found.matrices] + [n for n, _ in found.tables] + [n for n, _ in found.vectors]
    assert sorted(named) == sorted(name for name, _ in model.named_parameters())
    assert {name for name, _ in found.tables} == {"embedding.weight", "head.weight"}
    assert all(parameter.ndim == 1 for _, parameter in found.vectors)


def test_a_tied_head_stands_once() -> None:
    model = _model(config=SHAPE.model_copy(update={"tie_embeddings": True}))
    assert [name for name, _ in roles(model).tables] == ["embedding.weight"]


def test_stored_together_but_matrices_of_their_own() -> None:
    attention, feed = _model().blocks[0].attention, _model().blocks[0].ffn
    rows = {matrix.name: matrix.rows for matrix in roles(_model()).matrices}
    assert rows["blocks.0.attention.qkv.weight"] == tuple(attention.sizes)
    assert rows["blocks.0.ffn.gate_up.weight"] == (feed.gate_up.out_features // 2,) * 2
    assert rows["blocks.0.ffn.down.weight"] == (32,)


def test_what_is_frozen_has_no_role() -> None:
    model = _model()
    attached = lora.attach(model, rank=2)
    found = roles(model)
    trained = [m.weight for m in found.matrices] + [p for _, p in found.tables + found.vectors]
    assert {id(parameter) for parameter in trained} == {id(parameter) for parameter in attached}


@pytest.mark.parametrize("shape", [(3, 24, 24), (2, 16, 48), (2, 48, 16)])
def test_singular_values_come_near_one(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    stack = torch.randn(shape)
    turned = orthogonal(stack)
    before, after = torch.linalg.svdvals(stack), torch.linalg.svdvals(turned.float())
    assert turned.shape == stack.shape
    assert float(after.max()) < 1.3
    # What nearly vanishes beside the rest needs more steps than five.
    assert float(after[before > 0.05 * before.amax(1, keepdim=True)].min()) > 0.6


def test_an_update_keeps_its_directions() -> None:
    """U S V^T becomes about U V^T: its product with U^T and V is near the unit matrix."""
    torch.manual_seed(0)
    matrix = torch.randn(12, 12)
    u, _, vh = torch.linalg.svd(matrix)
    core = u.T @ orthogonal(matrix[None])[0].float() @ vh.T
    assert float((core - core.diag().diag()).abs().max()) < 0.05


def test_the_step_of_a_matrix_has_the_promised_size() -> None:
    weight = nn.Parameter(torch.zeros(24, 40))
    optimizer = Muon([Matrix("w", weight, (24,))], [], lr=0.1, weight_decay=0.0)
    torch.manual_seed(0)
    weight.grad = torch.randn_like(weight)
    optimizer.step()
    # Of an orthogonal R by C matrix the mean square is 1 / max(R, C).
    assert float(weight.detach().square().mean().sqrt()) == pytest.approx(0.1 * 0.2, rel=0.2)


def test_parts_of_a_matrix_move_as_if_they_stood_alone() -> None:
    torch.manual_seed(0)
    start, gradient = torch.randn(24, 16), torch.randn(24, 16)
    whole = nn.Parameter(start.clone())
    together = Muon([Matrix("w", whole, (8, 16))], [], lr=0.1)
    apart = [nn.Parameter(part.clone()) for part in start.split([8, 16])]
    alone = Muon([Matrix(str(i), part, (len(part),)) for i, part in enumerate(apart)], [], lr=0.1)
    for _ in range(3):
        whole.grad = gradient.clone()
        for part, piece in zip(apart, gradient.split([8, 16]), strict=True):
            part.grad = piece.clone()
        together.step()
        alone.step()
    torch.testing.assert_close(whole.detach(), torch.cat([part.detach() for part in apart]))


def test_all_else_moves_as_torch_moves_it() -> None:
    torch.manual_seed(0)
    start, gradients = torch.randn(5, 7), torch.randn(4, 5, 7)
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    muon = Muon([], [{"params": [ours], "weight_decay": 0.1}], lr=0.01)
    adamw = torch.optim.AdamW([theirs], lr=0.01, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    for gradient in gradients:
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        muon.step()
        adamw.step()
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_a_state_that_was_saved_goes_on_bit_for_bit(kind: str) -> None:
    tokens = torch.randint(64, (2, 17), generator=torch.Generator().manual_seed(0))
    config = OptimizerConfig(kind=kind, lr=3e-3)  # type: ignore[arg-type]  # one of the two kinds
    model = _model()
    optimizer = make_optimizer(model, config)

    def steps(model: Transformer, optimizer: torch.optim.Optimizer, count: int) -> list[float]:
        losses = []
        for _ in range(count):
            loss = _loss(model, tokens)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
        return losses

    steps(model, optimizer, 5)
    again = copy.deepcopy(model)
    resumed = make_optimizer(again, config)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    went_on = steps(model, optimizer, 5)
    assert went_on == steps(again, resumed, 5)
    assert went_on[-1] < went_on[0]
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_rates_follow_their_own_peaks() -> None:
    optimizer = make_optimizer(_model(), OptimizerConfig(kind="muon", lr=0.01, matrix_lr=0.02, table_lr=0.03))
    set_rate(optimizer, 0.5)
    assert sorted(group["lr"] for group in optimizer.param_groups) == [0.005, 0.01, 0.015]


def test_vectors_do_not_decay() -> None:
    model = _model()
    optimizer = make_optimizer(model, OptimizerConfig(weight_decay=0.1))
    decay = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    for parameter in model.parameters():
        assert decay[id(parameter)] == (0.0 if parameter.ndim < 2 else 0.1)


def test_nothing_to_train_is_refused() -> None:
    with pytest.raises(BadInput, match="no parameter"):
        make_optimizer(_model().requires_grad_(False), OptimizerConfig())
    with pytest.raises(BadInput, match="hidden matrices"):
        make_optimizer(nn.Linear(2, 2), OptimizerConfig(kind="muon"))


def test_schedules_at_their_corners() -> None:
    assert [factor(step, 100, warm_up=4) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert factor(4, 100, warm_up=4) == 1.0
    assert factor(99, 100, warm_up=4) == pytest.approx(0.1)
    # Of the 96 steps that fall the middle one stands half way between peak and floor.
    assert factor(4, 101, warm_up=4) == 1.0
    assert factor(52, 101, warm_up=4) == pytest.approx(0.1 + 0.9 * 0.5)
    for step in range(4, 100):
        gone = (step - 4) / 95
        expected = 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * gone))
        assert factor(step, 100, warm_up=4) == pytest.approx(expected)


def test_warm_up_stable_decay() -> None:
    made = [factor(step, 10, schedule="wsd", warm_up=2, floor=0.0, decay=0.4) for step in range(10)]
    assert made == pytest.approx([0.5, 1, 1, 1, 1, 1, 1, 2 / 3, 1 / 3, 0])


def test_linear_and_constant() -> None:
    assert [factor(s, 5, schedule="linear", floor=0.0) for s in range(5)] == pytest.approx([1, 0.75, 0.5, 0.25, 0])
    assert {factor(step, 5, schedule="constant") for step in range(5)} == {1.0}
    assert factor(9, 5, floor=0.1) == pytest.approx(0.1)
    assert factor(0, 1) == 1.0
