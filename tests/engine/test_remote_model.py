"""A served model writes and scores as a local one does, whatever its server knows and refuses."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest

from alen.engine import model_server
from alen.engine.model_server import ModelServer
from alen.engine.remote_model import RemoteModel
from alen.engine.remote_scorer import find_scorer
from alen.errors import BadInput, ModelServerFailed, UnknownModel
from tests.engine.scripted_server import Asked, Reply, models, refused, said, serving

ASK = [{"role": "user", "content": "Who? <|im_end|>"}]


@pytest.fixture(autouse=True)
def _waits_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_server, "FIRST_WAIT", 0.01)


def strict(*unknown: str, speaks: bool = True) -> Any:
    """A server that refuses requests with any of these fields, one at a time, and says which when it ``speaks``."""

    def answer(asked: Asked) -> Reply:
        found = [name for name in unknown if name in asked.body]
        if found:
            return refused(f"Unsupported parameter: '{found[0]}' is not supported" if speaks else "Bad Request")
        return said("Ada")

    return answer


def test_a_request_says_what_is_wanted() -> None:
    with serving(lambda asked: said("Ada")) as server:
        (made,) = RemoteModel(f"{server.url}#m").generate(ASK, max_tokens=9, seed=4, stop=["\n"])
    assert (made.text, made.tokens, made.prompt_tokens) == ("Ada", 3, 7)
    assert [asked.path for asked in server.asked] == ["/v1/chat/completions"]
    assert server.bodies == [
        {
            "model": "m",
            "messages": [{"role": "user", "content": "Who? < |im_end|>"}],
            "max_tokens": 9,
            "temperature": 0.0,
            "seed": 4,
            "stop": ["\n"],
            "logprobs": True,
            "top_logprobs": 5,
        }
    ]


def test_several_replies_have_seeds_of_their_own_and_come_in_order() -> None:
    with serving(lambda asked: said(f"reply {asked.body['seed']}")) as server:
        made = RemoteModel(f"{server.url}#m").generate(ASK, max_tokens=9, temperature=0.7, n=6, seed=2**31 - 2)
    assert [each.text for each in made] == [f"reply {seed}" for seed in (2**31 - 2, 2**31 - 1, 0, 1, 2, 3)]


def test_the_likeliest_reply_is_asked_for_once() -> None:
    with serving(lambda asked: said("Ada")) as server:
        model = RemoteModel(f"{server.url}#m")
        assert [each.text for each in model.generate(ASK, max_tokens=9, n=3)] == ["Ada"] * 3
        assert len(server.asked) == 1
        assert model.generate(ASK, max_tokens=9, n=0) == []
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("unknown", "requests"),
    [(("seed",), 2), (("top_logprobs",), 2), (("logprobs",), 2), (("seed", "stop", "logprobs"), 4)],
)
def test_a_field_that_a_server_refuses_is_left_out_from_then_on(unknown: tuple[str, ...], requests: int) -> None:
    with serving(strict(*unknown)) as server:
        model = RemoteModel(f"{server.url}#m")
        assert model.generate(ASK, max_tokens=9, stop=["x"])[0].text == "Ada"
        assert len(server.asked) == requests
        assert model.generate(ASK, max_tokens=9, stop=["x"])[0].text == "Ada"
        assert len(server.asked) == requests + 1
    left = {"seed", "stop", "logprobs", "top_logprobs"} - set(server.bodies[-1])
    assert left == {*unknown} | ({"top_logprobs"} if "logprobs" in unknown else set())


def test_a_server_that_does_not_say_what_it_minds_gets_the_plainest_request() -> None:
    with serving(strict("seed", "top_logprobs", speaks=False)) as server:
        assert RemoteModel(f"{server.url}#m").generate(ASK, max_tokens=9)[0].text == "Ada"
    assert set(server.bodies[-1]) == {"model", "messages", "max_tokens", "temperature"}
    assert len(server.asked) == 2


def test_the_newer_name_of_the_length_and_no_temperature() -> None:
    with serving(strict("max_tokens", "temperature")) as server:
        assert RemoteModel(f"{server.url}#m").generate(ASK, max_tokens=9)[0].text == "Ada"
    assert server.bodies[-1]["max_completion_tokens"] == 9
    assert not {"max_tokens", "temperature"} & set(server.bodies[-1])


def test_a_temperature_of_a_wrong_size_is_not_silently_left_out() -> None:
    with serving(
        lambda asked: refused("temperature must be at most 1") if asked.path.endswith("ons") else models("m")
    ) as server:
        model = RemoteModel(f"{server.url}#m")
        with pytest.raises(ModelServerFailed, match="temperature must be at most 1"):
            model.generate(ASK, max_tokens=9, temperature=1.5)
        with pytest.raises(ModelServerFailed):
            model.generate(ASK, max_tokens=9)
    assert all("temperature" in body for body in server.bodies)


def test_what_was_left_out_in_vain_comes_back() -> None:
    """A request that nothing helps must not cost the log-probabilities of all later ones."""
    ill = True
    with serving(lambda asked: refused("Bad Request") if ill else said("Ada")) as server:
        model = RemoteModel(f"{server.url}#m")
        with pytest.raises(ModelServerFailed, match="refused the request: Bad Request"):
            model.generate(ASK, max_tokens=9)
        assert len(server.asked) == 2
        ill = False
        model.generate(ASK, max_tokens=9)
    assert server.bodies[-1]["logprobs"] is True


def test_a_cancel_gives_empty_replies() -> None:
    cancel = threading.Event()
    with serving(lambda asked: cancel.set() or Reply({}, hangs=30)) as server:
        made = RemoteModel(f"{server.url}#m").generate(ASK, max_tokens=9, temperature=1.0, n=2, cancel=cancel)
    assert [(each.text, each.finish_reason) for each in made] == [("", "cancelled")] * 2


def test_a_model_that_the_server_does_not_have_is_told_with_those_it_has() -> None:
    def answer(asked: Asked) -> Reply:
        return models("a", "b") if asked.body is None else refused("The model `m` does not exist", 404)

    with serving(answer) as server, pytest.raises(UnknownModel) as failure:
        RemoteModel(f"{server.url}#m").generate(ASK, max_tokens=9)
    assert (failure.value.found, failure.value.allowed) == ("'m'", "a, b")


def test_a_wrong_path_is_not_a_wrong_model() -> None:
    with (
        serving(lambda asked: refused("Not Found", 404)) as server,
        pytest.raises(ModelServerFailed, match=r"Not Found \(404\)") as failure,
    ):
        RemoteModel(f"{server.url}#m").generate(ASK, max_tokens=9)
    assert failure.value.hint == "Is it the right URL?"


def test_a_conversation_that_is_too_long_is_the_request_at_fault() -> None:
    long = refused("This model's maximum context length is 8 tokens")
    with serving(lambda asked: long) as server, pytest.raises(BadInput, match="messages"):
        RemoteModel(f"{server.url}#m").generate(ASK, max_tokens=9)


def test_a_reply_without_a_text_is_told() -> None:
    with (
        serving(lambda asked: Reply({"choices": []})) as server,
        pytest.raises(ModelServerFailed, match="without a text: choices"),
    ):
        RemoteModel(f"{server.url}#m").generate(ASK, max_tokens=9)


def test_a_server_with_one_model_needs_no_name() -> None:
    with serving(lambda asked: models("org/Qwen2.5-7B-Instruct") if asked.body is None else said("Ada")) as server:
        model = RemoteModel(server.url)
        assert server.asked == []
        assert (model.name, model.family) == ("org/Qwen2.5-7B-Instruct", "qwen2")
        model.generate(ASK, max_tokens=9)
        assert server.bodies[-1]["model"] == "org/Qwen2.5-7B-Instruct"
        assert [asked.path for asked in server.asked] == ["/v1/models", "/v1/chat/completions"]


@pytest.mark.parametrize(("names", "found"), [(("a", "b"), "2 models"), ((), "no known models")])
def test_otherwise_the_name_must_be_given(names: tuple[str, ...], found: str) -> None:
    with serving(lambda asked: models(*names)) as server, pytest.raises(BadInput, match=found) as failure:
        RemoteModel(server.url).generate(ASK, max_tokens=9)
    assert failure.value.hint == f"Write {server.url}#MODEL."


def test_the_fingerprint_tells_models_and_servers_apart_and_keeps_the_key() -> None:
    one, other = RemoteModel("http://a/v1#m"), RemoteModel("http://a/v1#n")
    assert len({one.fingerprint, other.fingerprint, RemoteModel("http://b/v1#m").fingerprint}) == 3
    assert one.fingerprint == RemoteModel("http://a/v1/#m", key="sk-1").fingerprint


def counting(prompt: str, *, shifted: bool = False) -> tuple[list[str], list[float | None]]:
    """The words of a text as tokens, each with a log-probability that its length gives, and one more token."""
    tokens = [word + " " for word in prompt.split(" ")]
    tokens[-1] = tokens[-1][:-1]
    tokens.append(" five," if tokens[-1] == "four," else " innumerable,")
    chances = [-0.1 * len(each.strip()) for each in tokens]
    chances = [*chances[1:], chances[-1]] if shifted else chances
    return tokens, [None, *chances[1:]]


def echoing(*, shifted: bool = False) -> Any:
    def answer(asked: Asked) -> Reply:
        if "echo" not in asked.body:
            return said("five")
        tokens, chances = counting(asked.body["prompt"], shifted=shifted)
        return Reply({"choices": [{"text": "", "logprobs": {"tokens": tokens, "token_logprobs": chances}}]})

    return answer


def test_an_echo_of_the_prompt_scores() -> None:
    with serving(echoing()) as server:
        scorer = RemoteModel(f"{server.url}#m").scorer
        assert scorer is not None
        (scores, one) = scorer.score([{"role": "user", "content": "Say b cc"}], ["b cc", " dddd "])
    assert scores == pytest.approx((-0.1, -0.2))
    assert one == pytest.approx((-0.4,))
    assert server.bodies[-1]["prompt"] == "User: Say b cc\n\nAssistant: dddd"


def test_an_echo_that_tells_the_next_token_s_chance_is_not_believed() -> None:
    """llama-cpp-python 0.3.36 does so: its echoed values are those of the place after."""
    with serving(echoing(shifted=True)) as server:
        assert RemoteModel(f"{server.url}#m").scorer is None


def prompt_logprobs(asked: Asked) -> Reply:
    """As vLLM: each token of the conversation with its log-probability, in the model's own format."""
    if "prompt_logprobs" not in asked.body:
        return said("five")
    reply = asked.body["messages"][-1]["content"]
    tokens, chances = counting("<|user|> Count <|assistant|> " + reply)
    told = [None] + [
        {str(place): {"logprob": value, "decoded_token": text}}
        for place, (text, value) in enumerate(zip(tokens[1:-1], chances[1:-1], strict=True))
    ]
    choice = {
        "message": {"content": tokens[-1]},
        "logprobs": {"content": [{"token": tokens[-1], "logprob": chances[-1]}]},
    }
    return Reply({"choices": [choice], "prompt_logprobs": told})


def test_log_probabilities_of_the_conversation_score() -> None:
    with serving(prompt_logprobs) as server:
        scorer = RemoteModel(f"{server.url}#m").scorer
        assert scorer is not None
        (scores,) = scorer.score([{"role": "user", "content": "Say </s>"}], ["b cc"])
    assert scores == pytest.approx((-0.1, -0.2))
    body = server.bodies[-1]
    assert body["messages"] == [{"role": "user", "content": "Say < /s>"}, {"role": "assistant", "content": "b cc"}]
    assert (body["continue_final_message"], body["add_generation_prompt"], body["max_tokens"]) == (True, False, 1)


@pytest.mark.parametrize("answer", [said("five"), refused("no"), Reply({"choices": []}), Reply({"prompt_logprobs": 3})])
def test_a_server_that_echoes_nothing_is_no_scorer(answer: Reply) -> None:
    with serving(lambda asked: answer) as server:
        model = RemoteModel(f"{server.url}#m")
        assert model.scorer is None
        asked = len(server.asked)
        assert model.scorer is None
        assert len(server.asked) == asked


def test_a_score_that_is_missing_or_endless_is_an_error() -> None:
    with serving(echoing()) as server:
        scorer = find_scorer(ModelServer(server.url), "m")
        assert scorer is not None
        for value in (None, -math.inf, "low"):
            server.answer = lambda asked, value=value: Reply(
                {"choices": [{"logprobs": {"tokens": [asked.body["prompt"]], "token_logprobs": [value]}}]}
            )
            with pytest.raises(ModelServerFailed, match="did not echo"):
                scorer.score(ASK, ["x"])
        with pytest.raises(BadInput, match=r"replies\[1\]"):
            scorer.score(ASK, ["x", " "])
