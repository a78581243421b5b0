"""Apps are found through their entry points; a missing one says what to install."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cli.conftest import Ran

Alen = Callable[..., Ran]


class Entry:
    """An entry point of the group of apps."""

    def __init__(self, name: str, app: Any) -> None:
        self.name = name
        self._app = app

    def load(self) -> Any:
        if isinstance(self._app, Exception):
            raise self._app
        return self._app


def install(monkeypatch: pytest.MonkeyPatch, *entries: Entry) -> None:
    monkeypatch.setattr("alen.cli.apps.entry_points", lambda group: entries if group == "alen.apps" else ())


def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr("alen.cli.chat.sys", SimpleNamespace(stdin=terminal, stderr=terminal))


def test_the_chat_is_installed_under_its_entry_point() -> None:
    from alen_chat.app import run

    from alen.cli.apps import load_app

    assert load_app("chat", needs="textual", install="") is run


def test_chat_passes_its_options_on(alen: Alen, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def app(**options: Any) -> dict[str, Any]:
        given.update(options)
        return {"session": "s7", "answers": 2}

    install(monkeypatch, Entry("chat", app))
    on_a_terminal(monkeypatch)
    ran = alen("chat", "--session", "s7", "--effort", "fast", "--private", "--namespace", "n", "--json")
    assert ran.json("chat") == {"session": "s7", "answers": 2}
    assert given == {
        "store": None,
        "namespace": "n",
        "model": None,
        "session": "s7",
        "effort": "fast",
        "private": True,
    }
    assert "alen chat --session s7" in alen("chat").err


def test_a_missing_library_says_what_to_install(alen: Alen, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Entry("chat", ModuleNotFoundError("No module named 'textual'", name="textual.app")))
    failure = alen("chat", "--json").error(1)
    assert failure["hint"] == 'Install it with: pip install "alen[chat]"'
    install(monkeypatch)
    assert alen("chat", "--json").error(1)["hint"] == failure["hint"]


def test_another_missing_module_is_not_blamed_on_the_library(alen: Alen, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Entry("chat", ModuleNotFoundError("No module named 'oops'", name="oops")))
    assert alen("chat", "--json").error(1)["type"] == "ModuleNotFoundError"


def test_an_installed_app_is_a_verb(alen: Alen, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Entry("atlas", lambda **options: {"drawn": options["namespace"]}))
    assert alen("atlas", "--namespace", "maps", "--json").out == '{"drawn": "maps"}\n'
    assert alen("atlass").code == 2


def test_chat_without_a_terminal_is_refused(alen: Alen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))
    assert alen("chat", "--json").error(2)["field"] == "terminal"
