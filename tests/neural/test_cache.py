"""A cache forgets and copies exactly what it is told to."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.testing import assert_close

from alen.neural.cache import KVCache
from alen.neural.transformer import Transformer
from tests.neural.conftest import DECODER


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
