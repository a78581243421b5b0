"""``alen serve``: what is asked for reaches the server, and the address is told once it listens."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alen.cli.options import Common
from alen.serving import workers
from alen.serving.listening import MOST_BYTES, Listening
from tests.cli.conftest import Ran

Alen = Callable[..., Ran]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What each call was to serve."""
    calls: list[Any] = []

    def serve(opening: Any, listening: Listening, told: Callable[[str], None]) -> None:
        calls.append((opening, listening))
        told("http://127.0.0.1:4321")

    monkeypatch.setattr(workers, "serve", serve)
    return calls


def test_options_reach_the_server(alen: Alen, served: list[Any], tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    given = ["--host", "0.0.0.0", "--port", "0", "--keys", keys, "--origin", "http://a", "--origin", "http://b"]
    done = alen("serve", *given, "--workers", "3", "--max-body", "2048", "--namespace", "guild", "--json")
    assert done.json("serve") == {"url": "http://127.0.0.1:4321", "workers": 3}
    ((opening, listening),) = served
    assert listening == Listening("0.0.0.0", 0, keys, ("http://a", "http://b"), 2048, 3)
    assert opening.args == (Common(as_json=True, namespace="guild"),)


def test_without_options_it_is_for_this_machine(alen: Alen, served: list[Any]) -> None:
    done = alen("serve")
    assert (done.code, done.out) == (0, "")
    assert "http://127.0.0.1:4321" in done.err
    assert served[0][1] == Listening("127.0.0.1", 8080, None, (), MOST_BYTES, 1)


def test_wrong_requests(alen: Alen, served: list[Any]) -> None:
    assert alen("serve", "--host", "0.0.0.0", "--json").error(2)["field"] == "host"
    for option, value in (("--port", "65536"), ("--workers", "0"), ("--max-body", "10")):
        assert option in alen("serve", option, value, "--json").error(2)["message"]
    assert served == []


def test_a_port_that_is_taken_is_told(alen: Alen) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        found = alen("serve", "--port", str(port), "--json").error(1)
    assert f"port {port}" in found["message"]
    assert "--port" in found["hint"]


def test_what_is_not_installed_is_told(alen: Alen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alen.cli.serve.find_spec", lambda name: None if name == "uvicorn" else object())
    found = alen("serve", "--json").error(1)
    assert "uvicorn" in found["message"]
    assert "alen[serve]" in found["hint"]


def test_the_watching_process_loads_nothing_heavy() -> None:
    from tests.house.test_imports import loaded_by

    assert loaded_by("import alen.serving.workers") == set()
