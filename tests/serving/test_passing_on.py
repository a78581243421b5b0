"""Writing that another server does: a second server of ALEN stands upstream, and servers that fail as they are told."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import openai
import pytest

from alen import settings
from alen.core import belief
from alen.engine import Engine
from alen.memory import EpisodicMemory
from alen.models import locate
from alen.serving.keys import Keys
from alen.serving.server import service_of
from alen.serving.service import Service
from tests.engine import test_llama_server
from tests.engine.conftest import BELIEF, HashEncoder, WordReader
from tests.engine.scripted_server import Asked, Reply, models, refused, serving
from tests.serving.conftest import EVERYONE, made_service, served

UPSTREAM_KEY = "the-key-of-the-upstream"
SAID = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 12, "seed": 3}


def passing_on(folder: Path, upstream: str, key: str | None = None) -> Service:
    """As ``alen serve --model URL`` makes it, with a small encoder and reader."""
    chosen = settings.load(home=folder, store=f"sqlite:///{folder / 'memory.db'}", model=upstream, api_key=key)
    memory = EpisodicMemory.open(chosen.store, encoder=HashEncoder(), namespace=chosen.namespace)
    reader = WordReader()
    return service_of(Engine(chosen, memory, HashEncoder(), lambda: reader))


@contextmanager
def client_of(folder: Path, upstream: str, key: str | None = None) -> Iterator[openai.OpenAI]:
    """Its key is one that the upstream must never see."""
    folder.mkdir(exist_ok=True)
    with served(passing_on(folder, upstream, key)) as url:
        yield openai.OpenAI(base_url=f"{url}/v1", api_key="the-key-of-the-client", max_retries=0)


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Service]]:
    monkeypatch.setattr(belief, "default", lambda: BELIEF)
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({UPSTREAM_KEY: {"name": "front", "namespace": "default"}}))
    service = made_service(tmp_path, Keys.read(file, EVERYONE))
    with served(service) as url:
        yield url, service


@pytest.fixture
def client(tmp_path: Path, upstream: tuple[str, Service]) -> Iterator[openai.OpenAI]:
    with client_of(tmp_path / "front", f"{upstream[0]}/v1#tiny", UPSTREAM_KEY) as opened:
        yield opened


def direct(upstream: tuple[str, Service]) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{upstream[0]}/v1", api_key=UPSTREAM_KEY, max_retries=0)


def test_what_is_passed_on_comes_back_as_it_was_said(client: openai.OpenAI, upstream: tuple[str, Service]) -> None:
    there = direct(upstream)
    assert [model.id for model in client.models.list()] == ["alen", "tiny", "hash"]
    assert client.models.retrieve("tiny").id == "tiny"
    for fields in (SAID, SAID | {"logprobs": True, "top_logprobs": 2}):
        expected = there.chat.completions.create(**fields)
        assert client.chat.completions.create(**fields).choices == expected.choices
    prompt = {"prompt": "Once", "max_tokens": 9, "seed": 1, "logprobs": 1, "echo": True}
    expected = there.completions.create(model="tiny", **prompt)
    for name in ("tiny", ""):
        got = client.completions.create(model=name, **prompt)
        assert (got.choices, got.usage) == (expected.choices, expected.usage)
    monitor = httpx.get(f"{str(client.base_url).rstrip('/')}/alen/monitor").json()
    assert monitor["tokens_per_second"] > 0


def test_streams_come_piece_by_piece(client: openai.OpenAI, upstream: tuple[str, Service]) -> None:
    whole = direct(upstream).chat.completions.create(**SAID)
    chunks = list(client.chat.completions.create(**SAID, stream=True, stream_options={"include_usage": True}))
    said = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert said == whole.choices[0].message.content
    assert len(chunks) > 12
    assert chunks[-1].usage == whole.usage


def test_alen_itself_answers_here(client: openai.OpenAI) -> None:
    base = str(client.base_url).rstrip("/")
    httpx.post(f"{base}/alen/teach", json={"text": "The Halden kiln fires stoneware at 1,240 degrees."})
    question = {"role": "user", "content": "At what degrees does the Halden kiln fire stoneware?"}
    got = client.chat.completions.create(model="alen", messages=[question])
    assert got.choices[0].message.content == "1,240 degrees"
    with pytest.raises(openai.NotFoundError):
        client.completions.create(model="gpt-9", prompt="x")
    with pytest.raises(openai.BadRequestError) as found:  # the upstream's own refusal, with its field
        client.completions.create(model="tiny", prompt="x", temperature=-1)
    assert found.value.param == "temperature"


def test_a_reader_of_a_stream_who_leaves_ends_the_work_upstream(
    client: openai.OpenAI, upstream: tuple[str, Service]
) -> None:
    model = upstream[1].model
    assert model is not None
    body = {"model": "tiny", "prompt": "Once", "max_tokens": 1900, "ignore_eos": True, "stream": True}
    with httpx.stream("POST", f"{client.base_url}completions", json=body, timeout=30) as got:
        next(got.iter_lines())
        assert model.batch.running == 1
    until = time.monotonic() + 10
    while model.batch.running and time.monotonic() < until:
        time.sleep(0.05)
    assert model.batch.running == 0


def test_who_does_not_wait_for_the_whole_leaves_upstream_too(tmp_path: Path) -> None:
    closed = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def silent() -> None:
            taken, _ = listening.accept()
            with taken:
                taken.settimeout(30)
                while taken.recv(4096):
                    pass
            closed.set()

        thread = threading.Thread(target=silent)
        thread.start()
        with client_of(tmp_path, f"http://127.0.0.1:{listening.getsockname()[1]}/v1#there") as client:
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(f"{client.base_url}completions", json={"model": "there", "prompt": "x"}, timeout=1)
            assert closed.wait(10)
        thread.join(30)


@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_that_is_not_there_is_a_bad_gateway(tmp_path: Path, stream: bool) -> None:
    with client_of(tmp_path, "http://127.0.0.1:9/v1#there") as client:
        assert [model.id for model in client.models.list()] == ["alen", "there", "hash"]
        with pytest.raises(openai.APIStatusError) as found:
            client.completions.create(model="there", prompt="x", stream=stream)
        assert found.value.status_code == 502
        assert "cannot be reached" in str(found.value)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("reply", "status", "says"),
    [
        (refused("no key", 401), 502, "ALEN_API_KEY"),
        (refused("too many", 429), 429, "too many"),
        (refused("too long", 400), 400, "too long"),
        (Reply(b"<html>no</html>", 503), 502, "not a JSON object"),
    ],
    ids=["key", "busy", "refused", "page"],
)
def test_what_an_upstream_refuses(tmp_path: Path, reply: Reply, status: int, says: str, stream: bool) -> None:
    def answer(asked: Asked) -> Reply:
        return models("there") if asked.path.endswith("/models") else reply

    with serving(answer) as server, client_of(tmp_path, server.url, UPSTREAM_KEY) as client:
        with pytest.raises(openai.APIStatusError) as found:
            client.completions.create(model="there", prompt="x", stream=stream)
        assert (found.value.status_code, says in str(found.value)) == (status, True)
        assert UPSTREAM_KEY not in str(found.value)
        sent = {asked.headers.get("Authorization") or asked.headers.get("authorization") for asked in server.asked}
        assert sent == {f"Bearer {UPSTREAM_KEY}"}


def test_what_breaks_off_is_told_in_the_stream(tmp_path: Path) -> None:
    broken = Reply(b'data: {"choices": []}\n\ndata: {"cho', 200, {"Content-Type": "text/event-stream"})
    with serving(lambda _: broken) as server, client_of(tmp_path, f"{server.url}#there") as client:
        body = {"model": "there", "prompt": "x", "stream": True}
        text = httpx.post(f"{client.base_url}completions", json=body).text
    events = [line.removeprefix("data: ") for line in text.splitlines() if line]
    assert json.loads(events[0]) == {"choices": []}
    assert json.loads(events[1])["error"]["type"] == "server_error"
    assert events[2] == "[DONE]"


@pytest.mark.models
def test_llama_cpp_writes(tmp_path: Path, models_home: Path) -> None:
    weights = locate("smollm2-135m-instruct", models_home).path
    program = [sys.executable, str(Path(test_llama_server.__file__).with_name("llama_server.py")), str(weights)]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as running:
        try:
            assert running.stdout is not None
            address = running.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:"), "llama.cpp did not start"
            with client_of(tmp_path, f"{address}/v1") as client:
                name = [model.id for model in client.models.list()][1]
                asked = {"model": name, "messages": test_llama_server.SKY, "max_tokens": 6, "temperature": 0}
                whole = client.chat.completions.create(**asked).choices[0].message.content
                chunks = list(client.chat.completions.create(**asked, stream=True))
                parts = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
                assert whole == "".join(parts) != ""
                assert len([part for part in parts if part]) > 2
        finally:
            running.kill()
