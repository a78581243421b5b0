"""Rows of text with a label, padded to the longest of their batch, which holds rows of similar length.

Axes: B rows of a batch, T tokens of the longest, R all rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray

from alen.errors import BadInput
from alen.text.tokenizer import Tokenizer
from alen.training.data.batches import Batch, Split
from alen.training.data.noise import mixed, noise
from alen.training.data.sources import Source, held_out, rows, text_of
from alen.training.data.special_tokens import fast_copy

POOL = 50
"""Batches whose rows are sorted by length together: more would make batches of the same rows each epoch."""


@dataclass(frozen=True, slots=True)
class LabelledTexts:
    """``places`` name file and line of each row."""

    texts: tuple[str, ...]
    labels: tuple[int | str, ...]
    places: tuple[str, ...]


def read(sources: Sequence[Source], label: str) -> LabelledTexts:
    """Raises BadInput naming file and line for a row without a text, or whose label is no text or whole number."""
    texts, labels, places = [], [], []
    for source in sources:
        for number, _, row in rows(source.path):
            place = f"{source.path}, line {number}"
            text, value = text_of(row, source.field, place), row.get(label)
            if isinstance(value, bool) or not isinstance(value, int | str):
                found = repr(value)[:80] if label in row else "nothing"
                raise BadInput(f"{place}, {label}", found, "a text or a whole number", "Label the row, or remove it.")
            if not text.strip():
                raise BadInput(f"{place}, {source.field}", "a blank text", "a text", "Remove the row.")
            if source.part == "all" or (source.part == "validation") == held_out(text, source.share):
                texts.append(text)
                labels.append(value)
                places.append(place)
    if not texts:
        names = ", ".join(str(source.path) for source in sources)
        part = "" if sources[0].part == "all" else f" for the {sources[0].part} part"
        raise BadInput("data", f"no rows in {names}{part}", "rows of text and label", "Give more, or validation files.")
    return LabelledTexts(tuple(texts), tuple(labels), tuple(places))


def classes(texts: LabelledTexts) -> tuple[int | str, ...]:
    """The labels in order: the place of each is what a model predicts. Raises BadInput for one label alone, and for
    texts among whole numbers."""
    kinds = {type(label): place for label, place in zip(texts.labels, texts.places, strict=True)}
    if len(kinds) > 1:
        found = " and ".join(f"{kind.__name__} ({place})" for kind, place in kinds.items())
        raise BadInput("label", found, "texts alone, or whole numbers alone", "Write all labels in one way.")
    found_labels = tuple(sorted(set(texts.labels)))
    if len(found_labels) < 2:
        raise BadInput("label", f"{found_labels[0]!r} in every row", "two labels or more", "There is nothing to learn.")
    return found_labels


class LabelledRows:
    """Tokenized rows. ``starts`` (R + 1) and ``tokens`` lay them end to end; ``labels`` (R) are places in ``names``.
    ``truncated`` rows were longer than ``length`` tokens, special ones counted, and lost their end."""

    def __init__(
        self, texts: LabelledTexts, names: Sequence[int | str], tokenizer: Tokenizer, *, length: int, pad: int
    ) -> None:
        """Raises BadInput naming the line of a label that is not among ``names``."""
        numbers = {name: number for number, name in enumerate(names)}
        for label, place in zip(texts.labels, texts.places, strict=True):
            if label not in numbers:
                known = ", ".join(map(repr, names[:20]))
                raise BadInput(f"{place}, label", repr(label), f"labels of the training rows: {known}", "Correct it.")
        fast = fast_copy(tokenizer)
        fast.enable_truncation(length)
        # The library's own type, with the parts of each text that truncation took off.
        encoded = fast.encode_batch_fast(list(texts.texts), add_special_tokens=True)
        self.truncated = sum(bool(row.overflowing) for row in encoded)
        self.pad = pad
        self.starts = np.cumsum([0, *(len(row.ids) for row in encoded)])
        self.tokens = np.fromiter(chain.from_iterable(row.ids for row in encoded), np.int32, int(self.starts[-1]))
        self.labels = np.array([numbers[label] for label in texts.labels], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.starts)

    @property
    def identity(self) -> str:
        digest = hashlib.sha256(self.tokens.tobytes())
        digest.update(self.starts.tobytes() + self.labels.tobytes())
        return digest.hexdigest()

    def batch(self, chosen: NDArray[np.int64]) -> Batch:
        lengths = self.starts[chosen + 1] - self.starts[chosen]
        tokens_BT = np.full((len(chosen), int(lengths.max())), self.pad, dtype=np.int64)
        for row, (number, length) in enumerate(zip(chosen, lengths, strict=True)):
            start = self.starts[number]
            tokens_BT[row, :length] = self.tokens[start : start + length]
        keep_BT = np.arange(tokens_BT.shape[1]) < lengths[:, None]
        batch = {"tokens_BT": tokens_BT, "keep_BT": keep_BT, "labels_B": self.labels[chosen]}
        return {name: torch.from_numpy(array) for name, array in batch.items()}


class Order:
    """Which rows are together in a batch. With a seed each epoch has an order of its own, in which the rows that make
    no whole batch are left out, others each time; without one, rows go by length, and the last batch may be smaller."""

    def __init__(self, lengths: NDArray[np.int64], seed: int | None) -> None:
        self.lengths, self.seed = lengths, seed
        self._known: tuple[tuple[int, int], NDArray[np.int64]] | None = None

    def rows(self, epoch: int, size: int) -> NDArray[np.int64]:
        """All rows of an epoch, ``size`` of them a batch."""
        if self.seed is None:
            return np.argsort(self.lengths, kind="stable")
        if self._known is None or self._known[0] != (epoch, size):
            self._known = (epoch, size), self._shuffled(mixed(self.seed, epoch), size)
        return self._known[1]

    def _shuffled(self, key: int, size: int) -> NDArray[np.int64]:
        steps = len(self.lengths) // size
        order = np.argsort(noise(key, range(1), len(self.lengths))[0])[: steps * size]
        for start in range(0, len(order), POOL * size):
            pool = order[start : start + POOL * size]
            order[start : start + POOL * size] = pool[np.argsort(self.lengths[pool], kind="stable")]
        return order.reshape(steps, size)[np.argsort(noise(mixed(key), range(1), steps)[0])].reshape(-1)


@dataclass(frozen=True)
class ClassificationBatches:
    rows: LabelledRows
    order: Order
    split: Split
    identity: str = field(default="")

    def __len__(self) -> int:
        if self.order.seed is not None:
            return len(self.rows) // self.split.rows
        return -(-(len(self.rows) - len(self.rows) % self.split.ranks) // self.split.rows)

    def __getitem__(self, step: int) -> Batch:
        if self.order.seed is None and not 0 <= step < len(self):
            raise IndexError(step)
        epoch, step = divmod(step, len(self))
        size = self.split.rows
        order = self.order.rows(epoch, size)
        whole = order[: len(order) - len(order) % self.split.ranks][step * size : (step + 1) * size]
        return self.rows.batch(whole[self.split.rank :: self.split.ranks])

    def on(self, split: Split) -> ClassificationBatches:
        return replace(self, split=split)
