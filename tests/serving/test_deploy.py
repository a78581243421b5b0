"""The layout in deploy names only what exists, and nginx lets streams through as they come."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
import tomllib
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
import yaml

from alen.serving.listening import MOST_BYTES
from alen.serving.tracing import ENDPOINTS
from alen.settings import ENVIRONMENT_PREFIX, Settings
from tests.serving.test_serving_page import parsed

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
SERVERS = [name for name, service in COMPOSE["services"].items() if service.get("image") == "alen"]
NGINX = (DEPLOY / "nginx.conf").read_text("utf-8")
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")
VARIABLES = {ENVIRONMENT_PREFIX + name.upper() for name in Settings.model_fields} | {*ENDPOINTS, "ALEN_KEYS"}


def test_servers_are_started_with_options_that_exist() -> None:
    assert SERVERS == ["alen-1", "alen-2"]
    for name in SERVERS:
        service = COMPOSE["services"][name]
        given = parsed(service["command"]).params
        assert given["workers"] == 2
        assert given["keys"] == Path("/run/secrets") / service["secrets"][0]
        assert service["secrets"][0] in COMPOSE["secrets"]
        assert set(service["environment"]) <= VARIABLES
        assert set(service["depends_on"]) <= set(COMPOSE["services"])


def test_every_variable_is_known() -> None:
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    named = {*re.findall(r"\b((?:ALEN|OTEL)_[A-Z_]+)", text), *re.findall(r"\b((?:ALEN|OTEL)_[A-Z_]+)", DOCKERFILE)}
    assert named
    assert named <= VARIABLES


def test_the_image_is_made_of_what_exists() -> None:
    project = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text("utf-8"))["project"]
    (extras,) = re.findall(r"/src\[([\w,]+)\]", DOCKERFILE)
    assert set(extras.split(",")) <= set(project["optional-dependencies"])
    (command,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.M)
    assert json.loads(command) == ["serve", "--help"]
    models = parsed(["models"]).command
    assert isinstance(models, click.Group)
    pulled = re.findall(r"alen models (\w+) ([\w.-]+)", DOCKERFILE)
    assert {name for _, name in pulled} == {Settings.model_fields[field].default for field in ("model", "encoder")}
    assert {verb for verb, _ in pulled} <= set(models.commands)


def test_the_proxy_knows_the_servers_and_the_longest_body() -> None:
    port = parsed(COMPOSE["services"]["alen-1"]["command"]).params["port"]
    assert re.findall(r"^    server (\S+);", NGINX, re.M) == [f"{name}:{port}" for name in SERVERS]
    assert f"client_max_body_size {MOST_BYTES // 2**20}m;" in NGINX
    assert "proxy_buffering off;" in NGINX


@pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx in the PATH")
def test_nginx_lets_streams_through(tmp_path: Path, url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    conf = NGINX.replace("    server alen-1:8080;", f"    server {url.removeprefix('http://')};")
    conf = conf.replace("    server alen-2:8080;\n", "").replace("listen 80;", f"listen 127.0.0.1:{port};")
    temporary = "\n".join(
        f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    conf = conf.replace("http {", f"http {{\naccess_log off;\n{temporary}")
    file = tmp_path / "nginx.conf"
    file.write_text(f"pid {tmp_path}/nginx.pid;\nerror_log stderr;\ndaemon off;\nmaster_process off;\n{conf}")
    with subprocess.Popen(["nginx", "-c", str(file), "-p", str(tmp_path)], stderr=subprocess.DEVNULL) as nginx:
        try:
            front = f"http://127.0.0.1:{port}"
            until = time.monotonic() + 10
            while time.monotonic() < until:
                try:
                    httpx.get(f"{front}/health")
                    break
                except httpx.HTTPError:
                    time.sleep(0.05)
            body = {"prompt": "Once", "max_tokens": 100, "ignore_eos": True, "stream": True}
            with httpx.stream("POST", f"{front}/v1/completions", json=body, timeout=30) as got:
                parts = list(got.iter_raw())
            assert b"".join(parts).endswith(b"data: [DONE]\n\n")
            assert len(parts) > 10
            assert httpx.post(f"{front}/v1/completions", content=b"x" * (MOST_BYTES + 1)).status_code == 413
        finally:
            nginx.terminate()
