"""docs/serving.md tells what is there, and what it says to type works."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from alen.cli.main import alen
from alen.cli.options import common_options
from alen.serving.app import create_app
from alen.serving.keys import Keys
from alen.serving.listening import GRACE_SECONDS
from alen.serving.monitor import InferenceMonitor
from alen.serving.service import Service
from tests.serving.conftest import EVERYONE

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "serving.md").read_text("utf-8")
COMMANDS = [line for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S) for line in block.splitlines()]
ADDRESS = "http://127.0.0.1:8080"


def parsed(arguments: list[str]) -> click.Context:
    """Raises what click says of wrong ones."""
    verb = alen.get_command(click.Context(alen), arguments[0])
    assert verb is not None, arguments[0]
    return verb.make_context(arguments[0], arguments[1:])


def rows(heading: str) -> list[str]:
    """The names in the first column of the table with that heading."""
    (table,) = re.findall(rf"^\| {heading} \| \|\n\|---\|---\|\n((?:\|.*\n)+)", PAGE, re.M)
    return [name for row in table.splitlines() for name in re.findall(r"`(.+?)`", row.split(" | ")[0])]


def test_options() -> None:
    common = {option.name for option in common_options(lambda _: None).__dict__["__click_params__"]}
    serve = alen.get_command(click.Context(alen), "serve")
    assert serve is not None
    assert rows("option") == [option.opts[0] for option in serve.params if option.name not in common]


def test_routes(service: Service) -> None:
    schema = create_app(service).openapi()
    there = {f"{method.upper()} {path}" for path, methods in schema["paths"].items() for method in methods}
    service.close()
    assert set(rows("route")) == there


def test_metrics() -> None:
    assert rows("metric") == [family.name for family in InferenceMonitor().registry.collect()]


def test_numbers_and_keys(tmp_path: Path) -> None:
    assert f"have {GRACE_SECONDS} seconds" in PAGE
    (example,) = re.findall(r"^```json\n(.*?)^```", PAGE, re.M | re.S)
    file = tmp_path / "keys.json"
    for text in (example, (ROOT / "deploy" / "keys.example.json").read_text("utf-8")):
        file.write_text(text)
        assert len(Keys.read(file, EVERYONE).digests) == len(json.loads(text)) == 2


def test_its_own_commands_can_be_typed() -> None:
    own = [shlex.split(line, comments=True)[1:] for line in COMMANDS if line.startswith("alen ")]
    assert len(own) == 3
    for arguments in own:
        parsed(arguments)
    with pytest.raises(click.NoSuchOption):
        parsed(["serve", "--nothing"])


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_what_curl_is_told(url: str) -> None:
    lines = [line for line in COMMANDS if line.startswith("curl ")]
    said = [subprocess.check_output(shlex.split(line.replace(ADDRESS, url)), text=True) for line in lines]
    assert json.loads(said[0])["stored"] == 1
    assert json.loads(said[1])["answer"] == "1,240 degrees"
    assert said[2].endswith("data: [DONE]\n\n")


def test_the_client_prints_an_answer(url: str, service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    service.engine.teach("The Halden kiln at what temperature does fire stoneware: 1,240 degrees.")
    (code,) = re.findall(r"^```py\n(.*?)^```", PAGE, re.M | re.S)
    exec(compile(code.replace(ADDRESS, url), "page", "exec"), {})
    first, second = capsys.readouterr().out.splitlines()
    assert first == "1,240 degrees"
    assert float(second.split()[0]) > 0.5
