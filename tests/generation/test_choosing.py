"""What a request does to logits, by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from alen.errors import BadInput
from alen.generation.choosing import Chooser
from alen.generation.config import GenerationConfig
from alen.generation.sampling import distribution

LOGITS = torch.tensor([1.0, 2.0, 4.0, 3.0]).log()  # probabilities 0.1 0.2 0.4 0.3


def chosen(config: GenerationConfig, written: Sequence[int] = (), **more: object) -> int:
    chooser = Chooser(config, [], **({"ends": frozenset(), "least": 0} | more))  # type: ignore[arg-type]  # made of parameters
    for token in written:
        chooser.took(token)
    return chooser.choose(LOGITS, int(LOGITS.argmax()))


def test_penalties_count_what_was_written_and_not_the_prompt() -> None:
    assert chosen(GenerationConfig()) == 2
    # 4 against 3: a penalty of 0.28 leaves 4 / e^0.28 = 3.02, one of 0.3 leaves 2.96.
    assert chosen(GenerationConfig(presence_penalty=0.28), [2, 2]) == 2
    assert chosen(GenerationConfig(presence_penalty=0.3), [2, 2]) == 3
    assert chosen(GenerationConfig(frequency_penalty=0.16), [2]) == 2
    assert chosen(GenerationConfig(frequency_penalty=0.16), [2, 2]) == 3
    prompt = Chooser(GenerationConfig(presence_penalty=5.0), [2, 2, 2], ends=frozenset(), least=0)
    assert prompt.choose(LOGITS, 2) == 2


def test_repetition_counts_the_prompt_too() -> None:
    prompt = Chooser(GenerationConfig(repetition_penalty=1.3), [2], ends=frozenset(), least=0)
    assert prompt.choose(LOGITS, 2) == 3


def test_biases_are_added() -> None:
    assert chosen(GenerationConfig(logit_bias={0: 1.5})) == 0  # e^1.5 = 4.48
    assert chosen(GenerationConfig(logit_bias={2: -100, 3: -100})) == 1
    assert chosen(GenerationConfig(logit_bias={99: 50.0})) == 2  # no such token


def test_ends_are_held_back_until_enough_is_written() -> None:
    ends = {"ends": frozenset({2}), "least": 2}
    assert chosen(GenerationConfig(), [], **ends) == 3
    assert chosen(GenerationConfig(), [3], **ends) == 3
    assert chosen(GenerationConfig(), [3, 3], **ends) == 2


def test_a_constraint_leaves_what_it_allows() -> None:
    class Odd:
        def __init__(self) -> None:
            self.heard: list[int] = []

        def allowed(self) -> torch.Tensor:
            return torch.tensor([False, True, False, False])

        def took(self, token: int) -> None:
            self.heard.append(token)

    held = Odd()
    assert chosen(GenerationConfig(), [1], constraint=held) == 1
    assert chosen(GenerationConfig(temperature=1.0, seed=1), constraint=Odd()) == 1
    assert held.heard == [1]


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        ({"min_p": 0.5}, {1: 2 / 9, 2: 4 / 9, 3: 3 / 9}),
        ({"min_p": 0.6}, {2: 4 / 7, 3: 3 / 7}),
        ({"min_p": 1.0}, {2: 1.0}),
        # The entropy is 1.28; surprises are 2.30, 1.61, 0.92, 1.20: nearest are 3, then 1, then 2, then 0.
        ({"typical_p": 0.29}, {3: 1.0}),
        ({"typical_p": 0.45}, {1: 0.4, 3: 0.6}),
        ({"typical_p": 0.6}, {1: 2 / 9, 2: 4 / 9, 3: 3 / 9}),
        ({"top_p": 0.9, "min_p": 0.7}, {2: 4 / 7, 3: 3 / 7}),
        ({"top_k": 3, "typical_p": 0.3}, {3: 1.0}),
    ],
)
def test_filters_by_hand(filters: dict[str, float], kept: dict[int, float]) -> None:
    ids, probabilities = distribution(LOGITS, 1.0, **filters)  # type: ignore[arg-type]  # made of parameters
    found = dict(zip(ids.tolist(), probabilities.tolist(), strict=True))
    assert found == {token: pytest.approx(p, abs=1e-6) for token, p in kept.items()}


@pytest.mark.parametrize(
    "fields",
    [
        {"min_p": 1.5},
        {"min_p": -0.1},
        {"typical_p": 0.0},
        {"presence_penalty": float("nan")},
        {"frequency_penalty": 1e9},
        {"logit_bias": {"a": 1.0}},
        {"logit_bias": {1: float("inf")}},
        {"top_logprobs": 21},
    ],
)
def test_bad_values_name_their_field(fields: dict[str, object]) -> None:
    with pytest.raises(BadInput, match=next(iter(fields))):
        GenerationConfig(**fields)  # type: ignore[arg-type]  # made of parameters
