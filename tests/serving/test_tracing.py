"""Spans go to a real receiver of OTLP over HTTP, with the route, the status and the stages of an answer."""

from __future__ import annotations

import gzip
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from alen.core import belief
from alen.errors import BadInput
from alen.serving.app import create_app
from alen.serving.service import Service
from alen.serving.tracing import traced
from tests.engine.conftest import BELIEF
from tests.serving.conftest import made_service, served_app

SECRET = "1,240 degrees"


class Receiver:
    """Keeps what it is sent to /v1/traces."""

    def __init__(self) -> None:
        self.sent: list[ExportTraceServiceRequest] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    raw = gzip.decompress(raw)
                assert self.path == "/v1/traces"
                receiver.sent.append(ExportTraceServiceRequest.FromString(raw))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def spans(self) -> dict[str, dict[str, Any]]:
        """The attributes of each span, by its name, and those of the resource at ``""``."""
        found: dict[str, dict[str, Any]] = {}
        for request in self.sent:
            for group in request.resource_spans:
                found[""] = attributes(group.resource)
                for scope in group.scope_spans:
                    found |= {span.name: attributes(span) for span in scope.spans}
        return found


def attributes(told: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in told.attributes}


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    made = Receiver()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.url)
    yield made
    made.close()


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setattr(belief, "default", lambda: BELIEF)
    return made_service(tmp_path)


def test_a_span_a_request(receiver: Receiver, service: Service) -> None:
    app = create_app(service)
    with traced(app), served_app(app) as url:
        httpx.post(f"{url}/v1/alen/teach", json={"text": f"The Halden kiln fires stoneware at {SECRET}."})
        question = "At what degrees does the Halden kiln fire stoneware?"
        answer = httpx.post(f"{url}/v1/alen/ask", json={"question": question}).json()
        body = {"model": "tiny", "prompt": "Once", "max_tokens": 30, "stream": True}
        assert httpx.post(f"{url}/v1/completions", json=body).text.endswith("[DONE]\n\n")
        assert httpx.get(f"{url}/v1/models/unknown").status_code == 404
        httpx.get(f"{url}/health")
    spans = receiver.spans()
    assert answer["answer"] == SECRET
    assert spans[""]["service.name"] == "alen"
    by_route = {told["http.route"]: told for name, told in spans.items() if name}
    assert set(by_route) == {"/v1/alen/teach", "/v1/alen/ask", "/v1/completions", "/v1/models/{name:path}"}
    statuses = {route: told["http.status_code"] for route, told in by_route.items()}
    assert statuses == dict.fromkeys(by_route, 200) | {"/v1/models/{name:path}": 404}
    asked = by_route["/v1/alen/ask"]
    assert asked["alen.decision"] == "answer"
    assert asked["alen.confidence"] == pytest.approx(answer["confidence"])
    assert {name: asked[f"alen.{name}_ms"] for name in answer["timings_ms"]} == answer["timings_ms"]
    assert {"recall", "load", "judge", "total"} <= set(answer["timings_ms"])
    assert SECRET not in str(spans)
    assert "Halden" not in str(spans)


def test_nothing_is_sent_unless_a_receiver_is_named(
    receiver: Receiver, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    app = create_app(service)
    with traced(app), served_app(app) as url:
        httpx.get(f"{url}/v1/models")
    assert receiver.sent == []


def test_what_cannot_be_traced_is_told(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9/v1/traces")
    app = create_app(service)
    with monkeypatch.context() as patched:
        patched.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        with pytest.raises(BadInput, match="http/protobuf"), traced(app):
            pass
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(BadInput, match=r"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT.*alen\[trace\]"), traced(app):
        pass
    service.close()
