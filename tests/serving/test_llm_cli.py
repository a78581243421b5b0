"""Simon Willison's llm, unmodified, with the server among its models."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from alen.serving.service import Service

pytest.importorskip("llm")
OPTIONS = ["-o", "temperature", "0", "-o", "max_tokens", "12"]


@pytest.fixture
def folder(tmp_path: Path, url: str) -> Path:
    made = tmp_path / "llm"
    made.mkdir()
    lines = [
        f"- model_id: {name}\n  model_name: {of}\n  api_base: {url}/v1\n  api_key_name: none\n  {extra}\n"
        for name, of, extra in (
            ("talks", "tiny", "can_stream: true"),
            ("writes", "tiny", "completion: true"),
            ("answers", "alen", "can_stream: true"),
        )
    ]
    (made / "extra-openai-models.yaml").write_text("".join(lines))
    return made


def run(folder: Path, *arguments: str, said: str = "") -> str:
    environment = os.environ | {"LLM_USER_PATH": str(folder), "OPENAI_API_KEY": "none", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-m", "llm", *arguments],
        input=said,
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_prompts_streams_and_chats(folder: Path, service: Service) -> None:
    model = service.model
    assert model is not None
    reply = model.chat([{"role": "user", "content": "Hello"}], max_tokens=12).text
    for extra in ((), ("--no-stream",)):
        assert run(folder, "prompt", "-m", "talks", *OPTIONS, *extra, "Hello").strip() == reply.strip()
    text = model.complete("Once", max_tokens=12).text
    assert run(folder, "prompt", "-m", "writes", *OPTIONS, "--no-stream", "Once").strip() == text.strip()
    service.engine.teach("The Halden kiln fires stoneware at 1,240 degrees.")
    question = "At what degrees does the Halden kiln fire stoneware?"
    assert run(folder, "prompt", "-m", "answers", question).strip() == "1,240 degrees"
    assert "1,240 degrees" in run(folder, "chat", "-m", "answers", said=f"{question}\nexit\n")
