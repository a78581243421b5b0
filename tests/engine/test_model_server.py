"""Whatever a server does, a request to it ends: with an answer, or with an error that says what to do."""

from __future__ import annotations

import asyncio
import pickle
import socket
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from alen.engine import model_server
from alen.engine.model_server import Address, ModelServer, Refusal, is_address
from alen.errors import BadInput, Cancelled, ModelServerFailed
from alen.http import seconds_asked_for
from tests.engine.scripted_server import Asked, Reply, refused, serving

KEY = "sk-secret-0123456789"


@pytest.fixture(autouse=True)
def _waits_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_server, "FIRST_WAIT", 0.02)


def post(server: ModelServer, **more: object) -> dict[str, object]:
    (found,) = server.post("/chat/completions", [{"model": "m"}], **more)
    return found


@pytest.mark.parametrize(
    ("url", "base", "model"),
    [
        ("http://localhost:8000/v1#qwen", "http://localhost:8000/v1", "qwen"),
        ("HTTPS://host/", "https://host/v1", None),
        ("http://host/api/v1/", "http://host/api/v1", None),
        ("http://host/v1/chat/completions#a/b:c", "http://host/v1", "a/b:c"),
        ("http://[::1]:9/v1", "http://[::1]:9/v1", None),
    ],
)
def test_one_url_says_where_and_which(url: str, base: str, model: str | None) -> None:
    assert is_address(url)
    assert Address.parse(url) == Address(base, model)


@pytest.mark.parametrize(
    "url", ["http://", "http:///v1", "http://host:port/v1", "http://host:0", "ftp://host", "smollm2"]
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="http://HOST:PORT/v1#MODEL"):
        Address.parse(url)


@pytest.mark.parametrize("url", [f"http://me:{KEY}@host/v1", f"https://host/v1?key={KEY}"])
def test_a_key_in_the_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadInput, match="ALEN_API_KEY") as refusal:
        Address.parse(url)
    assert KEY not in str(refusal.value)


@pytest.mark.parametrize("name", ["smollm2-135m-instruct", "models/file.gguf", "C:\\models\\x", "httpx"])
def test_names_and_files_are_no_addresses(name: str) -> None:
    assert not is_address(name)


def test_a_busy_server_is_asked_again() -> None:
    replies = iter([refused("loading", 503), refused("oh", 500), Reply({"fine": True})])
    with serving(lambda asked: next(replies)) as server:
        assert post(ModelServer(server.url)) == {"fine": True}
    first, second, third = (asked.at for asked in server.asked)
    assert second - first >= 0.02
    assert third - second >= 0.04


def test_a_server_that_stays_ill_is_given_up() -> None:
    with serving(lambda asked: refused("out of memory", 500)) as server:
        with pytest.raises(ModelServerFailed, match="answered 500: out of memory"):
            post(ModelServer(server.url))
        assert len(server.asked) == model_server.ATTEMPTS


def test_the_wait_that_a_server_asks_for_is_kept() -> None:
    replies = iter([Reply({}, 429, {"Retry-After": "0.3"}), Reply({"fine": True})])
    with serving(lambda asked: next(replies)) as server:
        assert post(ModelServer(server.url)) == {"fine": True}
    first, second = (asked.at for asked in server.asked)
    assert second - first >= 0.3


@pytest.mark.parametrize(
    "header",
    ["3600", format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)],
    ids=["seconds", "date"],  # two workers that collect a second apart must find the same tests
)
def test_a_wait_of_an_hour_is_not_kept(header: str) -> None:
    with serving(lambda asked: Reply({"error": {"message": "quota"}}, 429, {"Retry-After": header})) as server:
        with pytest.raises(ModelServerFailed, match="no quota left"):
            post(ModelServer(server.url))
        assert len(server.asked) == 1


@pytest.mark.parametrize("header", ["nan", "soon", "-5", "", "1e400"])
def test_a_wait_that_makes_no_sense_is_not_heeded(header: str) -> None:
    assert seconds_asked_for(header) is None


def test_a_body_that_breaks_off_is_asked_for_again() -> None:
    replies = iter([Reply({"cut": "here"}, length=500), Reply({"fine": True})])
    with serving(lambda asked: next(replies)) as server:
        assert post(ModelServer(server.url)) == {"fine": True}


def test_a_server_that_always_breaks_off_is_given_up() -> None:
    with (
        serving(lambda asked: Reply({"cut": "here"}, length=500)) as server,
        pytest.raises(ModelServerFailed, match="broke off"),
    ):
        post(ModelServer(server.url))


@pytest.mark.parametrize(
    "body", [b"", b"<html>Welcome</html>", b"[1, 2]", b"null", b"\xff\xfe", b"[" * 200_000, b'{"a":']
)
def test_what_is_no_json_object_is_no_answer(body: bytes) -> None:
    with (
        serving(lambda asked: Reply(body)) as server,
        pytest.raises(ModelServerFailed, match="not a JSON object") as failure,
    ):
        post(ModelServer(server.url))
    assert len(str(failure.value)) < 700


def test_a_huge_body_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_server, "LARGEST_REPLY", 100_000)
    with (
        serving(lambda asked: Reply(b" " * 5_000_000)) as server,
        pytest.raises(ModelServerFailed, match="more than 100,000 bytes"),
    ):
        post(ModelServer(server.url))


def test_a_server_that_hangs_is_left_in_time() -> None:
    begun = time.monotonic()
    with (
        serving(lambda asked: Reply({}, hangs=30)) as server,
        pytest.raises(ModelServerFailed, match=r"did not answer within 0\.3 s"),
    ):
        post(ModelServer(server.url, seconds=0.3))
    assert time.monotonic() - begun < 5
    assert len(server.asked) == 1


def test_a_cancel_ends_a_request_that_is_waiting() -> None:
    cancel = threading.Event()
    with serving(lambda asked: cancel.set() or Reply({}, hangs=30)) as server:
        begun = time.monotonic()
        with pytest.raises(Cancelled):
            post(ModelServer(server.url), cancel=cancel)
        assert time.monotonic() - begun < 5


def test_where_nobody_listens_is_told_with_the_url() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    for ask in (post, ModelServer.models):
        with pytest.raises(ModelServerFailed, match="cannot be reached") as failure:
            ask(ModelServer(url))
        assert url in failure.value.what
        assert failure.value.hint == "Start it, or correct the URL."


def test_an_answer_elsewhere_is_not_followed() -> None:
    with serving(lambda asked: Reply({}, 307, {"Location": "http://127.0.0.1:1/"})) as server:
        with pytest.raises(ModelServerFailed, match="answered 307"):
            post(ModelServer(server.url, key=KEY))
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("body", "said", "field"),
    [
        ({"error": {"message": "no seed", "param": "seed"}}, "no seed", "seed"),
        ({"error": "no seed"}, "no seed", None),
        ({"message": "no seed", "param": 3}, "no seed", None),
        ({"detail": [{"loc": ["body", "seed"]}]}, '[{"loc": ["body", "seed"]}]', None),
        (["no seed"], "['no seed']", None),
        (b"no seed", "no seed", None),
    ],
)
def test_a_refusal_is_read_in_any_shape(body: object, said: str, field: str | None) -> None:
    with serving(lambda asked: Reply(body, 400)) as server, pytest.raises(Refusal) as refusal:
        post(ModelServer(server.url))
    assert (refusal.value.status, refusal.value.said, refusal.value.field) == (400, said, field)
    assert len(server.asked) == 1


def test_the_key_goes_to_the_server_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    def echoing(asked: Asked) -> Reply:
        return refused(f"wrong key: {asked.headers['Authorization']}", 401)

    with serving(echoing) as server, caplog.at_level("DEBUG"), pytest.raises(ModelServerFailed) as failure:
        post(ModelServer(server.url, key=KEY))
    assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    assert "refused the key (401)" in failure.value.what
    assert "ALEN_API_KEY" in failure.value.hint
    assert KEY not in f"{failure.value}{caplog.text}{pickle.dumps(failure.value)!r}"


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel"])
def test_what_can_be_no_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(BadInput, match="api_key") as refusal:
        ModelServer("http://localhost/v1", key=key)
    assert key not in str(refusal.value)


def test_several_requests_keep_their_order_and_run_together() -> None:
    together = threading.Barrier(2, timeout=30)

    def slow(asked: Asked) -> Reply:
        together.wait()  # alone it breaks
        time.sleep(0.1 if asked.body["place"] % 2 else 0.0)
        return Reply(asked.body)

    with serving(slow) as server:
        found = ModelServer(server.url).post("/x", [{"place": place} for place in range(4)])
    assert [each["place"] for each in found] == [0, 1, 2, 3]


def test_works_inside_an_event_loop() -> None:
    async def ask(url: str) -> dict[str, object]:
        return post(ModelServer(url))

    with serving(lambda asked: Reply({"fine": True})) as server:
        assert asyncio.run(ask(server.url)) == {"fine": True}


def test_without_the_library_the_way_to_get_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(BadInput, match=r"pip install 'alen\[remote\]'"):
        ModelServer("http://localhost/v1")


@pytest.fixture
def flood() -> Iterator[str]:
    """A server that speaks no HTTP: it sends bytes without end."""
    listening = socket.create_server(("127.0.0.1", 0))

    def send() -> None:
        try:
            line, _ = listening.accept()
            with line:
                while True:
                    line.sendall(b"x" * 65536)
        except OSError:
            pass

    thread = threading.Thread(target=send)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


def test_what_speaks_no_http_is_no_server(flood: str) -> None:
    with pytest.raises(ModelServerFailed, match="broke off"):
        ModelServer(flood).models()
