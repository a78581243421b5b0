"""Keys open their namespace and no other, and not more often than they may."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from alen.core import belief
from alen.errors import BadInput
from alen.serving import keys as module
from alen.serving.keys import Keys, NotAllowed, TooMany
from alen.serving.server import Listening
from tests.engine.conftest import BELIEF
from tests.serving.conftest import EVERYONE, made_service, served

ONE, TWO = "key-of-the-first-team", "key-of-the-second-team"


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({key: {"name": name, "namespace": name} for key, name in ((ONE, "one"), (TWO, "two"))}))
    return Keys.read(file, EVERYONE)


def test_namespaces_stay_apart_under_load(tmp_path: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(belief, "default", lambda: BELIEF)
    with served(made_service(tmp_path, keys)) as url, httpx.Client(base_url=url, timeout=60) as client:

        def call(key: str, path: str, body: dict) -> dict:
            got = client.post(f"/v1/alen/{path}", json=body, headers={"Authorization": f"Bearer {key}"})
            assert got.status_code == 200, got.text
            return got.json()

        for key, degrees in ((ONE, "1,111"), (TWO, "2,222")):
            call(key, "teach", {"text": f"The Halden kiln fires stoneware at {degrees} degrees."})
        question = {"question": "At what degrees does the Halden kiln fire stoneware?"}
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: call((ONE, TWO)[n % 2], "ask", question)["answer"], range(24)))
        assert answers == ["1,111 degrees", "2,222 degrees"] * 12


def test_nobody_comes_in_without_a_key(tmp_path: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(belief, "default", lambda: BELIEF)
    with served(made_service(tmp_path, keys)) as url:
        schema = httpx.get(f"{url}/openapi.json").json()
        for path, methods in schema["paths"].items():
            for method in methods:
                filled = path.replace("{name}", "x").replace("{uid}", "x")
                for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {ONE}"}):
                    got = httpx.request(method.upper(), url + filled, headers=headers, json={})
                    expected = 200 if path in ("/health", "/version") else 401
                    assert got.status_code == expected, path
        assert ONE not in httpx.get(f"{url}/metrics", headers={"Authorization": f"Bearer {ONE}"}).text


def test_a_bucket_fills_at_its_rate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file, now = tmp_path / "keys.json", [100.0]
    file.write_text(json.dumps({ONE: {"name": "one", "namespace": "one", "per_minute": 3}}))
    known = Keys.read(file, EVERYONE)
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    for _ in range(3):
        assert known.holder(f"Bearer {ONE}").namespace == "one"
    with pytest.raises(TooMany):
        known.holder(f"Bearer {ONE}")
    now[0] += 20  # a third of a minute: one more
    known.holder(f"bearer {ONE}")
    with pytest.raises(TooMany):
        known.holder(f"Bearer {ONE}")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"short": {}}',
        '{"a key that is long enough": {"name": "x"}}',
        '{"a key that is long enough": 7}',
    ],
)
def test_files_that_are_wrong(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(text)
    with pytest.raises(BadInput, match="keys"):
        Keys.read(file, EVERYONE)


def test_other_machines_need_keys() -> None:
    with pytest.raises(BadInput, match="host"):
        Listening(host="0.0.0.0")
    assert Listening(host="0.0.0.0", keys=Path("keys.json"))
    assert Listening(host="::1")
    with pytest.raises(NotAllowed):
        Keys(EVERYONE, {"x": EVERYONE}).holder(None)
