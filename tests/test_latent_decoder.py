"""LatentDecoder as people use it: it exists before it knows a word, learns, is saved, and refuses what it cannot do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from alen import LatentDecoder, ThoughtState
from alen.errors import BadInput
from alen.latent_decoder import tokenizer_of
from alen.learning.latent_training import LatentRecipe
from alen.text.tokenizer import Tokenizer
from tests.language_model.test_model import byte_metadata

QUESTIONS = ["How hot is the kiln?", "Who owns the bell?", "Where does the ferry land?", "When was the mill built?"]
ANSWERS = ["1,240 degrees", "Marta", "at the quay", "in 1866"]


def thought(question: str, dim: int = 64) -> ThoughtState:
    return ThoughtState.from_input(question, dim)


def taught(seed: int = 0, steps: int = 150) -> LatentDecoder:
    decoder = LatentDecoder(64, 32, tokenizer=Tokenizer.from_gguf(byte_metadata()))
    recipe = LatentRecipe(lr=1e-2, drift=0.0, noise=0.4)
    decoder.fit([thought(each) for each in QUESTIONS], ANSWERS, steps=steps, seed=seed, recipe=recipe)
    return decoder


@pytest.fixture(scope="module")
def decoder() -> LatentDecoder:
    return taught()


def test_before_it_was_taught_it_says_nothing() -> None:
    decoder = LatentDecoder(256, 64)
    assert decoder.generate(ThoughtState.from_input("question", 256)) == ""
    with pytest.raises(BadInput, match="thought"):
        decoder.generate(ThoughtState.from_input("question", 64))
    for work in (lambda: decoder.score(thought("x", 256), "x"), lambda: decoder.save("nowhere")):
        with pytest.raises(BadInput, match="fit first"):
            work()


def test_what_was_taught_is_said_also_near_it(decoder: LatentDecoder) -> None:
    assert [decoder.generate(thought(question)) for question in QUESTIONS] == ANSWERS
    assert decoder.generate(thought("Tell me, how hot is the kiln?")) == ANSWERS[0]
    assert decoder.generate(thought(QUESTIONS[2]), max_tokens=6) == "at the"


def test_the_right_answer_is_likelier(decoder: LatentDecoder) -> None:
    right, count = decoder.score(thought(QUESTIONS[1]), "Marta")
    assert count == 5
    assert right > -1.0
    assert decoder.score(thought(QUESTIONS[0]), "Marta")[0] < right - 3
    assert decoder.score(thought(QUESTIONS[1]), "Zoë")[0] < right - 5
    logged_V = decoder.next(thought(QUESTIONS[1]), decoder.fitted.tokenizer.encode("Mart"))
    assert int(logged_V.argmax()) == decoder.fitted.tokenizer.encode("a")[0]


def test_a_report_tells_what_was_learned() -> None:
    decoder = LatentDecoder(64, 32, tokenizer=Tokenizer.from_gguf(byte_metadata()))
    thoughts = [thought(each) for each in QUESTIONS]
    swapped = thoughts, [*ANSWERS[1:], ANSWERS[0]]
    recipe = LatentRecipe(lr=1e-2, drift=0.0, noise=0.3)
    found = decoder.fit(thoughts, ANSWERS, validation=swapped, steps=150, recipe=recipe)
    assert (found.recalled, found.held_out, found.texts, found.steps) == (1.0, 0.0, 4, 150)
    assert found.parameters == decoder.fitted.parameters
    assert found.to_json()["words"] == len(set("".join(ANSWERS)))


def test_the_same_seed_learns_the_same() -> None:
    one, same, other = (taught(seed, 10).next(thought(QUESTIONS[0])) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_learning_leaves_the_random_numbers_of_others_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    taught(0, 2)
    assert torch.equal(torch.rand(3), expected)


def test_it_is_saved_and_loaded(decoder: LatentDecoder, tmp_path: Path) -> None:
    digest = decoder.save(tmp_path / "decoder")
    again = LatentDecoder.load(tmp_path / "decoder")
    assert (again.thought_dim, again.hidden_dim) == (64, 32)
    assert torch.equal(again.next(thought("Anything?")), decoder.next(thought("Anything?")))
    assert again.save(tmp_path / "again") == digest


@pytest.mark.parametrize(
    ("thoughts", "texts", "field"),
    [
        ([], [], "texts"),
        ([thought("a")], ["a", "b"], "texts"),
        ([thought("a")], [" "], "texts"),
        ([thought("a", 32)], ["a"], "thought"),
        ([thought("a"), ThoughtState("b", thought("b").vector, "", (), (), "other")], ["a", "b"], "thoughts"),
        ([thought("a")], ["long " * 100], "texts"),
    ],
)
def test_what_cannot_be_learned_is_refused(thoughts: list[ThoughtState], texts: list[str], field: str) -> None:
    decoder = LatentDecoder(64, 32, tokenizer=Tokenizer.from_gguf(byte_metadata()))
    with pytest.raises(BadInput, match=field):
        decoder.fit(thoughts, texts, steps=1)
    assert decoder.generate(thought("a")) == ""


@pytest.mark.parametrize(("dims", "field"), [((0, 64), "thought_dim"), ((64, 0), "hidden_dim"), ((64, 60), "hidden")])
def test_widths_that_cannot_be_are_refused(dims: tuple[int, int], field: str) -> None:
    with pytest.raises(BadInput, match=field):
        LatentDecoder(*dims)


@pytest.mark.models
def test_the_words_are_the_language_models(models_home: Path) -> None:
    tokenizer = tokenizer_of(models_home)
    assert tokenizer.decode(tokenizer.encode("stoneware at 1,240 degrees")) == "stoneware at 1,240 degrees"
