"""``--url``: every verb gives over a server what it gives here, or refuses clearly."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alen.core import belief
from alen.language_model import LargeLanguageModel
from tests.benchmark.tiny_model import tiny_model
from tests.cli.conftest import Ran
from tests.cli.hash_encoder import HashEncoder
from tests.cli.test_main import verbs
from tests.engine.conftest import BELIEF, WordReader
from tests.serving.conftest import made_service, served

Alen = Callable[..., Ran]
Run = Callable[..., Any]
KILN = "The Halden kiln fires stoneware at 1,240 degrees."
QUESTION = "At what degrees does the Halden kiln fire stoneware?"
NOWHERE = "http://127.0.0.1:1"

OVER_A_SERVER = {
    "ask": ["x"],
    "teach": ["--text", "x"],
    "feedback": ["e", "--correct"],
    "chat": [],
    "generate": ["x"],
    "validate": ["--data", "DATA"],
    "memory stats": [],
    "memory search": ["x"],
    "memory show": ["x"],
    "memory get": ["x"],
    "memory recall": ["x"],
    "memory remember": ["x", "y"],
    "memory update": ["x", "--answer", "y"],
    "memory supersede": ["x", "y"],
    "memory retract": ["x"],
    "memory history": ["x"],
    "memory merge": [],
    "memory unmerge": ["x"],
    "memory commit": [],
    "memory delete": ["x"],
    "memory forget": [],
    "memory erase": ["x", "--yes"],
    "memory receipts": [],
}
"""Verbs that work over a server, with the least that they need."""

HERE_ALONE = {
    "memory verify": [],
    "memory repair": [],
    "memory checkpoint": [],
    "memory export": ["FOLDER"],
    "memory import": ["FOLDER"],
    "memory reembed": [],
    "memory consolidate": [],
    "calibrate": ["--data", "DATA"],
    "serve": [],
    "models list": [],
    "models pull": [],
    "models optimize": [],
    "models info": [],
    "bench generate": [],
    "bench memory": ["FOLDER"],
    "bench serve": [],
    "bench train": [],
    "train": ["DATA"],
    "doctor": [],
    "where": [],
}
OF_THE_STORE = {name for name in HERE_ALONE if name.startswith("memory")} | {"calibrate"}


def test_every_verb_is_decided() -> None:
    """A new verb works over a server, or refuses it: it belongs into one of the two tables."""
    names = {name for name, _ in verbs()}
    assert names == OVER_A_SERVER.keys() | HERE_ALONE.keys()
    assert not OVER_A_SERVER.keys() & HERE_ALONE.keys()


def filled(args: list[str], folder: Path) -> list[str]:
    data = folder / "data.jsonl"
    data.write_text('{"id": 1, "question": "Who?", "answers": ["Ada"]}\n')
    return [{"DATA": str(data), "FOLDER": str(folder)}.get(arg, arg) for arg in args]


@pytest.fixture
def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    from alen_chat.app import ChatApp

    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr("alen.cli.chat.sys", SimpleNamespace(stdin=terminal, stderr=terminal))

    def asks(app: ChatApp) -> Exception | None:
        app._conversation.send("Who?", app._conversation.begin(), lambda _: None)
        return None

    monkeypatch.setattr(ChatApp, "run", asks)


@pytest.mark.parametrize("name", OVER_A_SERVER)
def test_a_verb_goes_to_the_server_and_nowhere_else(
    alen: Alen, tmp_path: Path, on_a_terminal: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("ALEN_HOME", str(home))
    args = [*name.split(), *filled(OVER_A_SERVER[name], tmp_path), "--json"]
    failure = alen(*args, "--url", NOWHERE).error(1)
    assert failure["type"] == "ServerFailed"
    assert NOWHERE in failure["message"]
    monkeypatch.setenv("ALEN_URL", NOWHERE)
    assert alen(*args).error(1)["type"] == "ServerFailed"
    for option in ("--store", "--namespace", "--model"):
        failure = alen(*args, option, "sqlite:///x.db").error(2)
        assert (failure["type"], failure["field"]) == ("BadInput", option)
        assert NOWHERE in failure["found"]
    assert not home.exists()


@pytest.mark.parametrize("name", HERE_ALONE)
def test_a_verb_that_a_server_cannot_do_says_where_to_run_it(
    alen: Alen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    args = [*name.split(), *filled(HERE_ALONE[name], tmp_path), "--json"]
    failure = alen(*args, "--url", NOWHERE).error(2)
    assert failure["field"] == "--url"
    assert failure["allowed"].startswith("leaving it out: ")
    assert f"alen {name}" in failure["hint"]
    if name in OF_THE_STORE:
        monkeypatch.setenv("ALEN_URL", NOWHERE)
        assert alen(*args).error(2)["field"] == "ALEN_URL"


def test_what_is_about_this_machine_does_not_mind_the_environment(alen: Alen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEN_URL", NOWHERE)
    assert alen("where", "--json").code == 0
    assert alen("models", "list", "--json").code == 0


def test_ray_is_the_server_s(alen: Alen) -> None:
    assert alen("teach", "--text", "x", "--ray", "auto", "--url", NOWHERE, "--json").error(2)["field"] == "--ray"


def test_precedence(alen: Alen, tmp_path: Path, hashed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEN_HOME", str(tmp_path))
    (tmp_path / "config.toml").write_text('url = "http://127.0.0.1:3"\n')
    assert ":3" in alen("memory", "stats", "--json").error(1)["message"]
    monkeypatch.setenv("ALEN_URL", "http://127.0.0.1:2")
    assert ":2" in alen("memory", "stats", "--json").error(1)["message"]
    assert ":1" in alen("memory", "stats", "--url", NOWHERE, "--json").error(1)["message"]
    assert alen("memory", "stats", "--url", "", "--json").error(2)["type"] == "UnknownNamespace"
    monkeypatch.setenv("ALEN_URL", "")
    assert alen("memory", "remember", "Where is the key?", "In the pot", "--json").code == 0


@pytest.fixture
def here(alen: Alen, hashed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in this process."""
    monkeypatch.setattr(belief, "default", lambda: BELIEF)
    monkeypatch.setattr("alen.engine.engine.LazyEncoder", HashEncoder)
    monkeypatch.setattr("alen.engine.engine.load_reader", lambda *_: WordReader())
    monkeypatch.setattr("alen.engine.engine.load_model", lambda *_: None)
    model = tiny_model()
    monkeypatch.setattr(LargeLanguageModel, "from_pretrained", lambda *_, **__: model)
    store = f"sqlite:///{tmp_path / 'here.db'}"
    return lambda *args: alen(*args, "--store", store)


@pytest.fixture
def there(alen: Alen, here: Run, tmp_path: Path) -> Iterator[Run]:
    """Runs a command over a server with a database of its own."""
    (tmp_path / "there").mkdir()
    with served(made_service(tmp_path / "there")) as url:
        yield lambda *args: alen(*args, "--url", url)


def plain(value: Any, names: dict[str, str], key: str = "") -> Any:
    """Without what may differ: ids become the number in which they came; moments, timings, places, sizes of files and
    hashes of ids are left out."""
    if key in ("timings_ms", "seconds", "store", "bytes", "digest") or key.endswith("milliseconds"):
        return None
    if isinstance(value, dict):
        return {name: plain(item, names, name) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item, names) for item in value]
    if isinstance(value, str):
        value = re.sub(
            r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", lambda m: names.setdefault(m[0], f"#{len(names)}"), value
        )
        return re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d+(\+00:00)?", "MOMENT", value)
    return value


class Both:
    """Runs a command in both ways, and holds what they print against each other."""

    def __init__(self, here: Run, there: Run) -> None:
        self.runs, self.names, self.ran = (here, there), ({}, {}), set()

    def __call__(self, *args: Any, code: int = 0) -> tuple[Any, Any]:
        found, shown = [], []
        for run, names, place in zip(self.runs, self.names, (0, 1), strict=True):
            given = [str(arg[place]) if isinstance(arg, tuple) else str(arg) for arg in args]
            ran = run(*given, "--json")
            assert ran.code == code, (given, ran)
            found.append(json.loads(ran.out))
            shown.append(plain(found[-1], names))
        assert shown[0] == shown[1], args
        self.ran.add(" ".join(str(arg) for arg in args[: 2 if args[0] == "memory" else 1]))
        return found[0], found[1]


@pytest.fixture
def both(here: Run, there: Run) -> Both:
    return Both(here, there)


def ids(found: tuple[Any, Any], name: str = "id") -> tuple[str, str]:
    return found[0][name], found[1][name]


def test_all_commands_print_the_same(both: Both, tmp_path: Path) -> None:
    note = tmp_path / "notes.md"
    note.write_text(f"# Kilns\n\n{KILN}\n\n# Ovens\n\nThe village oven bakes rye at 200 degrees.\n")
    qa, data = tmp_path / "qa.jsonl", tmp_path / "data.jsonl"
    qa.write_text("".join(json.dumps({"question": f"What is K{n}?", "answer": f"Kiln {n}"}) + "\n" for n in range(3)))
    data.write_text(json.dumps({"id": 1, "question": QUESTION, "answers": ["1,240 degrees"]}) + "\n")
    both("teach", tmp_path / "notes.md", "--qa", qa)
    both("teach", note)
    note.write_text(f"# Kilns\n\n{KILN}\n")
    assert both("teach", note)[1]["retired"] == 1
    asked = both("ask", QUESTION)
    assert asked[1]["answer"] == "1,240 degrees"
    both("ask", QUESTION, "--session", "s", "--effort", "fast", "--private")
    both("ask", "Who was Ada Lovelace's cat?")
    both("feedback", ids(asked, "episode"), "--correct")
    both("validate", "--data", data)
    both("generate", "Once upon", "--max-tokens", "12")
    both("generate", "Once upon", "--max-tokens", "9", "--temperature", "0.8", "--top-k", "9", "--seed", "3")
    both("memory", "stats")
    both("memory", "search", "kiln stoneware", "-k", "3")
    first = ids(
        both("memory", "remember", "Where is the spare key?", "In the pot", "--tag", "home", "--detail", '{"a": 1}')
    )
    other = ids(both("memory", "remember", "Where is the spare key?", "On the hook", "--ttl", "900"))
    both("memory", "recall", "spare key", "--tag", "home", "--min-confidence", "0.5")
    both("memory", "recall", "spare key", "--mode", "lexical")
    both("memory", "show", first)
    both("memory", "update", first, "--context", "in winter", "--no-tags", "--pin", "--expires", "2090-01-01")
    both("memory", "get", first)
    both("memory", "supersede", first, other)
    both("memory", "history", first)
    both("memory", "retract", other)
    twin = both("memory", "remember", "What is  K1?", "Kiln 1.")
    both("memory", "merge", "--alike", "0.9")
    both("memory", "merge", "--alike", "0.9", "--yes")
    both("memory", "unmerge", ids(twin))
    both("memory", "commit")
    both("memory", "delete", first)
    both("memory", "delete", first, "--yes")
    both("memory", "forget", "--keep", "1")
    both("memory", "forget", "--keep", "1", "--yes")
    both("memory", "erase", "--source", str(note), "--yes")
    both("memory", "receipts")
    assert both.ran == OVER_A_SERVER.keys() - {"chat"}


def test_errors_are_the_same(both: Both, tmp_path: Path) -> None:
    both("memory", "remember", "Where is the spare key?", "In the pot")
    for args in (
        ["ask", "?"],
        ["ask", "x" * 5000],
        ["feedback", "nothing", "--wrong"],
        ["teach", "--text", " "],
        ["generate", "x", "--temperature", "-1"],
        ["generate", "x" * 5000],
        ["memory", "show", "nothing"],
        ["memory", "get", "p77"],
        ["memory", "update", "nothing", "--answer", "x"],
        ["memory", "recall", "key", "--since", "yesterday"],
        ["memory", "supersede", "a", "a"],
        ["memory", "erase", "--yes"],
        ["memory", "erase", "nothing", "--yes"],
        ["memory", "delete", "nothing", "--yes"],
        ["memory", "unmerge", "nothing"],
        ["memory", "remember", " ", "y"],
    ):
        failure = both(*args, code=2)[1]["error"]
        assert failure["hint"], args


def test_a_namespace_nobody_taught(there: Run) -> None:
    for args in (["ask", QUESTION], ["memory", "search", "x"], ["memory", "stats"]):
        failure = there(*args, "--json").error(2)
        assert (failure["type"], failure["field"]) == ("UnknownNamespace", "namespace")


def test_text_is_the_same_too(here: Run, there: Run) -> None:
    def told(run: Run, *args: str) -> str:
        ran = run(*args)
        assert ran.code == 0, ran
        return re.sub(r"episode \S+|[\d.,]+ m?s\b", "", ran.out)

    for run in (here, there):
        run("teach", "--text", KILN, "--source", "kiln.md")
    for args in (["ask", QUESTION], ["ask", QUESTION, "--explain"], ["memory", "search", "stoneware"]):
        assert told(there, *args) == told(here, *args)
    assert "before any check" in told(there, "ask", QUESTION, "--explain")


def test_a_file_of_questions_goes_on_after_the_server_went_away(alen: Alen, here: Run, tmp_path: Path) -> None:
    questions, out = tmp_path / "questions.jsonl", tmp_path / "answers.jsonl"
    questions.write_text("".join(json.dumps({"id": n, "question": QUESTION}) + "\n" for n in range(3)))
    (tmp_path / "there").mkdir()
    service = made_service(tmp_path / "there")
    service.engine.teach(KILN)
    asked, ask = [], service.engine.ask

    def breaks(question: str, **options: Any) -> Any:
        asked.append(question)
        if len(asked) == 2:
            raise RuntimeError("inside")
        return ask(question, **options)

    service.engine.ask = breaks  # type: ignore[method-assign]  # the second question breaks it
    with served(service) as url:
        command = ("ask", "--file", questions, "--out", out, "--url", url, "--json")
        assert alen(*command).error(1)["type"] == "ServerFailed"
        assert len(out.read_text().splitlines()) == 1
        assert alen(*command).json("ask_file")["skipped"] == 1
    assert [json.loads(line)["answer"] for line in out.read_text().splitlines()] == ["1,240 degrees"] * 3


def test_a_text_comes_piece_by_piece(there: Run, here: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = there("generate", "Once", "--max-tokens", "12").out
    monkeypatch.setattr("alen.cli.generate.on_terminal", lambda: True)
    assert there("generate", "Once", "--max-tokens", "12").out == here("generate", "Once", "--max-tokens", "12").out
    assert whole


def test_the_chat_screen_talks_to_the_server(alen: Alen, there: Run, on_a_terminal: None) -> None:
    there("teach", "--text", KILN)
    assert there("chat", "--json").json("chat")["answers"] == 1
