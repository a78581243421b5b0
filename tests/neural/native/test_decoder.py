"""Kernels beside torch, and rows that come out the same bit for bit whatever stands beside them."""

from __future__ import annotations

import math

import pytest
import torch

from alen.errors import BadInput
from alen.neural.config import TransformerConfig
from alen.neural.native import Format, NativeDecoder, why_not
from alen.neural.paging import Feed
from alen.neural.transformer import Transformer
from tests.kernels import decoder, loaded_library, model

TOKENS = torch.randint(0, 100, (200,), generator=torch.Generator().manual_seed(1)).tolist()
WIDTHS = (False, True)


def read(made: NativeDecoder, tokens: list[int], *, piece: int = 10**6, wide: bool = False) -> torch.Tensor:
    text = made.begin()
    parts = []
    for start in range(0, len(tokens), piece):
        some = tokens[start : start + piece]
        parts.append(made.step([Feed(text, some, len(some))], wide=wide).logits)
    made.end(text)
    return torch.cat(parts)


def spread(of: Transformer) -> tuple[torch.Tensor, float]:
    with torch.inference_mode():
        logits_TV = of(torch.tensor([TOKENS]))[0]
    return logits_TV, float(logits_TV.std())


@pytest.mark.parametrize(
    ("format", "error"), [(Format.HALVES, 0.003), (Format.BYTES, 0.06), (Format.NIBBLES, 0.6)], ids=lambda x: str(x)
)
def test_logits_are_those_of_torch_but_for_rounding(format: Format, error: float) -> None:
    """The root mean square of the difference, in standard deviations of the logits."""
    of = model()
    expected, deviation = spread(of)
    found = read(decoder(of, format), TOKENS)
    assert float((found - expected).square().mean().sqrt()) < error * deviation


@pytest.mark.parametrize(
    "changed",
    [
        {"attention": {"num_heads": 4, "num_kv_heads": 2, "head_dim": 64, "qkv_bias": True}},
        {"attention": {"num_heads": 3, "num_kv_heads": 3, "head_dim": 32, "bias": True, "variant": "mha"}},
        {"ffn": {"hidden_dim": 96, "bias": True}, "tie_embeddings": False},
        {"positional": {"rope_scaling": 4.0}, "vocab_size": 101},
    ],
    ids=["wide heads and biases", "a head for each", "head of its own", "scaled positions, odd vocabulary"],
)
def test_every_option_that_is_known(changed: dict) -> None:
    of = model(2, **changed)
    tokens = [token % of.config.vocab_size for token in TOKENS]
    with torch.inference_mode():
        expected = of(torch.tensor([tokens]))[0]
    found = read(decoder(of, Format.HALVES), tokens)
    assert found.shape == expected.shape
    assert float((found - expected).square().mean().sqrt()) < 0.005 * float(expected.std())


@pytest.mark.parametrize("wide", WIDTHS)
@pytest.mark.parametrize("format", list(Format), ids=lambda x: x.name)
def test_pieces_of_any_size_change_no_bit(format: Format, wide: bool) -> None:
    made = decoder(format=format)
    whole = read(made, TOKENS, wide=wide)
    for piece in (1, 7, 16, 33, 64, 100):
        assert torch.equal(whole, read(made, TOKENS, piece=piece, wide=wide)), piece
    assert made.pool.free == made.pool.count


@pytest.mark.parametrize("wide", WIDTHS)
def test_neighbours_change_no_bit(wide: bool) -> None:
    made = decoder()
    whole = read(made, TOKENS, wide=wide)
    texts = [made.begin() for _ in range(5)]
    lengths = (3, 64, 65, 130, 17)
    made.step([Feed(text, TOKENS[:length], 0) for text, length in zip(texts, lengths, strict=True)], wide=wide)
    feeds = [Feed(text, TOKENS[length : length + 9], 9) for text, length in zip(texts, lengths, strict=True)]
    together = made.step(feeds, wide=wide).logits
    assert torch.equal(together, torch.cat([whole[length : length + 9] for length in lengths]))


def test_threads_change_no_bit() -> None:
    of = model()
    assert torch.equal(read(decoder(of, threads=1), TOKENS), read(decoder(of, threads=3), TOKENS))


def test_the_summary_of_a_row() -> None:
    made = decoder()
    stepped = made.step([Feed(made.begin(), TOKENS, 50)])
    assert torch.tensor(stepped.best).equal(stepped.logits.argmax(-1).int())
    assert stepped.log_total.tolist() == pytest.approx(stepped.logits.logsumexp(-1).tolist(), abs=1e-5)


def test_hidden_states_are_those_before_the_head() -> None:
    of = model()
    made = decoder(of, Format.HALVES)
    with torch.inference_mode():
        expected = of.hidden(torch.tensor([TOKENS]))[0, -3:]
    found = made.hidden([Feed(made.begin(), TOKENS, 3)])
    assert float((found - expected).square().mean().sqrt()) < 0.005 * float(expected.std())


def test_a_fork_goes_on_from_anywhere_and_leaves_the_other_as_it_is() -> None:
    made = decoder()
    whole = read(made, TOKENS)
    text = made.begin()
    made.step([Feed(text, TOKENS[:150])])
    forks = {length: made.fork(text, length) for length in (0, 1, 63, 64, 65, 128, 150)}
    for length, fork in forks.items():
        other = [99 - token for token in TOKENS[length : length + 20]]
        made.step([Feed(fork, other)])
        made.truncate(fork, length)
        again = made.step([Feed(fork, TOKENS[length : length + 20], 20)]).logits
        assert torch.equal(again, whole[length : length + 20]), length
    assert torch.equal(made.step([Feed(text, TOKENS[150:], 50)]).logits, whole[150:])
    for each in (text, *forks.values()):
        made.end(each)
    assert made.pool.free == made.pool.count


def test_a_text_cut_back_into_a_shared_page_writes_into_its_own() -> None:
    made = decoder()
    whole = read(made, TOKENS)
    text = made.begin()
    made.step([Feed(text, TOKENS[:128])])
    fork = made.fork(text)
    made.truncate(fork, 70)
    made.step([Feed(fork, [5] * 30)])
    made.truncate(text, 120)
    assert torch.equal(made.step([Feed(text, TOKENS[120:130], 10)]).logits, whole[120:130])


def test_what_is_known_of_a_prompt_is_not_read_again() -> None:
    made = decoder()
    whole = read(made, TOKENS, wide=True)
    text = made.begin(TOKENS)
    assert text.length == 0
    made.step([Feed(text, TOKENS)], wide=True)
    made.keep(TOKENS, text)
    made.end(text)
    again = made.begin(TOKENS)
    assert again.length == 192
    assert torch.equal(made.step([Feed(again, TOKENS[192:], 8)], wide=True).logits, whole[192:])
    assert made.begin([*TOKENS[:100], 1, 2, 3, *TOKENS[100:]]).length == 64
    assert made.begin(TOKENS[:128]).length == 64  # a token is left to be read
    assert made.begin([7, *TOKENS]).length == 0


def test_kept_prompts_make_room_for_forks() -> None:
    """A fork in the middle of a page takes one, which once failed when kept prompts held all the others."""
    made = decoder(tokens=5 * 64)
    for start in (0, 1):
        text = made.begin()
        made.step([Feed(text, TOKENS[start : start + 130], 0)])
        made.keep(TOKENS[start : start + 128], text)
        if not start:
            made.end(text)
    forks = [made.fork(text), made.fork(text, 70)]
    assert [fork.length for fork in forks] == [130, 70]


def test_kept_prompts_make_room_for_texts() -> None:
    made = decoder(tokens=256)
    for start in range(0, 120, 20):
        text = made.begin()
        made.step([Feed(text, TOKENS[start : start + 70])])
        made.keep(TOKENS[start : start + 70], text)
        made.end(text)
    text = made.begin()
    made.step([Feed(text, TOKENS)])
    assert made.pool.free == 0


def test_what_does_not_fit_changes_nothing() -> None:
    made = decoder(tokens=128)
    text = made.begin()
    made.step([Feed(text, TOKENS[:100])])
    with pytest.raises(BadInput, match="pages"):
        made.step([Feed(text, TOKENS[100:150])])
    assert (text.length, len(text.pages), made.pool.free) == (100, 2, 0)
    made.step([Feed(text, TOKENS[100:128])])
    for tokens, what in (([100], "vocabulary"), ([-1], "vocabulary"), ([1] * 601, "at most 600")):
        with pytest.raises(BadInput, match=what):
            made.step([Feed(made.begin(), tokens)])


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"positional": {"encoding": "learned"}}, "rotary"),
        ({"norm": {"type": "layernorm"}}, "RMSNorm"),
        ({"norm": {"placement": "sandwich"}}, "RMSNorm"),
        ({"parallel_layers": True}, "parallel"),
        ({"ffn": {"variant": "mlp", "activation": "gelu"}}, "SwiGLU"),
        ({"attention": {"num_heads": 2, "head_dim": 32, "qk_norm": True}}, "norms over"),
        ({"attention": {"num_heads": 2, "mask_type": "bidirectional"}}, "bidirectional"),
        ({"attention": {"num_heads": 4, "head_dim": 16}}, "heads of 16"),
        ({"attention": {"num_heads": 2, "head_dim": 32}, "ffn": {"hidden_dim": 100}}, "widths"),
        ({"language_head": False}, "head over"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_what_the_kernels_do_not_know_is_said(changed: dict, what: str) -> None:
    config = TransformerConfig.parse({"vocab_size": 100, "d_model": 64, "num_layers": 1} | changed)
    assert what in (why_not(config) or "")
    with pytest.raises(BadInput, match="model"):
        NativeDecoder(loaded_library(), config, {}, {}, threads=1, cache_tokens=64)


def test_a_long_text_is_summed_as_torch_sums_it() -> None:
    of = model(3)
    tokens = (TOKENS * 3)[:590]
    with torch.inference_mode():
        expected = of(torch.tensor([tokens]))[0, -1]
    found = read(decoder(of, Format.HALVES), tokens)[-1]
    assert float((found - expected).abs().max()) < 0.02 * float(expected.std()) * math.sqrt(10)
