"""Next tokens of several sources become one distribution, whatever writes with it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from alen.errors import BadInput
from alen.generation.config import GenerationConfig
from alen.generation.hybrid import Mixer, RecalledTexts, told_apart
from alen.generation.text_generator import TextGenerator
from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer

END = 0


class Fixed:
    """Says one distribution, or nothing."""

    def __init__(self, chances: Sequence[float] | None) -> None:
        self.chances = chances

    def next(self, written: Sequence[int], size: int) -> Tensor | None:
        return None if self.chances is None else torch.tensor(self.chances).log()


OWN = torch.tensor([0.7, 0.2, 0.1]).log()


def chances(source: RecalledTexts, *written: int) -> dict[int, float] | None:
    found_V = source.next(written, 10)
    return None if found_V is None else {n: float(p) for n, p in enumerate(found_V.exp()) if p > 0}


def test_a_mixture_by_hand() -> None:
    mixer = Mixer((0.5, 0.3, 0.2), (Fixed([0.0, 0.0, 1.0]), Fixed([0.1, 0.8, 0.1])))
    found_V = mixer.mixed(OWN, [])
    assert found_V.exp().tolist() == pytest.approx([0.37, 0.26, 0.37])
    assert float(found_V.logsumexp(0)) == pytest.approx(0, abs=1e-6)


def test_who_has_nothing_to_say_leaves_its_share_to_the_model() -> None:
    mixer = Mixer((0.5, 0.3, 0.2), (Fixed(None), Fixed([0.1, 0.8, 0.1])))
    assert mixer.mixed(OWN, []).exp().tolist() == pytest.approx([0.58, 0.32, 0.1])
    assert Mixer((0.5, 0.5), (Fixed(None),)).mixed(OWN, []) is OWN


@pytest.mark.parametrize("shares", [(1.0,), (0.5, 0.4), (1.2, -0.2), (0.0, 1.0)])
def test_shares_that_are_none_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(BadInput, match="shares"):
        Mixer(shares, (Fixed(None),))


def test_an_answer_that_begins_so_says_what_comes() -> None:
    source = RecalledTexts([([1, 2, 3], 3.0), ([1, 4], 1.0)], end=END)
    assert chances(source) == {1: 1.0}
    assert chances(source, 1) == pytest.approx({2: 0.75, 4: 0.25})
    assert chances(source, 1, 4) == {END: 1.0}
    assert chances(source, 5) is None


def test_else_the_longest_run_in_any_text_counts() -> None:
    source = RecalledTexts([], [([1, 2, 3, 4, 2, 3, 5], 1.0), ([9, 2, 3, 4], 2.0)], end=END)
    assert chances(source) is None
    assert chances(source, 3) is None
    assert chances(source, 7, 2, 3) == pytest.approx({4: 0.75, 5: 0.25})
    assert chances(source, 4, 2, 3) == {5: 1.0}


def test_tokens_that_the_model_lacks_are_left_out() -> None:
    source = RecalledTexts([([50], 1.0), ([2], 1.0)])
    assert chances(source) == {2: 1.0}
    assert chances(source, 2) is None  # no end was named


def test_what_each_gave_is_told_apart() -> None:
    told = told_apart([-1.0, -2.0], [RecalledTexts([([1, 2], 1.0)]), Fixed([0.1, 0.5, 0.4])], [1, 0], 3)
    assert told.tolist() == [[-1.0, 0.0, pytest.approx(math.log(0.5))], [-2.0, -math.inf, pytest.approx(math.log(0.1))]]


@pytest.fixture(scope="module")
def model() -> Transformer:
    torch.manual_seed(0)
    shape = {"vocab_size": 30, "d_model": 16, "num_layers": 1, "max_seq_len": 64, "attention": {"num_heads": 2}}
    return Transformer(TransformerConfig.parse(shape)).eval().requires_grad_(False)


def written(model: Transformer, mixer: Mixer | None, **fields: float) -> tuple[list[int], list[float]]:
    generator = TextGenerator(model, end_tokens=[END])
    config = GenerationConfig(max_tokens=8, **fields)  # type: ignore[arg-type]  # made of parameters
    [ticket] = generator.batch.submit([3, 4], config, end_tokens=[END], mixer=mixer)
    steps = list(ticket)
    generator.batch.close()
    return [step.token for step in steps], [step.logprob for step in steps]


def test_a_text_is_written_from_the_mixture(model: Transformer) -> None:
    answer = [7, 8, 9, 7]
    tokens, logprobs = written(model, Mixer((0.1, 0.9), (RecalledTexts([(answer, 1.0)], end=END),)))
    assert tokens == answer
    logits_TV = model(torch.tensor([[3, 4, *answer]]))[0].log_softmax(-1)
    for place, (token, logged) in enumerate(zip(tokens, logprobs, strict=True)):
        own = float(logits_TV[1 + place, token].exp())
        assert logged == pytest.approx(math.log(0.1 * own + 0.9), abs=1e-4)


def test_without_a_say_the_text_is_the_models(model: Transformer) -> None:
    tokens, logprobs = written(model, None)
    found, told = written(model, Mixer((1.0, 0.0), (Fixed([1.0] + [0.0] * 29),)))
    assert (found, told) == (tokens, pytest.approx(logprobs, abs=1e-5))
    silent = Mixer((0.5, 0.5), (RecalledTexts(),))
    assert written(model, silent, temperature=1.0, seed=4)[0] == written(model, None, temperature=1.0, seed=4)[0]
