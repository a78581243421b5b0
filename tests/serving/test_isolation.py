"""Keys are bound to namespaces: whatever a key asks for, wherever, nothing of another namespace comes."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from alen.core import belief
from alen.serving.keys import Keys
from tests.engine.conftest import BELIEF
from tests.serving.conftest import EVERYONE, made_service, served

TEAMS = ("one", "two", "three")
QUESTION = "At what degrees does the Halden kiln fire stoneware?"


def degrees(team: str) -> str:
    return f"{TEAMS.index(team) + 1},{111 * (TEAMS.index(team) + 1)}"


def test_nobody_sees_what_is_another_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(belief, "default", lambda: BELIEF)
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({f"the-key-of-team-{team}": {"name": team, "namespace": team} for team in TEAMS}))
    with served(made_service(tmp_path, Keys.read(file, EVERYONE))) as url, httpx.Client(timeout=60) as client:

        def call(team: str, method: str, path: str, **options: Any) -> httpx.Response:
            headers = {"Authorization": f"Bearer the-key-of-team-{team}"}
            found = client.request(method, f"{url}/v1{path}", headers=headers, **options)
            for other in TEAMS:
                assert other == team or degrees(other) not in found.text, (team, path)
                assert other == team or f"secret of {other}" not in found.text, (team, path)
            return found

        def ask(team: str, **more: Any) -> dict[str, Any]:
            found = call(team, "POST", "/alen/ask", json={"question": QUESTION, "session": "shared", **more})
            assert found.status_code == 200, found.text
            assert found.json()["answer"] == f"{degrees(team)} degrees"
            return found.json()

        def chat(team: str, said: str) -> dict[str, Any]:
            body = {"model": "alen", "session": "shared", "messages": [{"role": "user", "content": said}]}
            found = call(team, "POST", "/chat/completions", json=body)
            assert found.status_code == 200, found.text
            return found.json()

        def live(team: str) -> str:
            text = f"The Halden kiln fires stoneware at {degrees(team)} degrees. It is the secret of {team}."
            assert call(team, "POST", "/alen/teach", json={"text": text}).status_code == 200
            for _ in range(4):
                episode = ask(team)["episode"]
                found = call(team, "GET", "/alen/memory/search", params={"q": QUESTION})
                assert degrees(team) in found.text
                said = chat(team, QUESTION)["choices"][0]["message"]["content"]
                assert said == f"{degrees(team)} degrees"
                chat(team, "And how hot is that?")
                assert call(team, "GET", "/alen/memory").status_code == 200
            return episode

        with ThreadPoolExecutor(len(TEAMS)) as pool:
            episodes = dict(zip(TEAMS, pool.map(live, TEAMS), strict=True))
        for team in TEAMS:
            assert call(team, "GET", f"/alen/memory/{episodes[team]}").status_code == 200
            for other in TEAMS:
                if other == team:
                    continue
                assert call(team, "GET", f"/alen/memory/{episodes[other]}").status_code == 404
                feedback = {"episode": episodes[other], "correct": False, "answer": f"a lie of {team}"}
                assert call(team, "POST", "/alen/feedback", json=feedback).status_code == 404
            for number in range(1, 20):  # passages are numbered over all namespaces
                call(team, "GET", f"/alen/memory/{number}")
        for team in TEAMS:
            ask(team)  # nobody's feedback reached another's episode
            call(team, "GET", "/alen/monitor")
            call(team, "GET", "/models")


def test_nobody_hears_what_others_are_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(belief, "default", lambda: BELIEF)
    file = tmp_path / "keys.json"
    names = ("kilns-of-alba", "kilns-of-breda")
    file.write_text(json.dumps({f"the-key-of-{name}": {"name": name, "namespace": name} for name in names}))
    with served(made_service(tmp_path, Keys.read(file, EVERYONE))) as url:
        first, second = (
            httpx.Client(base_url=f"{url}/v1/alen", headers={"Authorization": f"Bearer the-key-of-{name}"}, timeout=60)
            for name in names
        )
        with first, second:
            assert first.post("/teach", json={"text": "The kiln is red."}).status_code == 200
            refused = second.post("/ask", json={"question": "What colour is the kiln?"})
            assert refused.status_code == 400
            for found in (refused, second.get("/memory"), second.post("/memory/stats", json={})):
                assert "alba" not in found.text
            assert second.post("/teach", json={"text": "The kiln is blue."}).status_code == 200
            assert first.get("/memory").json()["namespaces"] == ["kilns-of-alba"]
            assert second.post("/memory/stats", json={}).json()["namespaces"] == ["kilns-of-breda"]
