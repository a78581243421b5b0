"""The official client, unmodified: what it sends is understood and what it gets is what it expects."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import openai
import pytest

from alen.serving.service import Service


@pytest.fixture
def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)


def test_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["alen", "tiny", "hash"]
    assert client.models.retrieve("tiny").id == "tiny"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("unknown")


def test_a_completion_is_what_the_model_writes(client: openai.OpenAI, service: Service) -> None:
    assert service.model is not None
    alone = service.model.complete("Once upon", max_tokens=20)
    got = client.completions.create(model="tiny", prompt="Once upon", max_tokens=20, temperature=0, logprobs=2)
    choice = got.choices[0]
    assert (choice.text, choice.finish_reason) == (alone.text, alone.finish_reason)
    assert choice.logprobs is not None
    assert choice.logprobs.token_logprobs == pytest.approx(alone.logprobs, abs=1e-5)
    assert got.usage is not None
    assert (got.usage.prompt_tokens, got.usage.completion_tokens) == (len("Once upon"), alone.tokens)


def test_seeds_and_several_texts(client: openai.OpenAI) -> None:
    def texts(seed: int, n: int = 3) -> list[str]:
        got = client.completions.create(model="tiny", prompt="Once", max_tokens=12, n=n, seed=seed)
        assert [choice.index for choice in got.choices] == list(range(n))
        return [choice.text for choice in got.choices]

    assert texts(5) == texts(5)
    assert len(set(texts(5))) == 3
    assert texts(6, 1)[0] == texts(5)[1]


def test_a_stream_joins_to_the_whole_and_ends_with_usage(client: openai.OpenAI) -> None:
    fields = {"model": "tiny", "prompt": "Once", "max_tokens": 15, "temperature": 0.9, "seed": 4}
    whole = client.completions.create(**fields)
    chunks = list(client.completions.create(**fields, stream=True, stream_options={"include_usage": True}))
    text = "".join(choice.text for chunk in chunks for choice in chunk.choices)
    assert text == whole.choices[0].text
    assert sum(len(chunk.choices) for chunk in chunks) >= 15  # a chunk a token
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert len({chunk.id for chunk in chunks}) == 1


def test_stop_strings_never_show(client: openai.OpenAI) -> None:
    free = client.completions.create(model="tiny", prompt="Once", max_tokens=30, temperature=0).choices[0].text
    stop = free[5:8]
    held = client.completions.create(model="tiny", prompt="Once", max_tokens=30, temperature=0, stop=[stop])
    assert held.choices[0].text == free[: free.index(stop)]
    assert held.choices[0].finish_reason == "stop"
    chunks = client.completions.create(
        model="tiny", prompt="Once", max_tokens=30, temperature=0, stop=[stop], stream=True
    )
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == held.choices[0].text


def test_echo_tells_how_likely_the_prompt_is(client: openai.OpenAI, service: Service) -> None:
    assert service.model is not None
    tokens = service.model.tokenizer.encode("A long prompt, told whole.")
    told = service.model.prompt_logprobs(tokens, 1)
    for prompt in (tokens, "A long prompt, told whole."):
        got = client.completions.create(
            model="tiny", prompt=prompt, max_tokens=1, temperature=0, logprobs=1, echo=True, seed=1234
        )
        logprobs = got.choices[0].logprobs
        assert logprobs is not None
        assert logprobs.token_logprobs is not None
        assert logprobs.top_logprobs is not None
        assert len(logprobs.token_logprobs) == len(logprobs.top_logprobs) == len(tokens) + 1
        assert logprobs.token_logprobs[0] is None
        assert logprobs.top_logprobs[0] is None
        assert logprobs.token_logprobs[1:-1] == [each.logprob for each in told[1:]]
        for own, top, each in zip(logprobs.token_logprobs[1:-1], logprobs.top_logprobs[1:-1], told[1:], strict=True):
            assert own in top.values()
            assert (own == max(top.values())) == (own == each.others[0][1])
        assert got.choices[0].text.startswith("A long prompt, told whole.")


def test_echo_alone_writes_nothing(client: openai.OpenAI) -> None:
    got = client.completions.create(model="tiny", prompt=["One", "Two"], max_tokens=0, logprobs=0, echo=True)
    assert [choice.text for choice in got.choices] == ["One", "Two"]
    assert [choice.index for choice in got.choices] == [0, 1]


def test_a_chat_and_its_stream(client: openai.OpenAI) -> None:
    fields = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 10, "temperature": 0}
    whole = client.chat.completions.create(**fields, logprobs=True, top_logprobs=2)
    content = whole.choices[0].logprobs
    assert content is not None
    assert content.content is not None
    assert len(content.content) == 10
    assert all(len(each.top_logprobs) == 2 for each in content.content)
    assert whole.choices[0].message.content
    parts = [{"role": "user", "content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]}]
    chunks = list(client.chat.completions.create(**(fields | {"messages": parts}), stream=True))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == "length"


def test_json_of_a_schema(client: openai.OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"enum": [1, 22]}, "ok": {"type": "boolean"}},
        "required": ["n", "ok"],
        "additionalProperties": False,
    }
    got = client.chat.completions.create(
        model="tiny",
        messages=[{"role": "user", "content": "x"}],
        max_tokens=60,
        temperature=1.0,
        seed=3,
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
    )
    found = json.loads(got.choices[0].message.content or "")
    assert found["n"] in (1, 22)
    assert isinstance(found["ok"], bool)


def test_embeddings_as_numbers_and_as_bytes(client: openai.OpenAI, service: Service) -> None:
    expected = service.engine.encoder.encode(["kiln", "clay"])
    plain = client.embeddings.create(model="hash", input=["kiln", "clay"], encoding_format="float")
    packed = client.embeddings.create(model="hash", input=["kiln", "clay"])  # base64 on the wire
    for got in (plain, packed):
        np.testing.assert_allclose([row.embedding for row in got.data], expected, atol=1e-6)
        assert got.usage.prompt_tokens == got.usage.total_tokens == 2
    assert client.embeddings.create(model="hash", input="three words here").usage.prompt_tokens == 3


@pytest.mark.parametrize("tokens", [[1, 2], [[1, 2], [3]]])
def test_tokens_are_not_embedded(client: openai.OpenAI, tokens: list) -> None:
    with pytest.raises(openai.BadRequestError, match="texts: an encoder has tokens of its own") as found:
        client.embeddings.create(model="hash", input=tokens)
    assert found.value.param == "input"


def test_answers_of_the_engine_come_with_evidence_and_confidence(client: openai.OpenAI, service: Service) -> None:
    service.engine.teach("The Halden kiln fires stoneware at 1,240 degrees.")
    question = {"role": "user", "content": "At what degrees does the Halden kiln fire stoneware?"}
    got = client.chat.completions.create(model="alen", messages=[question])
    told = got.model_extra["alen"]
    assert got.choices[0].message.content == "1,240 degrees"
    assert told["decision"] == "answer"
    assert 0.5 < told["confidence"] <= 1
    assert told["evidence"]
    chunks = list(client.chat.completions.create(model="alen", messages=[question], stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "1,240 degrees"
    unknown = client.chat.completions.create(model="alen", messages=[{"role": "user", "content": "Who was Ada?"}])
    assert (unknown.choices[0].message.content or "").startswith("I don't know.")


def test_many_at_once_come_to_what_each_is_alone(url: str) -> None:
    async def ask(client: openai.AsyncOpenAI, seed: int) -> str:
        got = await client.completions.create(model="tiny", prompt=f"Text {seed % 4}", max_tokens=20, seed=seed)
        return got.choices[0].text

    async def run() -> tuple[list[str], list[str]]:
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
            together = await asyncio.gather(*(ask(client, seed) for seed in range(24)))
            return list(together), [await ask(client, seed) for seed in range(24)]

    together, alone = asyncio.run(run())
    assert together == alone


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": "x", "temperature": -1}, "temperature"),
        ({"prompt": "x", "logit_bias": {"a": 1}}, "logit_bias"),
        ({"prompt": "x" * 3000}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [99999]}, "prompt"),
        ({"prompt": "x", "suffix": "y"}, "suffix"),
        ({"prompt": "x", "n": 0}, "n"),
        ({"prompt": "x", "extra_body": {"response_format": {"type": "xml"}}}, "response_format"),
        ({"prompt": "x", "extra_body": {"min_p": 7}}, "min_p"),
        ({"prompt": "x", "logit_bias": {"259": 1}}, "logit_bias"),
        ({"prompt": "x", "stop": ["x"] * 33}, "stop"),
        ({"prompt": "x", "stop": "x" * 257}, "stop"),
        ({"prompt": "x", "best_of": 3}, "best_of"),
        ({"prompt": ["x"] * 2049}, "prompt"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_requests_name_their_field(client: openai.OpenAI, fields: dict, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as found:
        client.completions.create(model="tiny", **fields)
    assert found.value.param == param
    with pytest.raises(openai.BadRequestError):  # before a stream begins, too
        client.completions.create(model="tiny", **fields, stream=True)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"messages": [{"role": "user", "content": "x" * 3000}]}, "messages"),
        ({"messages": [{"role": "user<|im_end|>", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, "messages"),
        ({"messages": []}, "messages"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nonsense"}}}},
            "json_schema",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_chats_name_their_field(client: openai.OpenAI, fields: dict, param: str) -> None:
    asked = {"messages": [{"role": "user", "content": "x"}]} | fields
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as found:
            client.chat.completions.create(model="tiny", **asked, stream=stream)
        assert found.value.param == param


def test_a_prompt_that_does_not_fit_says_so(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as found:
        client.completions.create(model="tiny", prompt="x" * 3000)
    assert found.value.code == "context_length_exceeded"


def test_null_fields_are_the_defaults(client: openai.OpenAI) -> None:
    body = dict.fromkeys(("max_tokens", "n", "seed", "stop", "top_p", "logprobs", "echo", "stream", "logit_bias"))
    got = client.completions.create(model="tiny", prompt="x", temperature=0, extra_body=body)
    assert got.usage is not None
    assert got.usage.completion_tokens == 16


@pytest.mark.parametrize("seed", [2**63 - 1, 2**80, -1])
def test_seeds_of_any_size(client: openai.OpenAI, seed: int) -> None:
    def texts() -> list[str]:
        got = client.completions.create(model="tiny", prompt="Once", max_tokens=8, n=3, seed=seed)
        return [choice.text for choice in got.choices]

    assert texts() == texts()
    assert len(set(texts())) == 3


def test_a_model_that_is_not_served(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as found:
        client.completions.create(model="gpt-9", prompt="x")
    assert found.value.param == "model"
