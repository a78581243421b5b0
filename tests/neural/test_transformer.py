"""What must not depend on how a text reaches the model: in one piece, in chunks, alone or in a batch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from alen.errors import BadInput
from alen.neural.cache import KVCache
from alen.neural.transformer import Transformer
from tests.neural.conftest import DECODER, random_model


@pytest.mark.parametrize("chunks", [[23], [1] * 23, [10, 13], [22, 1], [1, 5, 1, 1, 15], [7, 7, 7, 2]])
def test_cached_in_chunks_equals_uncached(decoder: Transformer, tokens_BT: Tensor, chunks: list[int]) -> None:
    whole_BTV = decoder(tokens_BT)
    cache = KVCache.allocate(DECODER, batch=2, capacity=30)
    parts = [decoder(chunk_BT, cache=cache) for chunk_BT in tokens_BT.split(chunks, dim=1)]
    assert cache.length == 23
    assert_close(torch.cat(parts, dim=1), whole_BTV, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_one_token_after_a_prompt_for_every_sharing_of_heads(kv_heads: int, tokens_BT: Tensor) -> None:
    sharing = DECODER.model_copy(update={"attention": DECODER.attention.model_copy(update={"num_kv_heads": kv_heads})})
    model = random_model(sharing)
    cache = KVCache.allocate(sharing, batch=2, capacity=23)
    model(tokens_BT[:, :-1], cache=cache)
    assert_close(model(tokens_BT[:, -1:], cache=cache), model(tokens_BT)[:, -1:], atol=2e-5, rtol=1e-5)


def test_later_tokens_do_not_reach_earlier_ones(decoder: Transformer, tokens_BT: Tensor) -> None:
    changed_BT = tokens_BT.clone()
    changed_BT[:, 15:] = (changed_BT[:, 15:] + 1) % 97
    before, after = decoder(tokens_BT), decoder(changed_BT)
    assert_close(before[:, :15], after[:, :15])
    assert not torch.allclose(before[:, 15:], after[:, 15:], atol=1e-2)


def test_every_token_reaches_every_other_in_an_encoder(encoder: Transformer, tokens_BT: Tensor) -> None:
    changed_BT = tokens_BT.clone()
    changed_BT[:, -1] = (changed_BT[:, -1] + 1) % 97
    difference_BT = (encoder.hidden(tokens_BT) - encoder.hidden(changed_BT)).abs().amax(-1)
    assert bool((difference_BT > 1e-4).all())


def test_last_only_is_the_last(decoder: Transformer, tokens_BT: Tensor) -> None:
    assert_close(decoder(tokens_BT, last_only=True), decoder(tokens_BT)[:, -1:])


def test_logits_are_hidden_states_times_the_embedding(decoder: Transformer, tokens_BT: Tensor) -> None:
    hidden_BTD = decoder.hidden(tokens_BT)
    assert hidden_BTD.shape == (2, 23, 64)
    assert_close(decoder(tokens_BT), hidden_BTD @ decoder.embedding.weight.T)


def test_positions_matter_only_by_distance(decoder: Transformer, tokens_BT: Tensor) -> None:
    """Rotary positions: a text that starts at 30 reads as the same text at 0; one with gaps does not."""
    at = torch.arange(23)[None]
    assert_close(decoder(tokens_BT, positions_BT=at + 30), decoder(tokens_BT), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(decoder(tokens_BT, positions_BT=at * 2), decoder(tokens_BT), atol=1e-2)


def test_ragged_batch_equals_singles(decoder: Transformer, tokens_BT: Tensor) -> None:
    """Prompt and next token of texts of two lengths, padded behind: masks keep the padding out."""
    lengths = [23, 14]
    at_S = torch.arange(24)
    valid_BS = at_S[None] < torch.tensor(lengths)[:, None]
    valid_BS[:, 23] = True  # the slot of the next token
    cache = KVCache.allocate(DECODER, batch=2, capacity=24)
    causal_TS = torch.ones(23, 23, dtype=torch.bool).tril()
    prompt_BTV = decoder(tokens_BT, cache=cache, mask_BTS=causal_TS & valid_BS[:, None, :23])
    next_B1 = torch.tensor([[5], [6]])
    step_BTV = decoder(next_B1, cache=cache, positions_BT=torch.tensor(lengths)[:, None], mask_BTS=valid_BS[:, None, :])
    for row, length in enumerate(lengths):
        alone = decoder(torch.cat([tokens_BT[row, :length], next_B1[row]])[None])
        assert_close(prompt_BTV[row, :length], alone[0, :-1], atol=2e-5, rtol=1e-5)
        assert_close(step_BTV[row, 0], alone[0, -1], atol=2e-5, rtol=1e-5)


def test_padding_does_not_reach_an_encoder(encoder: Transformer, tokens_BT: Tensor) -> None:
    lengths = [23, 9]
    valid_BS = torch.arange(23)[None] < torch.tensor(lengths)[:, None]
    batch_BTD = encoder.hidden(tokens_BT, mask_BTS=valid_BS[:, None, :])
    for row, length in enumerate(lengths):
        alone = encoder.hidden(tokens_BT[row : row + 1, :length])
        assert_close(batch_BTD[row, :length], alone[0], atol=2e-5, rtol=1e-5)


def test_more_tokens_than_the_cache_holds(decoder: Transformer, tokens_BT: Tensor) -> None:
    with pytest.raises(BadInput, match="at most 20"):
        decoder(tokens_BT, cache=KVCache.allocate(DECODER, batch=2, capacity=20))


def test_bfloat16_model_stays_bfloat16_and_near(decoder: Transformer, tokens_BT: Tensor) -> None:
    exact = decoder(tokens_BT)
    rounded = random_model(DECODER).to(torch.bfloat16)
    cache = KVCache.allocate(DECODER, batch=2, capacity=23, dtype=torch.bfloat16)
    found = rounded(tokens_BT, cache=cache)
    assert found.dtype == torch.bfloat16
    assert float((found.float() - exact).square().mean().sqrt()) < 0.05 * float(exact.std())


@pytest.mark.parametrize("half", [0, 1, DECODER.num_layers])
def test_layers_apart_are_layers_together(decoder: Transformer, tokens_BT: Tensor, half: int) -> None:
    below_BTD = decoder.passed(decoder.embedded(tokens_BT), 0, half)
    above_BTD = decoder.passed(below_BTD, half, DECODER.num_layers)
    assert torch.equal(decoder.finished(above_BTD), decoder.hidden(tokens_BT))
