"""Whatever stands at the URL, a request ends: with an answer, or with an error that says what to do."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path

import pytest

from alen.client import RemoteEngine, connection
from alen.client.connection import Connection, base_of
from alen.core import belief
from alen.errors import BadInput, Cancelled, CorruptWeights, ServerFailed, UnknownEpisode
from alen.serving.errors import told
from alen.serving.keys import Keys
from tests.engine.conftest import BELIEF
from tests.engine.scripted_server import Reply, serving
from tests.serving.conftest import EVERYONE, made_service, served

KEY = "key-of-the-first-team"


@pytest.fixture(autouse=True)
def _waits_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FIRST_WAIT", 0.01)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://localhost:8080", "http://localhost:8080"),
        ("HTTPS://host/v1/", "https://host"),
        ("http://host/alen/v1", "http://host/alen"),
        ("http://[::1]:9/", "http://[::1]:9"),
    ],
)
def test_urls(url: str, base: str) -> None:
    assert base_of(url) == base


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://host", "http://", "http://host:0", "http://host:port", "x"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="http://HOST:PORT"):
        RemoteEngine(url)


@pytest.mark.parametrize("url", [f"http://me:{KEY}@host", f"http://host?key={KEY}", f"http://host#{KEY}"])
def test_a_key_in_the_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadInput, match="ALEN_API_KEY") as failure:
        RemoteEngine(url)
    assert KEY not in str(failure.value)


def test_nobody_listens() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        with RemoteEngine(url) as engine, pytest.raises(ServerFailed, match="cannot be reached") as failure:
            engine.stats()
    assert "alen serve" in failure.value.hint
    assert url in failure.value.what


@pytest.mark.parametrize(
    "reply",
    [
        Reply({"detail": "Not Found"}, 404),
        Reply(b"<html>hello</html>"),
        Reply([1, 2]),
        Reply({"answer": "42"}),
        Reply({"error": {"message": "no such route", "type": "x"}}, 404),
        Reply(b"", 302, {"Location": "http://127.0.0.1:1/"}),
    ],
    ids=["404", "html", "list", "other", "openai", "redirect"],
)
def test_a_server_that_is_not_of_alen(reply: Reply) -> None:
    with (
        serving(lambda _: reply) as server,
        RemoteEngine(server.url, key=KEY) as engine,
        pytest.raises(ServerFailed, match=r"alen serve|what ALEN does not"),
    ):
        engine.ask("Who?")
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(status: int) -> None:
    replies = iter([Reply({}, status, {"Retry-After": "0.2"}), Reply({}, 429), Reply({"fine": True})])
    with serving(lambda _: next(replies)) as server, RemoteEngine(server.url) as engine:
        assert engine.stats() == {"fine": True}
    first, second, _ = (asked.at for asked in server.asked)
    assert second - first >= 0.2


def test_a_server_that_stays_busy_is_given_up() -> None:
    busy = Reply({"error": {"message": "one request more"}}, 429)
    with serving(lambda _: busy) as server, RemoteEngine(server.url) as engine:
        with pytest.raises(ServerFailed, match="too much to do: one request more"):
            engine.stats()
        assert len(server.asked) == connection.ATTEMPTS
    hour = Reply({"error": {"message": "quota"}}, 429, {"Retry-After": "3600"})
    with serving(lambda _: hour) as server, RemoteEngine(server.url) as engine:
        with pytest.raises(ServerFailed, match="quota"):
            engine.stats()
        assert len(server.asked) == 1


def test_what_broke_off_is_not_done_twice() -> None:
    with serving(lambda _: Reply({"cut": "here"}, length=500)) as server, RemoteEngine(server.url) as engine:
        with pytest.raises(ServerFailed, match="broke off"):
            engine.stats()
        with pytest.raises(ServerFailed, match="broke off"):
            engine.chat("Who?")
        assert len(server.asked) == 2


def test_a_stream_without_its_end_is_no_answer() -> None:
    with serving(lambda _: Reply(b'data: {"stage": "reading"}\n\n')) as server, RemoteEngine(server.url) as engine:
        stages: list[str] = []
        with pytest.raises(ServerFailed, match="before its end"):
            engine.chat("Who?", on_stage=stages.append)
    assert stages == ["reading"]


def test_a_silent_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _: Reply({}, hangs=30)) as server:
        with Connection(server.url, seconds=0.2) as quick, pytest.raises(ServerFailed, match=r"silent for 0\.2 s"):
            quick.get("/x")
        cancel = threading.Event()
        threading.Timer(0.2, cancel.set).start()
        begun = time.monotonic()
        with Connection(server.url) as patient, pytest.raises(Cancelled):
            patient.get("/x", cancel=cancel)
        assert time.monotonic() - begun < 10


def test_closing_ends_what_is_under_way() -> None:
    with serving(lambda _: Reply({}, hangs=3)) as server:
        held = Connection(server.url)
        threading.Timer(0.2, held.close).start()
        with pytest.raises(Cancelled):
            held.get("/x")
        with pytest.raises(Cancelled):
            held.get("/x")
        held.close()
    for thread in threading.enumerate():
        if thread.name == "alen-client":
            thread.join(5)
            assert not thread.is_alive()


def test_errors_of_work_come_back_too() -> None:
    status, body = told(CorruptWeights("model.gguf ends early.", "Get it again."))
    with (
        serving(lambda _: Reply(body, status)) as server,
        RemoteEngine(server.url) as engine,
        pytest.raises(CorruptWeights) as failure,
    ):
        engine.stats()
    assert vars(failure.value) == {"what": "model.gguf ends early.", "hint": "Get it again."}


def test_what_nobody_foresaw_is_a_failure_of_the_server() -> None:
    status, body = told(ZeroDivisionError("inside"))
    with (
        serving(lambda _: Reply(body, status)) as server,
        RemoteEngine(server.url) as engine,
        pytest.raises(ServerFailed, match="answered 500") as failure,
    ):
        engine.stats()
    assert "inside" not in str(failure.value)


def test_a_wrong_key_is_told_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(belief, "default", lambda: BELIEF)
    file = tmp_path / "keys.json"
    file.write_text('{"%s": {"name": "one", "namespace": "one"}}' % KEY)  # noqa: UP031 braces of JSON
    with served(made_service(tmp_path, Keys.read(file, EVERYONE))) as url:
        for key, found in ((None, "no key"), ("wrong-key-wrong-key", "did not give out")):
            with RemoteEngine(url, key=key) as engine, pytest.raises(BadInput, match=found) as failure:
                engine.stats()
            assert failure.value.field == "api_key"
            assert "wrong-key" not in str(failure.value)
        with RemoteEngine(url, key=KEY) as engine:
            engine.teach("The Halden kiln fires stoneware at 1,240 degrees.")
            assert engine.memory.stats()["namespaces"] == ["one"]


def test_a_server_that_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(belief, "default", lambda: BELIEF)
    with served(made_service(tmp_path)) as url:
        engine = RemoteEngine(url)
        engine.teach("The Halden kiln fires stoneware at 1,240 degrees.")
    with engine, pytest.raises(ServerFailed, match="cannot be reached"):
        engine.ask("How hot does the kiln get?")


def test_the_environment_names_server_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="ALEN_URL"):
        RemoteEngine.open()
    with serving(lambda _: Reply({"fine": True})) as server:
        monkeypatch.setenv("ALEN_URL", server.url)
        monkeypatch.setenv("ALEN_API_KEY", KEY)
        with RemoteEngine.open() as engine:
            engine.stats()
    assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    assert server.asked[0].path.endswith("/v1/alen/memory")


def test_a_key_sees_its_own_namespace_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(belief, "default", lambda: BELIEF)
    other = "key-of-the-second-team"
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({key: {"name": key[:9], "namespace": key} for key in (KEY, other)}))
    with (
        served(made_service(tmp_path, Keys.read(file, EVERYONE))) as url,
        RemoteEngine(url, key=KEY) as mine,
        RemoteEngine(url, key=other) as theirs,
    ):
        uid = mine.memory.remember(question="Where is the key?", answer="In the pot")
        kept = theirs.memory.remember(question="Where is the boat?", answer="At the pier")
        for call in (theirs.memory.show, theirs.memory.get, theirs.memory.delete, theirs.memory.retract):
            with pytest.raises(UnknownEpisode):
                call(uid)
        with pytest.raises(BadInput, match="namespace"):
            theirs.memory.update(uid, answer="Gone", namespace=KEY)
        mine.memory.erase([uid])
        assert [receipt["namespace"] for receipt in mine.memory.receipts()] == [KEY]
        assert theirs.memory.receipts() == []
        assert theirs.memory.stats()["namespaces"] == [other]
        assert theirs.memory.get(kept).answer == "At the pier"
