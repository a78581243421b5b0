"""A generation request says what is wrong with it and means what its names say."""

import dataclasses

import pytest

from alen.errors import BadInput
from alen.generation.config import GenerationConfig


def test_the_two_names_of_max_tokens():
    assert GenerationConfig(max_new_tokens=7).max_tokens == 7
    assert GenerationConfig(max_new_tokens=7, max_tokens=7).max_tokens == 7
    with pytest.raises(BadInput) as caught:
        GenerationConfig(max_new_tokens=7, max_tokens=8)
    assert caught.value.field == "max_new_tokens"


def test_a_config_can_be_changed_in_one_field():
    config = dataclasses.replace(GenerationConfig(max_new_tokens=7, temperature=0.5), max_tokens=9)
    assert (config.max_tokens, config.temperature) == (9, 0.5)


@pytest.mark.parametrize(
    ("config", "prompt", "context", "budget"),
    [
        (GenerationConfig(), 10, 8192, 256),
        (GenerationConfig(), 10, 100, 90),
        (GenerationConfig(max_tokens=5), 10, 100, 5),
        (GenerationConfig(max_length=30), 10, 100, 20),
        (GenerationConfig(max_length=3000), 10, 8192, 2990),
        (GenerationConfig(max_length=30, max_tokens=5), 10, 100, 5),
        (GenerationConfig(max_length=12, max_tokens=5), 10, 100, 2),
    ],
)
def test_budget(config, prompt, context, budget):
    assert config.budget(prompt, context) == budget


def test_a_prompt_that_fills_its_bounds_is_refused():
    with pytest.raises(BadInput, match=r"prompt: found 100 tokens. Allowed: at most 99"):
        GenerationConfig().budget(100, 100)
    with pytest.raises(BadInput, match="max_length"):
        GenerationConfig(max_length=10).budget(10, 100)


@pytest.mark.parametrize(
    ("fields", "temperature", "greedy"),
    [
        ({}, 0.0, True),
        ({"temperature": 0.7}, 0.7, False),
        ({"temperature": 0}, 0.0, True),
        ({"do_sample": True}, 1.0, False),
        ({"do_sample": False, "temperature": 0.7}, 0.7, True),
        ({"do_sample": True, "temperature": 0.0}, 0.0, True),
        ({"top_k": 5}, 1.0, False),
        ({"top_p": 0.9}, 1.0, False),
        ({"do_sample": False, "top_k": 5}, 0.0, True),
    ],
)
def test_when_sampling_happens(fields, temperature, greedy):
    config = GenerationConfig(**fields)
    assert config.temperature == temperature
    assert config.is_greedy is greedy


def test_constructors():
    assert GenerationConfig.greedy(max_tokens=3).is_greedy
    assert GenerationConfig.sampling(0.8, seed=1).temperature == 0.8
    assert GenerationConfig.top_k_sampling(50, 0.8).top_k == 50
    assert GenerationConfig.nucleus_sampling(0.9).top_p == 0.9


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_tokens", 0),
        ("max_tokens", 2.5),
        ("max_tokens", True),
        ("max_length", -1),
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("temperature", "hot"),
        ("top_k", 0),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("repetition_penalty", 0.0),
        ("seed", -1),
        ("stop", ("",)),
        ("min_tokens", -1),
    ],
)
def test_bad_values_name_their_field(field, value):
    with pytest.raises(BadInput) as caught:
        GenerationConfig(**{field: value})
    assert caught.value.field == field
    assert repr(value)[:3].strip("('") in caught.value.found or caught.value.found in repr(value)


def test_one_stop_string_need_not_be_a_list():
    assert GenerationConfig(stop="\n").stop == ("\n",)
    assert GenerationConfig(stop=["a", "b"]).stop == ("a", "b")


def test_end_tokens_and_least_length():
    assert GenerationConfig().end_tokens([2, 0]) == {0, 2}
    assert GenerationConfig(eos_token_id=5).end_tokens([2]) == {5}
    assert GenerationConfig(eos_token_id=(5, 6)).end_tokens([2]) == {5, 6}
    assert GenerationConfig(min_tokens=3, min_length=20).least(10) == 10
