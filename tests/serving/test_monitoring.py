"""Every request is measured to its last byte, has an id and leaves one line; and the server ends without losing any."""

from __future__ import annotations

import logging
import socket
import threading
import time

import httpx
import pytest

from alen.serving.service import Service
from tests.serving.conftest import running, served, settled, until, value

LONG = {"prompt": "Once", "max_tokens": 150, "temperature": 0, "ignore_eos": True}


def test_answers_leave_at_once(url: str) -> None:
    """Head and body go out one after the other: where a connection waits for the head to be acknowledged, each answer
    but the first few takes 40 ms more."""
    with httpx.Client(base_url=url) as client:
        seconds = []
        for _ in range(40):
            started = time.perf_counter()
            client.get("/health")
            seconds.append(time.perf_counter() - started)
    assert min(seconds[20:]) < 0.03


@pytest.mark.parametrize("stream", [False, True])
def test_tokens_times_and_first_tokens(url: str, service: Service, stream: bool) -> None:
    started = time.perf_counter()
    httpx.post(f"{url}/v1/completions", json=LONG | {"stream": stream}, timeout=60)
    seconds, route = time.perf_counter() - started, "/v1/completions"
    assert until(lambda: value(service, "alen_requests_total", route=route, status="200") == 1)
    assert value(service, "alen_tokens_total", kind="read") == 4
    assert value(service, "alen_tokens_total", kind="written") == 150
    first, whole = (
        value(service, "alen_first_token_seconds_sum"),
        value(service, "alen_request_seconds_sum", route=route),
    )
    assert value(service, "alen_first_token_seconds_count") == 1
    assert 0 < first < 0.7 * whole  # a stream is not over with its headers
    assert whole < seconds


def test_ids_and_lines(url: str, service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "alen.serving")
    for name, path, status in (
        ("mine-1", "/health", 200),
        ("mine-2", "/v1/models/tiny", 200),
        ("mine-3", "/nowhere", 404),
    ):
        found = httpx.get(url + path, headers={"x-request-id": name})
        assert (found.status_code, found.headers["x-request-id"]) == (status, name)
    routes = ("/health", "/v1/models/{name:path}", "none")
    assert until(lambda: len(_lines(caplog)) == 3)
    for line, name, route, status in zip(
        _lines(caplog), ("mine-1", "mine-2", "mine-3"), routes, (200, 200, 404), strict=True
    ):
        assert (line.id, line.route, line.status) == (name, route, status)
        assert line.seconds >= 0
    for bad in ("x" * 65, "a\tb", ""):
        made = httpx.get(f"{url}/health", headers={"x-request-id": bad}).headers["x-request-id"]
        assert len(made) == 32


def test_what_nobody_foresaw_has_an_id_too(
    url: str, service: Service, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("inside")

    assert service.model is not None
    monkeypatch.setattr(Service, "names", broken)
    found = httpx.get(f"{url}/v1/models", headers={"x-request-id": "mine"})
    assert (found.status_code, found.headers["x-request-id"]) == (500, "mine")
    assert found.json()["error"]["type"] == "server_error"
    assert "inside" not in found.text
    assert any(record.id == "mine" and record.exc_info for record in caplog.records if hasattr(record, "id"))


def test_what_breaks_one_text_ends_no_other(url: str, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of a stream the error is an event, and counts as one."""
    from alen.generation.choosing import Chooser

    took = Chooser.took

    def breaks(self: Chooser, token: int) -> None:
        took(self, token)
        if self._config.seed == 77 and self._count == 5:
            raise ZeroDivisionError("inside")

    monkeypatch.setattr(Chooser, "took", breaks)
    other: list[httpx.Response] = []
    beside = threading.Thread(target=lambda: other.append(httpx.post(f"{url}/v1/completions", json=LONG, timeout=60)))
    beside.start()
    body = {"prompt": "x", "max_tokens": 50, "seed": 77, "ignore_eos": True, "stream": True}
    found = httpx.post(f"{url}/v1/completions", json=body, timeout=60)
    beside.join()
    assert '"error"' in found.text
    assert "inside" not in found.text
    assert found.text.endswith("data: [DONE]\n\n")
    assert other[0].json()["usage"]["completion_tokens"] == 150
    assert until(lambda: value(service, "alen_requests_total", route="/v1/completions", status="500") == 1)
    assert httpx.post(f"{url}/v1/completions", json=body | {"stream": False}, timeout=60).status_code == 500
    assert settled(service)


@pytest.mark.parametrize("path", ["completions", "chat/completions"])
def test_who_goes_away_ends_the_text_also_without_a_stream(url: str, service: Service, path: str) -> None:
    body = LONG | {"max_tokens": 1900, "model": "tiny", "messages": [{"role": "user", "content": "x"}]}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{url}/v1/{path}", json=body, timeout=0.3)
    assert settled(service)
    assert until(lambda: value(service, "alen_requests_total", route=f"/v1/{path}", status="499") == 1)
    assert value(service, "alen_tokens_total", kind="written") < 1500


def test_the_end_waits_for_what_is_under_way(service: Service) -> None:
    with running(service) as (url, server), httpx.Client(base_url=url, timeout=60) as client:
        assert client.get("/health").status_code == 200
        with client.stream("POST", "/v1/completions", json=LONG | {"stream": True}) as stream:
            lines = stream.iter_lines()
            next(lines)
            server.should_exit = True
            address = (httpx.URL(url).host, httpx.URL(url).port or 80)
            assert until(lambda: not _listens(address))
            rest = [line for line in lines if line]
    assert rest[-1] == "data: [DONE]"
    assert len(rest) >= 149
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health")


def test_the_end_cuts_off_what_takes_too_long(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert service.model is not None
    with running(service) as (url, server):
        server.config.timeout_graceful_shutdown = 0
        body = LONG | {"max_tokens": 2000, "stream": True}
        with httpx.stream("POST", f"{url}/v1/completions", json=body, timeout=60) as stream:
            lines = stream.iter_lines()
            next(lines)
            server.should_exit = True
            with pytest.raises(httpx.RemoteProtocolError):
                list(lines)
    assert service.model.batch.running == 0


def _lines(caplog: pytest.LogCaptureFixture) -> list:
    return [record for record in caplog.records if record.name == "alen.serving.access"]


def _listens(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True


def test_who_is_served_by_a_closed_model_hears_so(service: Service) -> None:
    assert service.model is not None
    with served(service) as url:
        service.model.batch.close()
        found = httpx.post(f"{url}/v1/completions", json={"prompt": "x"})
        assert found.status_code == 503
        echo = {"prompt": "x", "echo": True, "logprobs": 1, "max_tokens": 0}
        assert httpx.post(f"{url}/v1/completions", json=echo).status_code == 503
