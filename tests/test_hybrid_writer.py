"""A language model that writes with a decoder and with memory: what each knows counts, where it is known."""

from __future__ import annotations

import numpy as np
import pytest

from alen import LatentDecoder, ThoughtState
from alen.errors import BadInput
from alen.generation.mixture import Mixture
from alen.hybrid_writer import NAMES, Held, HybridWriter
from alen.learning.latent_training import LatentRecipe
from alen.text.byte_pairs import train
from tests.language_model.test_model import tiny

PLACES = "attic barn cellar depot engine foyer garage hall inn jetty kiln loft".split()
THINGS = "anvil bell coal drum eggs flags gloves hemp ink jars keys lamps".split()
PAIRS = {f"What is in the {place}?": f"the {thing}" for place, thing in zip(PLACES, THINGS, strict=True)}


def thought(question: str) -> ThoughtState:
    return ThoughtState.from_input(question, 64)


def held(question: str, answer: str, **recalled: tuple[tuple[str, float], ...]) -> Held:
    return Held([{"role": "user", "content": question}], thought(question), answer, **recalled)


@pytest.fixture(scope="module")
def writer() -> HybridWriter:
    model = tiny()
    decoder = LatentDecoder(64, 32, tokenizer=model.tokenizer)
    thoughts = [thought(question) for question in PAIRS]
    recipe = LatentRecipe(lr=1e-2, noise=0.2, drift=0.0)
    decoder.fit(thoughts, list(PAIRS.values()), steps=200, recipe=recipe)
    return HybridWriter(model, decoder.fitted, np.stack([each.vector for each in thoughts]))


def test_before_shares_are_fitted_the_model_is_alone(writer: HybridWriter) -> None:
    question, answer = next(iter(PAIRS.items()))
    text = held(question, answer)
    messages = text.messages
    assert writer.mixture == Mixture(NAMES, (1.0, 0.0, 0.0), 0.0)
    prompt = writer.model.tokenizer.encode(writer.model.chat_prompt(messages))
    [logged] = writer.model.token_scores(prompt, [answer])
    assert writer.score(text) == (pytest.approx(sum(logged)), len(logged))
    alone = writer.model.chat(messages, max_tokens=5)
    assert writer.chat(messages, text.thought, max_tokens=5).token_ids == alone.token_ids


def test_shares_are_fitted_and_used_where_the_thought_is_known(writer: HybridWriter) -> None:
    known = [held(f"Say: {question}", answer) for question, answer in PAIRS.items()]
    strange = [held(f"Sing number {n} of old!", "la la la") for n in range(12)]
    fitted = writer.fit(known + strange)
    assert fitted.shares[1] > 0.5
    assert fitted.shares[2] == 0.0  # nothing was recalled
    near, far = known[3], strange[3]
    assert writer.unfamiliarity(near.thought) <= fitted.farthest < writer.unfamiliarity(far.thought)
    assert writer.chat(near.messages, near.thought, max_tokens=9).text == near.text
    alone = writer.model.chat(far.messages, max_tokens=9)
    assert writer.chat(far.messages, far.thought, max_tokens=9).token_ids == alone.token_ids
    assert writer.score(far)[0] == pytest.approx(writer.told(far)[:, 0].sum())


def test_what_memory_recalls_is_a_source_of_its_own(writer: HybridWriter) -> None:
    question = "What is in the attic?"
    text = held(question, "42", answers=(("42", 0.9), ("the z", 0.1)))
    told_TK = writer.told(text)
    assert np.exp(told_TK[0, 2]) == pytest.approx(0.9)
    assert np.exp(told_TK[1, 2]) == pytest.approx(1.0)
    mixed = HybridWriter(writer.model, writer.decoder, writer.known_ND, Mixture(NAMES, (0.1, 0.0, 0.9), 2.0))
    assert mixed.chat(text.messages, text.thought, answers=text.answers, max_tokens=9).text == "42"


def test_where_memory_is_not_asked_the_decoder_counts_by_itself(writer: HybridWriter) -> None:
    """Memory knows all that the decoder does, and surer."""
    texts = [held(f"Say: {question}", answer, answers=((answer, 1.0),)) for question, answer in PAIRS.items()]
    texts += [held(f"Sing number {n} of old!", "la la la") for n in range(12)]
    told = [writer.told(text) for text in texts]
    for told_TK in told[: len(PAIRS)]:
        told_TK[:, 1] = np.minimum(told_TK[:, 1], -0.7)
    both = HybridWriter(writer.model, writer.decoder, writer.known_ND)
    fitted = both.fit_told(told, [both.unfamiliarity(text.thought) for text in texts])
    assert fitted.shares[1] == 0.0
    near = texts[3]
    assert both.shares(near.thought)[2] > 0.5
    assert both.shares(near.thought, memory=False)[1] > 0.5
    assert both.chat(near.messages, near.thought, max_tokens=9).text == near.text


def test_what_does_not_fit_together_is_refused(writer: HybridWriter) -> None:
    other = tiny()
    other.tokenizer = train(["the kiln " * 20], 262)
    with pytest.raises(BadInput, match="tokenizer"):
        HybridWriter(other, writer.decoder, writer.known_ND)
    for wrong in (np.zeros((0, 64)), np.zeros((3, 63)), np.zeros(64)):
        with pytest.raises(BadInput, match="known"):
            HybridWriter(writer.model, writer.decoder, wrong)
