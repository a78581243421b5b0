"""Which index a command uses: from the environment, checked, and said to whoever opens the memory."""

from __future__ import annotations

from typing import Any

import pytest

from alen.cli import opening
from alen.cli.options import Common
from alen.memory import EpisodicMemory


def test_an_index_that_cannot_be_had_is_a_wrong_request(alen, tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'memory.db'}"
    with EpisodicMemory.open(url) as memory:
        memory.remember(question="Where is the key?", answer="In the pot.")
    assert alen("memory", "stats", "--store", url, "--json").code == 0
    monkeypatch.setenv("ALEN_INDEX", "pgvector")
    assert alen("memory", "stats", "--store", url, "--json").error(2)["field"] == "index"
    monkeypatch.setenv("ALEN_INDEX", "cloud")
    failed = alen("memory", "stats", "--store", url, "--json").error(2)
    assert (failed["field"], failed["found"]) == ("index", "'cloud'")
    monkeypatch.delenv("ALEN_INDEX")
    monkeypatch.setenv("ALEN_FAISS_GPU", "always")
    assert alen("memory", "stats", "--store", url, "--json").error(2)["field"] == "faiss_gpu"


class _Opened(Exception):
    """In place of a memory."""


@pytest.mark.parametrize("opens", [opening.open_engine, opening.open_memory])
def test_settings_reach_the_memory_and_copying_is_shown(opens, monkeypatch, capsys):
    given: dict[str, Any] = {}

    def open_memory(url: str, **options: Any) -> None:
        given.update(options)
        options["progress"]("copying vectors to pgvector", 3, 9)
        raise _Opened

    monkeypatch.setattr(EpisodicMemory, "open", open_memory)
    monkeypatch.setattr("alen.engine.engine.LazyEncoder", lambda settings: None)  # needs no model to be there
    monkeypatch.setenv("ALEN_INDEX", "pgvector")
    monkeypatch.setenv("ALEN_FAISS_GPU", "off")
    with pytest.raises(_Opened):
        opens(Common(store="postgresql://somewhere/alen"))
    assert (given["index"], given["gpu"]) == ("pgvector", False)
    assert capsys.readouterr().err == "copying vectors to pgvector 3/9\n"
    monkeypatch.delenv("ALEN_INDEX")
    monkeypatch.delenv("ALEN_FAISS_GPU")
    with pytest.raises(_Opened):
        opens(Common(store="postgresql://somewhere/alen"))
    assert (given["index"], given["gpu"]) == ("local", True)
