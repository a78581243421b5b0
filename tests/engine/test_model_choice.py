"""A setting becomes a model, of this machine or of a server, and what it reads is believed once it is calibrated."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from alen import settings
from alen.core.prompted_reader import PromptedReader
from alen.engine import Engine, model_choice
from alen.engine.remote_model import RemoteModel
from alen.errors import BadInput, ModelNotInstalled, ModelServerFailed
from alen.generation.reader import SpanReader
from alen.memory import EpisodicMemory
from alen.models import locate
from alen.types import Backend, Reader
from tests.engine.conftest import HashEncoder
from tests.engine.scripted_server import Asked, Reply, models, refused, said, serving

KEY = "sk-0123456789"


def chosen(home: Path, **fields: object) -> settings.Settings:
    return settings.load(home=home, store=f"sqlite:///{home / 'memory.db'}", **fields)


def weighing(asked: Asked) -> Reply:
    """Answers with the weight that the passage tells; of a thing that it does not name, every second time with a guess,
    which it hardly believes itself."""
    if asked.body is None:
        return models("scale-1b")
    if "echo" in asked.body or "prompt_logprobs" in asked.body:
        return refused("not known")
    text = asked.body["messages"][-1]["content"]
    thing = re.findall(r"Question: How much does the (\w+) weigh", text)[-1]
    weight = re.search(rf"The {thing} weighs (\d+ tons)", text)
    guess = re.search(r"\d+ tons", text)
    if weight is None and (guess is None or len(thing) % 2):
        return said("NOT STATED", logprobs={"content": [{"token": "NOT STATED", "logprob": -0.4}]})
    word, sure = (weight.group(1), -0.1) if weight else (guess.group(), -3.0)
    return said(word, logprobs={"content": [{"token": word, "logprob": sure}]})


def open_engine(home: Path, url: str) -> Engine:
    home.mkdir(exist_ok=True)
    given = chosen(home, model=url)
    memory = EpisodicMemory.open(given.store, encoder=HashEncoder(), namespace=given.namespace)

    def backend() -> Backend:
        return model_choice.load_model(given)

    return Engine(given, memory, HashEncoder(), lambda: model_choice.load_reader(given, backend), backend)


def test_nothing_is_believed_before_it_is_calibrated(tmp_path: Path) -> None:
    things = [
        f"{first}{second}" for first in "bdfghklmnprst" for second in ("oom", "iln", "ase", "ench", "ox", "arrel")
    ]
    rows = [
        {"id": str(place), "question": f"How much does the {thing} weigh?", "answers": [f"{place + 2} tons"]}
        | ({"unanswerable": True, "answers": []} if place % 2 else {})
        for place, thing in enumerate(things)
    ]
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    with serving(weighing) as server, open_engine(tmp_path / "home", server.url) as engine:
        known = [row for row in rows if row["answers"]]
        engine.teach(
            passages=[
                {"id": row["id"], "text": f"The {row['question'].split()[4]} weighs {row['answers'][0]} in all."}
                for row in known
            ]
        )
        ask = known[0]["question"]
        before = engine.ask(ask)
        assert (before.decision, before.confidence) == ("abstain", 0.0)
        assert before.reason.startswith("not calibrated")
        assert before.candidates[0].text == known[0]["answers"][0]
        report = engine.calibrate(data)
        family = engine.reader().family
        assert family.startswith("read:")
        assert report["families"][family]["fitted"]
        after = engine.ask(ask)
        assert (after.decision, after.text) == ("answer", known[0]["answers"][0])
        wrong = engine.ask(rows[1]["question"])
        assert wrong.decision == "abstain"
        assert not wrong.reason.startswith("not calibrated")
    # The same memory with another model: what was fitted to the first says nothing of it.
    renamed = serving(lambda asked: models("other") if asked.body is None else weighing(asked))
    with renamed as server, open_engine(tmp_path / "home", server.url) as engine:
        other = engine.ask(ask)
        assert other.decision == "abstain"
        assert other.reason.startswith("not calibrated")


def test_a_url_is_a_served_model_with_its_own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEN_API_KEY", KEY)
    with serving(weighing) as server:
        given = chosen(tmp_path, model=server.url)
        backend = model_choice.load_model(given)
        assert isinstance(backend.generator, RemoteModel)
        assert backend.generator.name == "scale-1b"
        assert backend.scorer is None
        assert {asked.headers.get("Authorization") for asked in server.asked} == {f"Bearer {KEY}"}
        assert isinstance(model_choice.load_reader(given, lambda: backend), PromptedReader)
    assert KEY not in f"{given!r}{given.model_dump_json()}"


def test_each_server_gets_its_own_key_and_no_other(tmp_path: Path) -> None:
    with serving(weighing) as first, serving(weighing) as second:
        given = chosen(tmp_path, model=first.url, verifier=second.url, api_key=KEY)
        backend = model_choice.load_model(given)
        verifier = model_choice.load_verifier(given, lambda: backend)
        assert verifier is not None
        assert verifier.generator.name == "scale-1b"
        assert all("Authorization" not in asked.headers for asked in second.asked)


def test_no_verifier_and_the_same_one(tmp_path: Path) -> None:
    model: Callable[[], Backend] = object
    assert model_choice.load_verifier(chosen(tmp_path), model) is None
    same = chosen(tmp_path, verifier="smollm2-135m-instruct")
    assert type(model_choice.load_verifier(same, model)) is object


@pytest.mark.parametrize("value", [12345, ["sk-1"]])
def test_a_key_of_a_wrong_type_is_not_shown(tmp_path: Path, value: object) -> None:
    with pytest.raises(BadInput, match="api_key") as failure:
        chosen(tmp_path, api_key=value)
    assert "12345" not in str(failure.value)
    assert "sk-1" not in str(failure.value)


def test_a_key_under_a_wrong_name_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f'apikey = "{KEY}"', "utf-8")
    with pytest.raises(BadInput, match="apikey") as failure:
        chosen(tmp_path)
    assert KEY not in str(failure.value)


def test_models_load_at_first_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alen.engine.engine.LazyEncoder", lambda given: HashEncoder())
    with Engine.open(home=tmp_path, model="http://127.0.0.1:1/v1", settings=None) as engine:
        assert engine.stats()["model"] == "http://127.0.0.1:1/v1"
        assert engine.verifier() is None
        with pytest.raises(ModelServerFailed, match=r"http://127\.0\.0\.1:1/v1 cannot be reached"):
            engine.model()
    with Engine.open(home=tmp_path) as engine, pytest.raises(ModelNotInstalled):
        engine.model()


@pytest.mark.models
def test_the_shipped_reader_alone_reads_in_the_shipped_family(
    models_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(model: str) -> Reader:
        return model_choice.load_reader(settings.load(home=models_home, model=model), unasked)

    reader = load("smollm2-135m-instruct")
    assert isinstance(reader, SpanReader)
    assert reader.family == "read"
    changed = tmp_path / "smollm2-135m-instruct.gguf"
    changed.write_bytes(locate("smollm2-135m-instruct", models_home).path.read_bytes() + b"\0")
    asked: dict[str, object] = {}
    monkeypatch.setattr(SpanReader, "load", lambda path, **more: asked.update(more))
    load(str(changed))
    assert asked["name"] == "smollm2-135m-instruct"
    assert asked["family"] is None


def unasked() -> Backend:
    raise AssertionError("a model of this machine reads by itself")
