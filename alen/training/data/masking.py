"""Masked language modelling as BERT does it, masked anew each time a text comes by.

Axes: B samples, T tokens of a row, S of them from the text.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from alen.errors import BadInput
from alen.neural.loss import IGNORED
from alen.training.data.batches import Batch, Split
from alen.training.data.noise import mixed, noise, scrambled
from alen.training.data.special_tokens import SpecialTokens
from alen.training.data.windows import Windows

_ENCODERS = "Choose an encoder's tokenizer, such as all-minilm-l6-v2, or leave it out."

MASKED, REPLACED = 0.8, 0.9
"""Of the tokens to find, below the first are masked, up to the second become another token, the rest stay."""


class Masking:
    """Of each row ``share`` of the tokens are to be found, at least one, never special ones (Devlin et al., 2019). What
    happens to a token follows from the seed, the number of its sample and its place."""

    def __init__(self, special: SpecialTokens, vocab_size: int, share: float, seed: int) -> None:
        if special.mask is None or special.pad is None:
            allowed = "one that has [MASK] and [PAD], to mask texts"
            raise BadInput("tokenizer", "one without [MASK] or [PAD]", allowed, _ENCODERS)
        self._mask, self._share, self.pad = special.mask, share, special.pad
        self._special_V = np.zeros(vocab_size, dtype=bool)
        self._special_V[list(special.all)] = True
        self._ordinary = np.flatnonzero(~self._special_V)
        self._key = mixed(seed)

    def __call__(
        self, tokens_BS: NDArray[np.int64], keep_BS: NDArray[np.bool_], samples: range
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """What the model reads, and its targets: IGNORED where nothing is to be found."""
        size = tokens_BS.shape[1]
        chance_BS = noise(self._key, samples, size)
        allowed_BS = keep_BS & ~self._special_V[tokens_BS]
        chance_BS[~allowed_BS] = np.iinfo(np.uint64).max
        # As many in every full row, so that the mean over ranks is the mean over all.
        wanted_B = np.maximum(1, np.rint(self._share * keep_BS.sum(1))).astype(np.int64)
        highest_B1 = np.take_along_axis(np.sort(chance_BS, axis=1), wanted_B[:, None] - 1, axis=1)
        chosen_BS = (chance_BS <= highest_B1) & allowed_BS
        found_N = tokens_BS[chosen_BS]
        fate_N = scrambled(chance_BS[chosen_BS])
        share_N = (fate_N >> np.uint64(40)) / 2**24
        other_N = self._ordinary[(fate_N & np.uint64(2**40 - 1)) % np.uint64(len(self._ordinary))]
        read_BS, targets_BS = tokens_BS.copy(), np.full_like(tokens_BS, IGNORED)
        targets_BS[chosen_BS] = found_N
        read_BS[chosen_BS] = np.where(share_N < MASKED, self._mask, np.where(share_N < REPLACED, other_N, found_N))
        return read_BS, targets_BS


@dataclass(frozen=True)
class MaskedBatches:
    """Windows in rows of ``length`` tokens, between the first and the last token of an encoder where it has them. A
    shorter window is filled up with padding, which ``keep_BT`` leaves out."""

    windows: Windows
    split: Split
    length: int
    special: SpecialTokens
    masking: Masking
    identity: str = field(default="")

    def __len__(self) -> int:
        return self.windows.steps(self.split)

    def __getitem__(self, step: int) -> Batch:
        samples = self.windows.samples(step, self.split)
        around = self.special.around
        before = 0 if around is None else 1
        tokens_BT = np.full((len(samples), self.length), self.masking.pad, dtype=np.int64)
        keep_BT = np.zeros(tokens_BT.shape, dtype=bool)
        for row, sample in enumerate(samples):
            found = self.windows.read(sample, self.windows.stride)
            end = before + len(found)
            tokens_BT[row, before:end] = found
            keep_BT[row, : end + before] = True
            if around is not None:
                tokens_BT[row, 0], tokens_BT[row, end] = around
        read_BT, targets_BT = self.masking(tokens_BT, keep_BT, samples)
        batch = {"tokens_BT": read_BT, "targets_BT": targets_BT, "keep_BT": keep_BT}
        return {name: torch.from_numpy(array) for name, array in batch.items()}

    def on(self, split: Split) -> MaskedBatches:
        return replace(self, split=split)


def text_length(length: int, special: SpecialTokens) -> int:
    """Tokens of the text in a row of ``length``."""
    return length - len(special.around or ())
