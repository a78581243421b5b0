"""Masks are BERT's: their shares, never special tokens, new in each epoch, the same on any rank."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from alen.neural.loss import IGNORED
from alen.training.data.batches import Split
from alen.training.data.masking import MaskedBatches, Masking, text_length
from alen.training.data.special_tokens import special_tokens
from alen.training.data.windows import Windows
from tests.training.data.made import Stream, encoder

SPECIAL = special_tokens(encoder())
PAD, CLS, SEP, MASK = 0, 2, 3, 4
LENGTH = 64


def stream(size: int) -> Stream:
    """Words with an end token now and then."""
    tokens = np.random.default_rng(0).integers(5, 100, size).astype(np.uint16)
    tokens[::37] = SEP
    return Stream(tokens)


def batches(
    size: int = 60_000,
    *,
    batch: int = 16,
    ranks: int = 1,
    rank: int = 0,
    seed: int = 1,
    share: float = 0.15,
    shuffled: bool = True,
) -> MaskedBatches:
    windows = Windows([stream(size)], text_length(LENGTH, SPECIAL), seed=seed if shuffled else None)
    return MaskedBatches(windows, Split(batch, ranks, rank), LENGTH, SPECIAL, Masking(SPECIAL, 100, share, seed))


def test_special_tokens_of_an_encoder() -> None:
    assert (SPECIAL.end, SPECIAL.around, SPECIAL.pad, SPECIAL.mask) == (SEP, (CLS, SEP), PAD, MASK)
    assert SPECIAL.all == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("share", [0.15, 0.4])
def test_shares(share: float) -> None:
    found = batches(share=share)
    rows = [found[step] for step in range(len(found))]
    tokens, targets = (torch.cat([row[name] for row in rows]) for name in ("tokens_BT", "targets_BT"))
    asked = targets != IGNORED
    assert asked.sum(1).unique().tolist() == [round(share * LENGTH)]
    masked = (tokens == MASK) & asked
    kept = (tokens == targets) & asked
    count = int(asked.sum())
    error = 4 * (0.25 / count) ** 0.5
    assert masked.sum() / count == pytest.approx(0.8, abs=error)
    # One in 95 of the replaced tokens is replaced with itself.
    assert kept.sum() / count == pytest.approx(0.1 + 0.1 / 95, abs=error)
    assert not torch.isin(targets[asked], torch.tensor(sorted(SPECIAL.all))).any()
    others = tokens[asked & ~masked & ~kept]
    assert not torch.isin(others, torch.tensor(sorted(SPECIAL.all))).any()
    assert len(others.unique()) == 95
    places = asked.sum(0)[1:-1].double()
    assert places.std() / places.mean() < 0.2


def test_what_is_not_asked_is_read_as_it_stands() -> None:
    batch = batches(shuffled=False)[0]
    tokens, asked = batch["tokens_BT"], batch["targets_BT"] != IGNORED
    text = torch.from_numpy(stream(60_000).tokens[: 62 * 16].astype(np.int64)).view(16, 62)
    assert torch.equal(torch.where(asked, batch["targets_BT"], tokens)[:, 1:-1], text)
    assert (tokens[:, 0] == CLS).all()
    assert (tokens[:, -1] == SEP).all()
    assert batch["keep_BT"].all()


def test_a_short_window_is_padded() -> None:
    batch = batches(62 + 11, batch=2, shuffled=False)[0]
    tokens, keep = batch["tokens_BT"][1], batch["keep_BT"][1]
    assert keep.sum() == 11 + 2
    assert keep[:13].all()
    assert (tokens[13:] == PAD).all()
    assert tokens[12] == SEP
    assert (batch["targets_BT"][1] != IGNORED).sum() == 2


def test_masks_follow_the_seed_and_the_sample() -> None:
    found, again, other = batches(), batches(), batches(seed=2)
    assert torch.equal(found[7]["targets_BT"], again[7]["targets_BT"])
    tokens = np.tile(stream(62).tokens.astype(np.int64), (3, 1))
    keep = np.ones(tokens.shape, dtype=bool)
    # The same text in three samples, as in three epochs, and under another seed.
    _, targets = found.masking(tokens, keep, range(3))
    _, under_another = other.masking(tokens, keep, range(3))
    assert len({row.tobytes() for row in (*targets, *under_another)}) == 6


def test_ranks_together_mask_what_one_masks() -> None:
    alone = batches(5000, batch=4)
    ours = [batches(5000, batch=2, ranks=2, rank=rank) for rank in range(2)]
    for step in range(2 * len(alone)):
        for name, tensor in alone[step].items():
            together = torch.stack([each[step][name] for each in ours], 1).reshape(tensor.shape)
            assert torch.equal(together, tensor)


def test_a_row_of_special_tokens_asks_nothing() -> None:
    tokens = np.full((1, 62), SEP)
    read, targets = batches().masking(tokens, np.ones_like(tokens, dtype=bool), range(1))
    assert (read == SEP).all()
    assert (targets == IGNORED).all()
