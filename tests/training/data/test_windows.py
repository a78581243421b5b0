"""Every token comes once an epoch, in an order that ranks share and a position restores."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from alen.errors import BadInput
from alen.neural.loss import IGNORED
from alen.training.data.batches import Split
from alen.training.data.permutation import Permutation
from alen.training.data.windows import CausalBatches, Windows
from tests.training.data.made import streams

END = 10**6


def batches(
    *sizes: int, length: int, batch: int = 1, ranks: int = 1, rank: int = 0, seed: int | None = 3
) -> CausalBatches:
    return CausalBatches(Windows(streams(*sizes), length, seed=seed), Split(batch, ranks, rank), length, END)


def targets(found: CausalBatches, steps: range) -> list[int]:
    values = torch.cat([found[step]["targets_BT"].reshape(-1) for step in steps])
    return values[values != IGNORED].tolist()


@given(count=st.integers(1, 3000), key=st.integers(0, 2**70))
def test_a_permutation_has_every_number_once(count: int, key: int) -> None:
    order = Permutation(count, key)
    assert sorted(order[place] for place in range(count)) == list(range(count))


def test_permutations_differ_and_are_mixed() -> None:
    one, other = (np.array([Permutation(1000, key)[place] for place in range(1000)]) for key in (1, 2))
    places = np.arange(1000)
    for order in one, other, one[np.argsort(other)]:
        assert (order == places).sum() < 10
        assert abs(np.corrcoef(order, places)[0, 1]) < 0.1
        # Neighbours lie a third of the whole apart, as in a random order.
        assert np.abs(np.diff(order)).mean() == pytest.approx(1000 / 3, rel=0.1)
    with pytest.raises(IndexError):
        Permutation(10, 1)[10]


@given(
    sizes=st.lists(st.integers(12, 90), min_size=1, max_size=3),
    length=st.integers(1, 10),
    seed=st.integers(0, 2**40),
)
def test_every_token_is_a_target_once_an_epoch(sizes: list[int], length: int, seed: int) -> None:
    found = batches(*sizes, length=length, seed=seed)
    steps = len(found)
    for epoch in range(2):
        seen = Counter(targets(found, range(epoch * steps, (epoch + 1) * steps)))
        assert set(seen.values()) == {1}
        # Fewer than a window of each stream are left out.
        assert sum(size - 1 for size in sizes) - len(seen) < length * len(sizes)


@given(sizes=st.lists(st.integers(2, 60), min_size=1, max_size=3), length=st.integers(1, 20), batch=st.integers(1, 5))
def test_validation_has_every_target_once(sizes: list[int], length: int, batch: int) -> None:
    found = batches(*sizes, length=length, batch=batch, seed=None)
    starts = set(np.cumsum([0, *sizes[:-1]]).tolist())
    assert targets(found, range(len(found))) == [token for token in range(sum(sizes)) if token not in starts]
    with pytest.raises(IndexError):
        found[len(found)]


def test_targets_are_the_next_tokens() -> None:
    found = batches(100, length=8, batch=3)
    batch = found[0]
    assert {name: (tensor.shape, tensor.dtype) for name, tensor in batch.items()} == {
        "tokens_BT": ((3, 8), torch.int64),
        "targets_BT": ((3, 8), torch.int64),
    }
    assert torch.equal(batch["targets_BT"], batch["tokens_BT"] + 1)
    short = batches(11, length=8, batch=2, seed=None)[0]
    assert short["tokens_BT"][1].tolist() == [8, 9, *[END] * 6]
    assert short["targets_BT"][1].tolist() == [9, 10, *[IGNORED] * 6]


def test_what_is_left_out_changes_with_the_epoch() -> None:
    found = batches(47, length=10)
    left = [set(range(1, 47)) - set(targets(found, range(4 * epoch, 4 * epoch + 4))) for epoch in range(12)]
    assert all(len(each) == 6 for each in left)
    assert len({frozenset(each) for each in left}) > 3


def test_a_batch_may_begin_in_one_epoch_and_end_in_the_next() -> None:
    found = batches(51, length=10, batch=4)
    assert len(found) == 1
    seen = Counter(targets(found, range(5)))
    assert set(seen.values()) == {4}
    assert len(seen) == 50
    few = batches(21, length=10, batch=5)
    assert len(few) == 1
    assert few[0]["tokens_BT"].shape == (5, 10)


@pytest.mark.parametrize("seed", [3, None])
@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_together_see_what_one_sees(seed: int | None, ranks: int) -> None:
    alone = batches(241, length=10, batch=4 * ranks, seed=seed)
    ours = [batches(241, length=10, batch=4, ranks=ranks, rank=rank, seed=seed) for rank in range(ranks)]
    assert {len(each) for each in ours} == {len(alone)}
    for step in range(len(alone) * (3 if seed else 1)):
        parts = [each[step]["tokens_BT"] for each in ours]
        assert len({len(part) for part in parts}) == 1
        together = torch.stack(parts, 1).reshape(-1, 10)
        assert torch.equal(together, alone[step]["tokens_BT"])


def test_no_rank_of_validation_is_left_with_nothing() -> None:
    ours = [batches(91, length=10, batch=2, ranks=4, rank=rank, seed=None) for rank in range(4)]
    assert [[len(each[step]["tokens_BT"]) for step in range(len(each))] for each in ours] == [[2]] * 4
    assert len(batches(31, length=10, batch=2, ranks=4, seed=None)) == 0


def test_the_order_is_that_of_the_seed() -> None:
    one, same, other = (batches(1001, length=10, batch=8, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one[5]["tokens_BT"], same[5]["tokens_BT"])
    assert not torch.equal(one[5]["tokens_BT"], other[5]["tokens_BT"])
    # Steps may be asked for in any order: workers do.
    later = [one[step]["tokens_BT"] for step in (40, 3, 40, 27)]
    fresh = [batches(1001, length=10, batch=8, seed=1)[step]["tokens_BT"] for step in (40, 3, 40, 27)]
    assert all(map(torch.equal, later, fresh))


def test_too_few_tokens_for_a_window() -> None:
    with pytest.raises(BadInput, match="length: found 10, and 10 tokens"):
        Windows(streams(10), 10, seed=1)
