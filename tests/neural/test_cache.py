"""A cache forgets and copies exactly what it is told to."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from alen.errors import BadInput
from alen.neural.cache import KVCache
from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer
from tests.neural.conftest import DECODER, random_model

Storage = Literal["plain", "int8"]


def filled(decoder: Transformer, tokens_BT: Tensor, capacity: int = 40) -> KVCache:
    cache = KVCache.allocate(DECODER, batch=2, capacity=capacity)
    decoder(tokens_BT, cache=cache)
    return cache


def test_size_is_what_is_allocated() -> None:
    cache = KVCache.allocate(DECODER, batch=2, capacity=50, dtype=torch.bfloat16)
    assert cache.capacity == 50
    assert cache.length == 0
    assert cache.bytes == 2 * 3 * 2 * 2 * 50 * 16 * 2  # keys and values, layers, batch, heads, tokens, width, bytes


def test_truncated_cache_goes_on_as_if_the_rest_had_never_been(decoder: Transformer, tokens_BT: Tensor) -> None:
    cache = filled(decoder, tokens_BT)
    cache.truncate(10)
    assert cache.length == 10
    other_BT = (tokens_BT[:, :6] + 3) % 97
    whole = decoder(torch.cat([tokens_BT[:, :10], other_BT], dim=1))
    assert_close(decoder(other_BT, cache=cache), whole[:, 10:], atol=2e-5, rtol=1e-5)


def test_truncating_to_more_than_there_is_changes_nothing(decoder: Transformer, tokens_BT: Tensor) -> None:
    cache = filled(decoder, tokens_BT)
    cache.truncate(35)
    assert cache.length == 23


def test_prefix_is_a_copy_that_goes_its_own_way(decoder: Transformer, tokens_BT: Tensor) -> None:
    shared = filled(decoder, tokens_BT, capacity=23)
    first_BT, second_BT = tokens_BT[:, :4], (tokens_BT[:, :4] + 11) % 97
    one, two = shared.prefix(30), shared.prefix(27)
    assert (one.capacity, two.capacity, one.length) == (30, 27, 23)
    found = [decoder(first_BT, cache=one), decoder(second_BT, cache=two)]
    for ours, continuation in zip(found, (first_BT, second_BT), strict=True):
        whole = decoder(torch.cat([tokens_BT, continuation], dim=1))
        assert_close(ours, whole[:, 23:], atol=2e-5, rtol=1e-5)
    assert shared.length == 23


def test_prefix_never_loses_tokens(decoder: Transformer, tokens_BT: Tensor) -> None:
    assert filled(decoder, tokens_BT).prefix(5).capacity == 23


SLIDING = TransformerConfig.parse(
    {
        **DECODER.model_dump(),
        "attention": {
            **DECODER.attention.model_dump(),
            "mask_type": "sliding_window",
            "window_size": 6,
            "window_pattern": ["local", "global", "local"],
        },
    }
)
ALIBI = TransformerConfig.parse({**DECODER.model_dump(), "positional": {"encoding": "alibi"}})


@pytest.mark.parametrize("config", [DECODER, SLIDING, ALIBI], ids=["plain", "sliding", "alibi"])
@pytest.mark.parametrize("chunks", [[23], [1] * 23, [4, 4, 4, 1, 10], [7, 1, 1, 14], [22, 1]])
def test_chunks_equal_the_whole(config: TransformerConfig, tokens_BT: Tensor, chunks: list[int]) -> None:
    model = random_model(config)
    cache = KVCache.allocate(config, batch=2, capacity=23)
    parts = [model(part, cache=cache) for part in tokens_BT.split(chunks, dim=1)]
    assert_close(torch.cat(parts, dim=1), model(tokens_BT), atol=5e-5, rtol=1e-4)


@pytest.mark.parametrize("config", [DECODER, SLIDING, ALIBI], ids=["plain", "sliding", "alibi"])
@pytest.mark.parametrize("storage", ["plain", "int8"])
def test_rows_of_different_lengths_go_on_as_if_alone(
    config: TransformerConfig, tokens_BT: Tensor, storage: Storage
) -> None:
    """Prompts of 9 and 4 tokens, then pieces of 1 to 5 with other numbers of real tokens."""
    model = random_model(config)
    counts = [(9, 4), (1, 1), (3, 5), (1, 1), (5, 2), (0, 1), (1, 0), (3, 4)]
    cache = KVCache.allocate(config, batch=2, capacity=40, storage=storage)
    found: list[list[Tensor]] = [[], []]
    done = [0, 0]
    for both in counts:
        piece_BT = torch.full((2, max(both)), 96)
        for row, count in enumerate(both):
            piece_BT[row, :count] = tokens_BT[row, done[row] : done[row] + count]
            done[row] += count
        logits = model(piece_BT, cache=cache, counts_B=torch.tensor(both))
        for row, count in enumerate(both):
            found[row].append(logits[row, :count])
    assert cache.lengths_B is not None
    assert cache.lengths_B.tolist() == done
    for row in (0, 1):
        alone = model(tokens_BT[row : row + 1, : done[row]])[0]
        far = (torch.cat(found[row]) - alone).abs()
        if storage == "plain":
            assert float(far.max()) < 1e-4
        else:
            assert float(far.mean() / alone.std()) < 0.03


def test_a_ring_takes_room_for_its_window_alone() -> None:
    cache = KVCache.allocate(SLIDING, batch=2, capacity=1000)
    assert cache.bytes == 2 * 2 * 2 * 16 * 4 * (6 + 1000 + 6)  # keys and values, batch, heads, width, bytes, slots


def test_a_ring_is_not_wound_back(tokens_BT: Tensor) -> None:
    model = random_model(SLIDING)
    cache = KVCache.allocate(SLIDING, batch=2, capacity=30)
    model(tokens_BT[:, :5], cache=cache)
    cache.truncate(3)
    assert_close(model(tokens_BT[:, 3:9], cache=cache), model(tokens_BT[:, :9])[:, 3:], atol=5e-5, rtol=1e-4)
    with pytest.raises(BadInput, match="wound back"):
        cache.truncate(5)
    cache.truncate(0)
    assert_close(model(tokens_BT, cache=cache), model(tokens_BT), atol=5e-5, rtol=1e-4)


def test_bytes_take_a_quarter_and_stay_close(tokens_BT: Tensor) -> None:
    model = random_model(DECODER)
    plain, small = (KVCache.allocate(DECODER, 2, 64, storage=kind) for kind in ("plain", "int8"))
    assert small.bytes < 0.32 * plain.bytes
    for cache in (plain, small):
        model(tokens_BT[:, :20], cache=cache)
    one, other = (model(tokens_BT[:, 20:], cache=cache) for cache in (plain, small))
    assert float((one - other).std() / one.std()) < 0.03


@pytest.mark.parametrize("storage", ["plain", "int8"])
def test_a_shared_beginning_is_computed_once_for_many(
    decoder: Transformer, tokens_BT: Tensor, storage: Storage
) -> None:
    cache = KVCache.allocate(DECODER, batch=1, capacity=12, storage=storage)
    decoder(tokens_BT[:1, :12], cache=cache)
    many = cache.prefix(30).rows(torch.tensor([0, 0, 0]))
    ends_BT = torch.stack([(tokens_BT[0, 12:17] + shift) % 97 for shift in (0, 5, 9)])
    found = decoder(ends_BT, cache=many)
    whole = decoder(torch.cat([tokens_BT[:1, :12].expand(3, -1), ends_BT], dim=1))[:, 12:]
    assert float((found - whole).abs().mean()) < (1e-5 if storage == "plain" else 0.05 * float(whole.std()))


def test_more_than_there_is_room_for(decoder: Transformer, tokens_BT: Tensor) -> None:
    cache = KVCache.allocate(DECODER, batch=2, capacity=22)
    with pytest.raises(BadInput, match="at most 22"):
        decoder(tokens_BT, cache=cache)
    assert cache.length == 0
