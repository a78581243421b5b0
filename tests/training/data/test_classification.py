"""Labelled rows: every row once, with others of its length, under a number that its label keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from alen.errors import BadInput
from alen.training.data import classification
from alen.training.data.batches import Split
from alen.training.data.classification import ClassificationBatches, LabelledRows, Order, classes, read
from alen.training.data.sources import Source
from tests.training.data.made import encoder, write_rows

ROWS = [
    {"text": " ".join(f"w{(number + place) % 95}" for place in range(1 + number * 7 % 40)), "label": number % 3}
    for number in range(203)
]


def rows(tmp_path: Path, found: list[dict[str, Any]] = ROWS, *, length: int = 64) -> LabelledRows:
    texts = read([Source(write_rows(tmp_path / "a.jsonl", found), "jsonl")], "label")
    return LabelledRows(texts, classes(texts), encoder(), length=length, pad=0)


def batches(
    found: LabelledRows, *, batch: int = 8, ranks: int = 1, rank: int = 0, seed: int | None = 1
) -> ClassificationBatches:
    return ClassificationBatches(found, Order(found.lengths, seed), Split(batch, ranks, rank))


def seen(found: ClassificationBatches, steps: range) -> list[tuple[list[int], int]]:
    made = [found[step] for step in steps]
    return [
        (tokens[keep].tolist(), int(label))
        for batch in made
        for tokens, keep, label in zip(batch["tokens_BT"], batch["keep_BT"], batch["labels_B"], strict=True)
    ]


def test_rows_are_what_the_tokenizer_says(tmp_path: Path) -> None:
    found = batches(rows(tmp_path), seed=None)
    tokenizer = encoder()
    wanted = [(tokenizer.encode(row["text"], add_special=True), row["label"]) for row in ROWS]
    assert sorted(seen(found, range(len(found)))) == sorted(wanted)
    batch = found[3]
    assert {name: tensor.dtype for name, tensor in batch.items()} == {
        "tokens_BT": torch.int64,
        "keep_BT": torch.bool,
        "labels_B": torch.int64,
    }
    assert (batch["tokens_BT"][~batch["keep_BT"]] == 0).all()
    assert batch["keep_BT"].any(0).all()
    assert (batch["tokens_BT"][:, 0] == 2).all()


def test_every_row_comes_once_an_epoch_but_for_what_makes_no_batch(tmp_path: Path) -> None:
    found = batches(rows(tmp_path))
    steps = len(found)
    assert steps == 203 // 8
    epochs = [seen(found, range(epoch * steps, (epoch + 1) * steps)) for epoch in range(2)]
    for epoch in epochs:
        assert len(epoch) == steps * 8
        assert len({str(row) for row in epoch}) == steps * 8
    assert epochs[0] != epochs[1]
    assert {str(row) for row in epochs[0]} != {str(row) for row in epochs[1]}


def test_rows_of_a_batch_are_of_similar_length(tmp_path: Path) -> None:
    found = batches(rows(tmp_path))
    made = [found[step] for step in range(len(found))]
    padded = sum(int((~batch["keep_BT"]).sum()) for batch in made) / sum(batch["keep_BT"].numel() for batch in made)
    assert padded < 0.1
    lengths = [batch["tokens_BT"].shape[1] for batch in made]
    assert lengths != sorted(lengths)


@pytest.mark.parametrize("seed", [1, None])
def test_ranks_together_see_what_one_sees(tmp_path: Path, seed: int | None) -> None:
    found = rows(tmp_path)
    alone = batches(found, batch=9, seed=seed)
    ours = [batches(found, batch=3, ranks=3, rank=rank, seed=seed) for rank in range(3)]
    assert {len(each) for each in ours} == {len(alone)}
    last = 203 % 3 if seed is None else 0
    for step in range(len(alone)):
        together = sorted(row for each in ours for row in seen(each, range(step, step + 1)))
        wanted = sorted(seen(alone, range(step, step + 1)))
        if step < len(alone) - 1 or not last:
            assert together == wanted
        else:
            assert len(together) == len(wanted) - last


def test_long_rows_lose_their_end_and_are_counted(tmp_path: Path) -> None:
    found = rows(tmp_path, length=20)
    assert found.lengths.max() == 20
    assert found.truncated == sum(len(row["text"].split()) > 18 for row in ROWS)
    assert set(found.tokens[found.starts[1:] - 1].tolist()) == {3}


def test_labels_keep_their_order(tmp_path: Path) -> None:
    texts = [{"text": "w1", "label": label} for label in ("sad", "glad", "sad", "even")]
    found = read([Source(write_rows(tmp_path / "a.jsonl", texts), "jsonl")], "label")
    assert classes(found) == ("even", "glad", "sad")
    assert rows(tmp_path, texts).labels.tolist() == [2, 1, 2, 0]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "w1"}, "line 2, label: found nothing"),
        ({"text": "w1", "label": None}, "line 2, label: found None"),
        ({"text": "w1", "label": True}, "line 2, label: found True"),
        ({"text": "w1", "label": 0.5}, "line 2, label: found 0.5"),
        ({"text": " ", "label": 1}, "line 2, text: found a blank text"),
        ({"label": 1}, "line 2, text: found nothing"),
        ({"text": "w1", "label": "one"}, r"label: found int \(.*line 1\) and str \(.*line 2\)"),
        ({"text": "w1", "label": 0}, "label: found 0 in every row"),
    ],
)
def test_rows_that_teach_nothing_are_refused(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        rows(tmp_path, [{"text": "w1", "label": 0}, row])


def test_a_label_that_training_has_not_is_refused(tmp_path: Path) -> None:
    texts = read([Source(write_rows(tmp_path / "v.jsonl", [{"text": "w1", "label": 7}]), "jsonl")], "label")
    with pytest.raises(BadInput, match=r"v\.jsonl, line 1, label: found 7.*0, 1, 2"):
        LabelledRows(texts, (0, 1, 2), encoder(), length=8, pad=0)


def test_an_order_is_not_that_of_the_file(tmp_path: Path) -> None:
    order = Order(np.zeros(1000, dtype=np.int64), 1).rows(0, 8)
    assert sorted(order.tolist()) == list(range(1000))
    assert abs(np.corrcoef(order, np.arange(1000))[0, 1]) < 0.1
    assert classification.POOL > 1
