"""``alen bench serve``: one JSON object that fits its schema, a table, failures that are counted; what is wrong is one
line."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from alen.benchmark.decoding import rivals
from alen.benchmark.serving import speed
from tests.cli.conftest import Ran
from tests.cli.interrupting import ends_with_control_c

Alen = Callable[..., Ran]
SMALL = ("--clients", "2", "--requests", "4", "--rounds", "2", "--prompt-tokens", "8", "--max-tokens", "4")


@pytest.fixture
def home(linked_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALEN_HOME", str(linked_home))
    return linked_home


class Other:
    """A server in OpenAI's form, with a model that writes and one that does not. ``refuses`` says which requests to the
    first it answers with 503; ``chunked`` how."""

    def __init__(self, *, refuses: Callable[[int], bool] = lambda _: False, chunked: bool = False) -> None:
        self.bodies: list[dict[str, Any]] = []
        own, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._told(200, {"data": [{"id": "embeds"}, {"id": "tiny"}]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if body.get("model") == "embeds":
                    self._told(404, {"error": "it embeds"})
                    return
                with lock:
                    own.bodies.append(body)
                    number = len(own.bodies)
                if refuses(number):
                    self._told(503, {"error": "busy"})
                else:
                    self._told(200, {"choices": [{"text": "x"}], "usage": {"completion_tokens": 4}})

            def _told(self, status: int, value: dict[str, Any]) -> None:
                data = json.dumps(value).encode()
                self.send_response(status)
                if chunked and status == 200:
                    self.send_header("Transfer-Encoding", "chunked")
                    data = b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data)
                else:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Other:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def ours(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Other]:
    """What answers in place of ``alen serve``."""
    with Other() as other:

        @contextmanager
        def server(*_: str, **__: str) -> Iterator[str]:
            yield other.url

        monkeypatch.setattr(speed, "server", server)
        yield other


@pytest.mark.models
def test_one_object_of_json(alen: Alen, home: Path) -> None:
    """With the real model, in a real server."""
    ran = alen("bench", "serve", *SMALL, "--json")
    found = ran.json("bench_serve")["ours"]
    assert (found["errors"], found["error_rate"]["value"], found["error_rate"]["n"]) == ({}, 0.0, 8)
    assert found["tokens_per_second"]["median"] == pytest.approx(4 * found["requests_per_second"]["median"], rel=1e-3)
    assert found["p50_seconds"]["n"] == 8
    assert 0 < found["p50_seconds"]["value"] <= found["p95_seconds"]["value"] <= found["p99_seconds"]["value"]
    assert "asking: 3 of 3" in ran.err


@pytest.mark.models
def test_beside_a_server_that_is_there(alen: Alen, ours: Other, tmp_path: Path) -> None:
    with Other(refuses=lambda number: number in (4, 8), chunked=True) as other:
        given = ("--against", other.url, "--report", tmp_path / "report")
        ran = alen("bench", "serve", *SMALL, *given, "--json")
        found = ran.json("bench_serve")
        assert list(found)[3:] == ["ours", other.url, "report"]
        theirs = found[other.url]
        # A trial, a warm round of two requests, and two rounds of four.
        assert theirs["errors"] == {'503: {"error": "busy"}': 2}
        assert (theirs["error_rate"]["value"], theirs["p50_seconds"]["n"]) == (0.25, 6)
        assert theirs["ratios"]["requests_per_second"]["n"] == 2
        assert theirs["ratios"]["p95_seconds"]["value"] > 0
        table = alen("bench", "serve", *SMALL, "--against", other.url).out
    kept = json.loads((tmp_path / "report" / "serve.json").read_text("utf-8"))
    assert kept == {key: value for key, value in found.items() if key != "report"}
    assert (tmp_path / "report" / "serve.png").stat().st_size > 1000
    assert table.startswith("smollm2-135m-instruct, 2 clients, 2 rounds of 4 requests\nprompts of 8, 4 written")
    assert max(map(len, table.splitlines())) <= 80
    # Both are asked the same, nobody anything twice.
    assert all(body["model"] == "tiny" for body in other.bodies)
    prompts = [body["prompt"] for body in ours.bodies[:10]]
    assert len(set(prompts)) == 10
    assert sorted(prompts) == sorted(body["prompt"] for body in other.bodies[1:11])


@pytest.mark.models
def test_rounds_of_some_seconds(alen: Alen, ours: Other) -> None:
    given = ("--seconds", "0.2", "--rounds", "2", "--clients", "1")
    found = alen("bench", "serve", *given, "--json").json("bench_serve")
    assert (found["settings"]["seconds"], found["settings"]["requests"]) == (0.2, None)
    assert found["ours"]["requests_per_second"]["median"] > 5


@pytest.mark.models
def test_a_server_that_answers_nothing_is_told(alen: Alen, ours: Other) -> None:
    with Other(refuses=lambda _: True) as other:
        failure = alen("bench", "serve", *SMALL, "--against", other.url, "--json").error(1)
        assert "503" in failure["message"]
        assert other.url in failure["message"]
    assert other.url in alen("bench", "serve", *SMALL, "--against", other.url, "--json").error(1)["message"]


@pytest.mark.models
@pytest.mark.slow
def test_llama_cpp_with_the_same_file(alen: Alen, home: Path) -> None:
    pytest.importorskip("xllamacpp")
    found = alen("bench", "serve", *SMALL, "--against", "llama.cpp", "--json").json("bench_serve")
    assert found["llama.cpp"]["errors"] == {}
    assert found["llama.cpp"]["tokens_per_second"]["median"] > 0


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (["gpt5"], "model"),
        (["all-minilm-l6-v2"], "model"),
        (["--against", "transformers"], "--against"),
        (["--against", "http://"], "--against"),
        (["--against", "http://name:word@host/v1"], "--against"),
        (["--clients", "0"], "--clients"),
        (["--seconds", "0"], "--seconds"),
        (["--seconds", "nan"], "--seconds"),
        (["--requests", "0"], "--requests"),
        (["--requests", "5", "--seconds", "5"], "--requests"),
        (["--rounds", "1"], "--rounds"),
        (["--max-tokens", "9000"], "--max-tokens"),
        (["--report", "FILE"], "--report"),
        (["--threads", "0"], None),
    ],
)
@pytest.mark.models
def test_a_wrong_request_is_told_by_name(
    alen: Alen, ours: Other, tmp_path: Path, given: list[str], field: str | None
) -> None:
    (tmp_path / "file").write_text("x")
    filled = [{"FILE": str(tmp_path / "file")}.get(each, each) for each in given]
    failure = alen("bench", "serve", *filled, "--json").error(2)
    assert failure["field"] == field
    assert failure["hint"]
    assert not ours.bodies


def test_a_program_that_is_not_installed_is_refused(alen: Alen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rivals, "find_spec", lambda _: None)
    failure = alen("bench", "serve", "--against", "llama.cpp", "--json").error(2)
    assert (failure["field"], failure["hint"]) == ("--against", "Install it: pip install xllamacpp")


@pytest.mark.models
@pytest.mark.slow
def test_control_c_ends_it_at_once_and_cleanly(home: Path) -> None:
    ends_with_control_c("bench", "serve", "--seconds", "3600", after="asking: 0 of")
