"""Running a command in this process over the scripted engine, and judging its JSON by the shipped schemas."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from alen.cli import opening
from alen.cli.main import main
from alen.cli.options import Common
from alen.memory import EpisodicMemory
from tests.cli.hash_encoder import HashEncoder
from tests.cli.scripted_engine import ScriptedEngine

SCHEMAS = Path(__file__).resolve().parents[2] / "alen" / "cli" / "schemas"


@dataclass(frozen=True)
class Ran:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    def json(self, schema: str) -> dict[str, Any]:
        """The one JSON object on stdout, valid for the schema of that name."""
        assert self.out.count("\n") == 1, self.out
        value: dict[str, Any] = json.loads(self.out)
        check(value, schema)
        return value

    def error(self, code: int) -> dict[str, Any]:
        """The error object of a command that failed as it should, without a traceback."""
        assert self.code == code
        assert "Traceback" not in self.err
        assert self.err.splitlines()[-1].startswith("error: ")
        failure: dict[str, Any] = self.json("error")["error"]
        return failure


def check(value: Any, schema: str) -> None:
    document = json.loads((SCHEMAS / f"{schema}.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(document)
    jsonschema.validate(value, document, cls=jsonschema.Draft202012Validator)


@pytest.fixture
def alen(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """``alen("ask", "…")`` runs that command."""

    def run(*args: str | Path) -> Ran:
        capsys.readouterr()
        code = main([str(arg) for arg in args])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> ScriptedEngine:
    """The engine that every verb gets; ``engine.opened`` says with which options."""
    scripted = ScriptedEngine()

    def open_engine(common: Common, *, ray: str | None = None) -> ScriptedEngine:
        scripted.opened, scripted.ray = common, ray
        return scripted

    for name in ("open_engine", "open_local_engine"):
        monkeypatch.setattr(opening, name, open_engine)
    return scripted


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every verb gets the small encoder instead of the model."""
    for place in ("alen.engine.lazy_models", "alen.engine.engine"):
        monkeypatch.setattr(f"{place}.LazyEncoder", HashEncoder)


@pytest.fixture
def filled(hashed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A store with an answer that was changed once, its twin, and one that has run out: their ids by name."""
    url = f"sqlite:///{tmp_path / 'memory.db'}"
    monkeypatch.setenv("ALEN_STORE", url)
    with EpisodicMemory.open(url, encoder=HashEncoder()) as memory:
        first = memory.remember(question="Where is the spare key kept?", answer="In the blue pot.")
        twin = memory.remember(question="Where is the spare key kept", answer="In the blue pot", context="again")
        late = memory.remember(question="Is the ferry late?", answer="Yes.", ttl=-1)
        memory.update(first, confidence=0.9)
    return {"first": first, "twin": twin, "late": late, "url": url}
