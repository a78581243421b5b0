"""The official client's streams, also the asynchronous one: what they join to, and what is left when one is dropped."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from alen.generation.ticket import Ticket
from alen.serving.service import Service
from tests.serving.conftest import settled, until, value

ASKED = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)


async def test_the_asynchronous_client(url: str, service: Service) -> None:
    assert service.model is not None
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        whole = await client.completions.create(model="tiny", prompt="Once", max_tokens=12, temperature=0)
        assert whole.choices[0].text == service.model.complete("Once", max_tokens=12).text
        stream = await client.completions.create(model="tiny", prompt="Once", max_tokens=12, temperature=0, stream=True)
        assert "".join([chunk.choices[0].text async for chunk in stream]) == whole.choices[0].text
        vector = await client.embeddings.create(model="hash", input="kiln")
        assert len(vector.data[0].embedding) == 64


@pytest.mark.parametrize("route", ["completions", "chat"])
def test_a_stream_that_is_closed_ends_its_text(
    client: openai.OpenAI, service: Service, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service.model is not None
    submit, tickets = service.model.batch.submit, []

    def noted(*given: Any, **options: Any) -> list[Ticket]:
        tickets.extend(submit(*given, **options))
        return tickets

    monkeypatch.setattr(service.model.batch, "submit", noted)
    fields: dict = {"max_tokens": 1900, "temperature": 0, "stream": True, "extra_body": {"ignore_eos": True}}
    if route == "chat":
        stream = client.chat.completions.create(**ASKED, **fields)
    else:
        stream = client.completions.create(model="tiny", prompt="Once", **fields)
    for _, _chunk in zip(range(5), stream, strict=False):
        pass
    stream.close()
    assert settled(service)
    path = "/v1/completions" if route == "completions" else "/v1/chat/completions"
    assert until(lambda: any(value(service, "alen_requests_total", route=path, status=of) for of in ("200", "499")))
    assert tickets[0].reason == "cancelled"
    assert 4 <= len(tickets[0].tokens) < 1000  # the first chunk of a chat holds a role and no token
    written = value(service, "alen_tokens_total", kind="written")
    assert len(tickets[0].tokens) - 3 <= written <= len(tickets[0].tokens)


def test_log_probabilities_in_a_stream_are_those_of_the_whole(client: openai.OpenAI) -> None:
    fields = {"model": "tiny", "prompt": "Once", "max_tokens": 9, "temperature": 0, "logprobs": 2, "n": 2}
    for echo in (False, True):
        whole = client.completions.create(**fields, echo=echo)
        chunks = list(client.completions.create(**fields, echo=echo, stream=True))
        for index in range(2):
            expected = whole.choices[index].logprobs
            assert expected is not None
            own = [chunk.choices[0] for chunk in chunks if chunk.choices[0].index == index]
            for name in ("tokens", "token_logprobs", "top_logprobs", "text_offset"):
                joined = [x for each in own if each.logprobs is not None for x in getattr(each.logprobs, name)]
                assert joined == getattr(expected, name), name
            assert own[-1].finish_reason == "length"


def test_log_probabilities_of_a_chat_in_a_stream(client: openai.OpenAI) -> None:
    fields = ASKED | {"max_tokens": 9, "temperature": 0, "logprobs": True, "top_logprobs": 2}
    whole = client.chat.completions.create(**fields).choices[0].logprobs
    assert whole is not None
    chunks = client.chat.completions.create(**fields, stream=True)
    told = [chunk.choices[0].logprobs for chunk in chunks]
    assert [x for each in told if each is not None for x in each.content or ()] == whole.content


def test_bytes_of_tokens_join_to_the_text(client: openai.OpenAI) -> None:
    """Tokens that are parts of characters have bytes of their own, and names that differ."""
    bias = {str(token): 100 for token in (3 + 94 + 10, 3 + 94 + 60)}
    got = client.chat.completions.create(**ASKED, max_tokens=6, seed=1, logprobs=True, top_logprobs=4, logit_bias=bias)
    content = got.choices[0].logprobs.content
    joined = b"".join(bytes(each.bytes or ()) for each in content or ())
    assert any(byte > 127 for byte in joined)
    assert joined.decode(errors="replace") == got.choices[0].message.content
    plain = client.completions.create(model="tiny", prompt="x", max_tokens=6, seed=1, logprobs=4, logit_bias=bias)
    told = plain.choices[0].logprobs
    assert told is not None
    assert all(len(top) >= 4 for top in told.top_logprobs or ())
    assert any(name.startswith("bytes:\\x") for name in told.tokens or ())


def test_several_texts_stream_side_by_side(client: openai.OpenAI) -> None:
    fields = ASKED | {"n": 3, "max_tokens": 10, "seed": 4}
    whole = client.chat.completions.create(**fields)
    texts = [""] * 3
    for chunk in client.chat.completions.create(**fields, stream=True):
        texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert texts == [choice.message.content for choice in whole.choices]
    assert len(set(texts)) == 3


def test_newer_names_and_several_stops(client: openai.OpenAI) -> None:
    free = client.chat.completions.create(**ASKED, max_completion_tokens=30, temperature=0)
    text = free.choices[0].message.content or ""
    assert free.usage is not None
    assert free.usage.completion_tokens == 30
    stops = [text[9:11], text[4:6], ""]
    held = client.chat.completions.create(**ASKED, max_completion_tokens=30, temperature=0, stop=stops)
    assert held.choices[0].message.content == text[: min(text.index(stop) for stop in stops[:2])]
    assert held.choices[0].finish_reason == "stop"


def test_a_json_object(client: openai.OpenAI) -> None:
    got = client.chat.completions.create(
        **ASKED, max_tokens=400, seed=3, logit_bias={"95": 3}, response_format={"type": "json_object"}
    )
    text = got.choices[0].message.content or ""
    assert text.startswith("{")
    if got.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(text), dict)


def test_a_developer_is_the_system(client: openai.OpenAI) -> None:
    def text(role: str) -> str | None:
        messages: list = [{"role": role, "content": "Be short."}, *ASKED["messages"]]
        got = client.chat.completions.create(model="tiny", messages=messages, max_tokens=20, temperature=0)
        return got.choices[0].message.content

    assert text("developer") == text("system")


def test_an_answer_of_the_engine_streams_with_usage(client: openai.OpenAI, service: Service) -> None:
    service.engine.teach("The Halden kiln fires stoneware at 1,240 degrees.")
    question: list = [{"role": "user", "content": "At what degrees does the Halden kiln fire stoneware?"}]
    chunks = list(
        client.chat.completions.create(
            model="alen", messages=question, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens > 0
    assert until(lambda: value(service, "alen_answers_total", decision="answer") == 1)
