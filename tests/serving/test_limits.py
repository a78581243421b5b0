"""What is too large, malformed, too much at once or not allowed gets a clear answer in OpenAI's shape, and soon."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest

from alen.core import belief
from alen.serving import door
from alen.serving.keys import Keys
from alen.serving.service import Service
from alen.serving.threads import Threads
from tests.engine.conftest import BELIEF
from tests.serving.conftest import EVERYONE, made_service, served, settled

KEY, SLOW = "key-of-the-first-team", "key-that-is-seldom-used"
SHAPE = {"message", "type", "param", "code"}


def refused(got: httpx.Response, status: int, code: str | None = None) -> dict:
    """The error, in its shape."""
    assert got.status_code == status, got.text
    assert got.headers["content-type"] == "application/json"
    assert got.headers["x-request-id"]
    error = got.json()["error"]
    assert error.keys() - {"alen"} == SHAPE  # what its own clients read beside it
    assert error["message"]
    if code is not None:
        assert error["code"] == code
    return error


def test_a_body_that_is_too_large(service: Service) -> None:
    with served(service, most_bytes=5000) as url:
        fits = {"prompt": "x", "max_tokens": 1, "user": "u" * 4000}
        assert httpx.post(f"{url}/v1/completions", json=fits).status_code == 200
        refused(httpx.post(f"{url}/v1/completions", json=fits | {"user": "u" * 5000}), 413, "too_large")


def test_a_body_without_a_length_is_refused_before_it_has_come(service: Service) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield b'{"prompt": "'
        for _ in range(20_000):
            sent += 1
            yield b"x" * 1000

    with served(service, most_bytes=50_000) as url, socket.create_connection(_address(url)) as connection:
        head = "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        connection.sendall((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
        for chunk in endless():
            connection.sendall(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            if sent > 60:
                break
        connection.settimeout(10)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413")  # though the body has not ended
    assert sent < 100


def test_a_body_that_does_not_come(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "BODY_SECONDS", 0.2)
    with served(service) as url, socket.create_connection(_address(url)) as connection:
        head = (
            "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{"
        )
        connection.sendall(head.encode())
        connection.settimeout(10)
        assert connection.recv(65536).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[1, 2]",
        b"\xff\xfe\x00",
        b'{"prompt": "\xff"}',
        b"[" * 100_000 + b"]" * 100_000,
        b'{"prompt": "x", "more": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
        b'{"prompt": "\\ud800"}',
        b'{"prompt": "x", "temperature": NaN}',
        b'{"prompt": "x", "temperature": 1e400}',
        b'{"prompt": "x", "temperature": -Infinity}',
        b'{"prompt": "x", "max_tokens": 1e400}',
        b'{"prompt": "x", "max_tokens": ' + b"9" * 5000 + b"}",
        b'{"prompt": "x", "logit_bias": {"5": NaN}}',
        b'{"prompt": "x", "frequency_penalty": 1e308}',
        b'{"prompt": [1e400]}',
        b'{"prompt": [99999999999999999999999999]}',
        b'{"prompt": ["a", 1]}',
        b'{"prompt": ""}',
        b'{"prompt": "x", "response_format": {"type": "json_schema", "json_schema": {"schema": {"minimum": NaN}}}}',
        b'{"prompt": "x", "response_format": {"type": "json_schema", "json_schema": {"schema": '
        + b'{"properties":{"a":' * 300
        + b"{}"
        + b"}}" * 300
        + b"}}}",
        b'{"prompt": "x", "response_format": {"type": "json_schema", "json_schema": {"schema": {"$ref": "\\ud800"}}}}',
    ],
    ids=range(23),
)
def test_bodies_that_make_no_sense(shared: str, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    for extra in ("/v1", ""):
        refused(httpx.post(f"{shared}{extra}/completions", content=body, headers=headers, timeout=20), 400)


def test_routes_and_methods_that_do_not_exist(shared: str) -> None:
    refused(httpx.get(f"{shared}/v1/nowhere"), 404)
    refused(httpx.get(f"{shared}/v1/completions"), 405)
    refused(httpx.options(f"{shared}/v1/completions"), 405)
    refused(httpx.delete(f"{shared}/v1/models"), 405)
    assert httpx.head(f"{shared}/v1/completions").status_code == 405
    head = httpx.head(f"{shared}/health")
    assert (head.status_code, head.content) == (200, b"")


def test_too_many_at_once(service: Service) -> None:
    assert service.model is not None
    batch = service.model.batch
    batch._most_running, batch._most_waiting = 1, 2
    body = {"prompt": "x", "max_tokens": 1900, "temperature": 0, "ignore_eos": True, "stream": True}
    with served(service) as url, httpx.Client(base_url=url, timeout=30) as client:
        streams = [client.stream("POST", "/v1/completions", json=body) for _ in range(3)]
        for stream in streams:
            assert stream.__enter__().status_code == 200
        for stream in (True, False):
            found = client.post("/v1/completions", json=body | {"stream": stream})
            refused(found, 429, "overloaded")
            assert int(found.headers["retry-after"]) >= 1
        official = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        with pytest.raises(openai.RateLimitError):
            official.completions.create(model="tiny", prompt="x")
        for stream in streams:
            stream.__exit__(None, None, None)
        assert settled(service)  # who went away while waiting, does not wait any more
        assert client.post("/v1/completions", json={"prompt": "x"}).status_code == 200


def test_too_many_questions(service: Service) -> None:
    service.engine.teach("The Halden kiln fires stoneware at 1,240 degrees.")
    service.work, held = Threads("few", running=1, waiting=0), threading.Event()
    with served(service) as url:
        blocked = threading.Thread(target=lambda: service.work._submit(held.wait))
        blocked.start()
        blocked.join()
        try:
            refused(httpx.post(f"{url}/v1/alen/ask", json={"question": "x"}), 429, "overloaded")
            chat = {"messages": [{"role": "user", "content": "x"}]}
            for stream in (True, False):
                found = httpx.post(f"{url}/v1/chat/completions", json=chat | {"stream": stream})
                refused(found, 429, "overloaded")
            assert httpx.post(f"{url}/v1/completions", json={"prompt": "x"}).status_code == 200
        finally:
            held.set()


def test_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(belief, "default", lambda: BELIEF)
    file = tmp_path / "keys.json"
    entries: dict[str, dict] = {KEY: {"name": "one", "namespace": "one"}}
    entries[SLOW] = {"name": "two", "namespace": "two", "per_minute": 2}
    file.write_text(json.dumps(entries))
    service = made_service(tmp_path, Keys.read(file, EVERYONE))
    with served(service, most_bytes=1000) as url:
        for key in ("wrong", "é", KEY[:-1]):
            headers = {"Authorization": f"Bearer {key}".encode()}
            found = httpx.get(f"{url}/v1/models", headers=headers)
            refused(found, 401, "invalid_api_key")
            assert found.headers["www-authenticate"] == "Bearer"
            assert "wrong" not in found.text
        # Nobody's body is read, and no route told, without a key.
        refused(httpx.post(f"{url}/v1/completions", json={"prompt": "x" * 2000}), 401)
        refused(httpx.post(f"{url}/v1/completions", content=b"{"), 401)
        refused(httpx.get(f"{url}/v1/nowhere"), 401)
        known = {"Authorization": f"Bearer {SLOW}"}
        assert [httpx.get(f"{url}/v1/models", headers=known).status_code for _ in range(2)] == [200, 200]
        found = httpx.get(f"{url}/v1/models", headers=known)
        refused(found, 429, "rate_limit_exceeded")
        assert 20 <= int(found.headers["retry-after"]) <= 30
        assert httpx.get(f"{url}/v1/models", headers={"Authorization": f"Bearer {KEY}"}).status_code == 200


@pytest.mark.parametrize("entry", [{"name": 5, "namespace": "x"}, {"name": "x", "namespace": ""}, {"per_minute": "9"}])
def test_entries_of_wrong_types(tmp_path: Path, entry: dict) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({KEY: {"name": "x", "namespace": "x"} | entry}))
    with pytest.raises(Exception, match="entry 1"):
        Keys.read(file, EVERYONE)


def test_a_server_whose_model_runs_elsewhere(service: Service) -> None:
    service.model = None
    with served(service) as url:
        for path, body in (
            ("completions", {"prompt": "x"}),
            ("completions", {"prompt": "x", "model": "alen"}),
            ("chat/completions", {"model": "other", "messages": [{"role": "user", "content": "x"}]}),
            ("tokenize", {"prompt": "x"}),
            ("detokenize", {"tokens": [1]}),
        ):
            error = refused(httpx.post(f"{url}/v1/{path}", json=body), 400, "invalid_value")
            assert error["param"] == "model"
            assert "runs elsewhere" in error["message"]
        refused(httpx.get(f"{url}/tokenizer_info"), 400)
        assert [row["id"] for row in httpx.get(f"{url}/v1/models").json()["data"]] == ["alen", "hash"]
        assert httpx.get(f"{url}/metrics").status_code == 200


def test_a_long_text_does_not_hold_up_others(service: Service) -> None:
    """Tokens are made beside the event loop, and beside the lock of the interpreter."""
    long, gaps = {"prompt": "Once upon a time " * 60_000}, []
    with served(service) as url, httpx.Client(base_url=url, timeout=60) as client:
        client.get("/health")
        slow = threading.Thread(target=lambda: httpx.post(f"{url}/tokenize", json=long, timeout=60))
        slow.start()
        begun = time.perf_counter()
        while slow.is_alive():
            started = time.perf_counter()
            client.get("/health")
            gaps.append(time.perf_counter() - started)
        slow.join()
    assert max(gaps) < (time.perf_counter() - begun) / 2


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(belief, "default", lambda: BELIEF)
        with served(made_service(tmp_path_factory.mktemp("shared"))) as url:
            yield url


def _address(url: str) -> tuple[str, int]:
    parsed = httpx.URL(url)
    return parsed.host, parsed.port or 80
