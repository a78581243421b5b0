"""The command itself: start-up, options that every verb takes, exit codes, one line for whatever goes wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from alen.cli.main import VERBS
from alen.cli.main import alen as root
from alen.errors import CorruptWeights
from tests.cli.conftest import Ran
from tests.cli.scripted_engine import ScriptedEngine

Alen = Callable[..., Ran]
HEAVY = ("torch", "faiss", "sqlalchemy", "textual", "pydantic", "rich", "numpy", "importlib.metadata")


def verbs() -> list[tuple[str, click.Command]]:
    """Every command with its full name, groups opened."""
    found: list[tuple[str, click.Command]] = []
    for name in VERBS:
        command = root.get_command(click.Context(root), name)
        assert command is not None
        if isinstance(command, click.Group):
            found += [(f"{name} {child}", command.commands[child]) for child in command.commands]
        else:
            found.append((name, command))
    return found


@pytest.mark.parametrize("args", [["--help"], ["ask", "--help"], ["memory", "--help"], ["--version"], ["models"]])
def test_help_loads_nothing_heavy(args: list[str]) -> None:
    code = (
        f"import sys\nfrom alen.cli.main import main\nmain({args!r})\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_lists_every_verb(alen: Alen) -> None:
    ran = alen("--help")
    assert ran.code == 0
    assert all(f"  {name} " in ran.out and summary in ran.out for name, (_, summary) in VERBS.items())
    assert alen().out == ran.out


@pytest.mark.parametrize("name", [name for name, _ in verbs()])
def test_every_verb_takes_the_common_options(name: str) -> None:
    command = dict(verbs())[name]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--json", "--store", "--namespace", "--model", "--verbose", "--url"} <= options
    assert command.help


@pytest.mark.parametrize(
    "args",
    [
        ["aks"],
        ["ask", "--effort", "huge", "x"],
        ["ask", "--nonsense"],
        ["memory"],
        ["models", "nonsense"],
        ["generate", "x", "--max-tokens", "many"],
        ["calibrate"],
        ["feedback"],
        ["where", "--url", "http://localhost"],
        ["feedback", "e1"],
        ["feedback", "e1", "--correct", "--answer", "x"],
        ["teach"],
        ["teach", "no-such-file.md"],
        ["teach", "--mailbox", "no-such-file.mbox"],
        ["calibrate", "--data", "no-such-file.jsonl"],
        ["ask", "--file", "questions.jsonl"],
        ["ask", "--out", "answers.jsonl"],
        ["ask", "x", "--file", "questions.jsonl", "--out", "answers.jsonl"],
        ["generate", " "],
        ["generate", "x", "--max-tokens", "0"],
        ["generate", "x", "--temperature", "-1"],
        ["models", "info", "no-such-model"],
        ["models", "pull", "no-such-model"],
        ["generate", "x", "--model", "no-such-model"],
        ["chat"],
    ],
)
def test_a_wrong_request_ends_with_two(alen: Alen, engine: ScriptedEngine, args: list[str]) -> None:
    failure = alen(*args, "--json").error(2)
    assert failure["message"]
    assert not engine.calls


def test_a_typo_gets_advice(alen: Alen) -> None:
    assert "Did you mean ask?" in alen("aks").err
    assert "smollm2-135m-instruct" in alen("models", "info", "smolm2-135m").err


def test_failed_work_ends_with_one(alen: Alen, engine: ScriptedEngine) -> None:
    engine.script["x"] = CorruptWeights("model.gguf ends early.", "Get it again.")
    failure = alen("ask", "x", "--json").error(1)
    assert failure == {
        "type": "CorruptWeights",
        "message": "model.gguf ends early.",
        "field": None,
        "found": None,
        "allowed": None,
        "hint": "Get it again.",
    }


def test_an_unexpected_error_is_one_line_and_verbose_tells_where(alen: Alen, engine: ScriptedEngine) -> None:
    engine.script["x"] = ZeroDivisionError("odd\nthing\x1b[2J")
    ran = alen("ask", "x")
    assert ran.code == 1
    assert ran.err == "error: ZeroDivisionError: odd thing␛[2J Run it again with --verbose to see where it happened.\n"
    assert "Traceback" in alen("ask", "x", "--verbose").err


def test_options_after_two_dashes_are_no_options(alen: Alen, engine: ScriptedEngine) -> None:
    assert not alen("ask", "--", "--json").out.startswith("{")
    assert engine.calls[0][1]["question"] == "--json"


def test_a_home_below_a_file_is_named(alen: Alen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("ALEN_HOME", str(tmp_path / "file" / "home"))
    failure = alen("models", "pull", "--json").error(2)
    assert failure["type"] == "HomeNotWritable"
    assert failure["field"] == "ALEN_HOME"


def test_a_broken_config_file_is_named(alen: Alen, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path(os.environ["ALEN_HOME"])
    (home / "config.toml").write_text("effort = 'enormous'\n")
    assert alen("where", "--json").error(2)["field"] == "effort"
    (home / "config.toml").write_text("effort =")
    assert "config.toml" in str(alen("where", "--json").error(2)["field"])


def test_control_c_ends_with_130(alen: Alen, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "ask", interrupted)
    ran = alen("ask", "x", "--json")
    assert ran.code == 130
    assert json.loads(ran.out)["error"]["type"] == "Interrupted"
    assert "Traceback" not in ran.err


def test_the_first_control_c_lets_the_engine_stop_by_itself(
    alen: Alen, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    engine.holding = threading.Event()
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    before = signal.getsignal(signal.SIGINT)
    ran = alen("ask", "x")
    assert ran.code == 130
    assert ran.err.splitlines()[-1] == "stopped"
    assert engine.closed
    assert signal.getsignal(signal.SIGINT) is before


def test_a_reader_that_leaves_is_no_error() -> None:
    alen_command = Path(sys.executable).with_name("alen")
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{alen_command} models list | true; {alen_command} where | head -1"],
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_a_terminal_without_unicode_still_gets_its_answer() -> None:
    command = [str(Path(sys.executable).with_name("alen")), "models", "info", "…", "--json"]
    done = subprocess.run(
        command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    )
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["type"] == "UnknownModel"
