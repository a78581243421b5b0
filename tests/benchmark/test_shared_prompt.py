"""What is read once says the same as what is read anew."""

from __future__ import annotations

import math

import pytest
import torch

from alen.benchmark.shared_prompt import TOP, SharedPrompt
from alen.engine.local_model import LocalModel
from alen.language_model import LargeLanguageModel
from tests.benchmark.tiny_model import tiny_model

EXAMPLES = "Question: How hot?\nAnswer: 1,240\n\n"


@pytest.fixture(scope="module")
def model() -> LargeLanguageModel:
    return tiny_model()


def whole(model: LargeLanguageModel, ids: list[int]) -> torch.Tensor:
    """Log-probabilities after each token, in one pass without a cache."""
    with torch.inference_mode():
        return model.model(torch.tensor([ids]))[0].log_softmax(-1)


def test_a_conversation_is_answered_as_by_the_model_itself(model: LargeLanguageModel) -> None:
    messages = [{"role": "user", "content": "How hot does it get?"}]
    prompt = SharedPrompt(model)
    prompt.read(messages)
    (reply,) = prompt.write(1, max_tokens=20, temperature=0, seed=0)
    (other,) = LocalModel(model).generate(messages, max_tokens=20)
    assert reply.tokens[: other.tokens] == list(other.token_ids)
    assert reply.logprobs[: other.tokens] == pytest.approx(other.logprobs, abs=1e-4)
    (scored,) = LocalModel(model).score(messages, ["warm"])
    assert prompt.given(["warm"])[0].logprobs[:-1] == pytest.approx(scored, abs=1e-4)


def test_a_shared_beginning_changes_nothing(model: LargeLanguageModel) -> None:
    used, fresh = SharedPrompt(model), SharedPrompt(model)
    for question in ("What is fired?", "What is fired twice?", "Who?", "Who fires " + "very " * 60 + "long?", "Who?"):
        text = f"{EXAMPLES}Question: {question}\nAnswer:"
        fresh = SharedPrompt(model)
        for prompt in (used, fresh):
            prompt.read(text)
        assert used.length == fresh.length == len(model.tokenizer.encode(text))
        one, other = (prompt.write(3, max_tokens=8, temperature=1.0, seed=5) for prompt in (used, fresh))
        assert [reply.tokens for reply in one] == [reply.tokens for reply in other]
        assert used.next_token(" A") == pytest.approx(fresh.next_token(" A"), abs=1e-4)
    assert used.forwarded < 2 * fresh.forwarded + 2 * (60 * 5)


def test_what_is_kept_is_that_of_the_full_distribution(model: LargeLanguageModel) -> None:
    text = f"{EXAMPLES}Question: What?\nAnswer:"
    prompt = SharedPrompt(model)
    prompt.read(text)
    replies = prompt.given(["clay", "a bowl"])
    for reply, said in zip(replies, (" clay\n", " a bowl\n"), strict=True):
        ids = model.tokenizer.encode(text)
        tokens = [*model.tokenizer.encode(said[:-1]), *model.tokenizer.encode("\n")]
        assert reply.tokens == tokens
        rows = whole(model, [*ids, *tokens])[len(ids) - 1 : -1]
        for place, token in enumerate(tokens):
            told = rows[place].double()
            assert reply.logprobs[place] == pytest.approx(float(told[token]), abs=1e-4)
            best = sorted(told.tolist(), reverse=True)
            assert reply.margins[place] == pytest.approx(best[0] - best[1], abs=1e-4)
            assert reply.entropies[place] == pytest.approx(-sum(math.exp(x) * x for x in best), abs=1e-3)
    kept = prompt.distribution(replies[1].tokens)
    assert len(kept.top) == len(replies[1].tokens)
    halves = [math.exp(x / 2) for x in best]
    assert kept.top[-1] == pytest.approx(best[:TOP], abs=1e-4)
    assert kept.mean_logprob[-1] == pytest.approx(sum(best) / len(best), abs=1e-4)
    assert kept.root_sum[-1] == pytest.approx(sum(math.sqrt(x / sum(halves)) for x in halves), abs=1e-3)


def test_a_reply_ends_before_its_stop_string(model: LargeLanguageModel) -> None:
    prompt = SharedPrompt(model)
    prompt.read("Question: What?\nAnswer:")
    (free,) = prompt.write(1, max_tokens=12, temperature=0, seed=0)
    assert len(free.text) > 2
    stop = free.text[1:3]
    (ended,) = prompt.write(1, max_tokens=12, temperature=0, seed=0, stop=(stop,))
    assert ended.text == free.text.partition(stop)[0].strip()
    assert ended.finish == "stop"
    assert len(ended.tokens) == len(ended.logprobs) < len(free.tokens)
