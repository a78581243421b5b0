"""Traces by OpenTelemetry: on when its own variables name a receiver. What people ask and teach is never in them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI

from alen import __version__
from alen.errors import BadInput
from alen.types import Answer

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"


def wanted() -> str | None:
    """The variable that asks for traces."""
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none"
    return None if off else next((name for name in ENDPOINTS if os.environ.get(name)), None)


@contextmanager
def traced(app: FastAPI) -> Iterator[None]:
    """A span for each request to ``app``, sent in the background; what is left is sent at the end.

    Raises BadInput when traces are wanted that cannot be made."""
    asked = wanted()
    if asked is None:
        yield
        return
    protocol = next((os.environ[name] for name in PROTOCOLS if os.environ.get(name)), _PROTOCOL)
    if protocol != _PROTOCOL:
        hint = "Name the receiver's port for HTTP, often 4318."
        raise BadInput("OTEL_EXPORTER_OTLP_PROTOCOL", repr(protocol), _PROTOCOL, hint)
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        allowed, hint = "leaving it unset", "Install what sends them: pip install 'alen[trace]'"
        raise BadInput(asked, f"a receiver of traces, without {error.name}", allowed, hint) from None
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "alen"}
    provider = TracerProvider(resource=Resource.create({"service.version": __version__, **named}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    # A span for each chunk of a stream would be more than what is streamed.
    FastAPIInstrumentor.instrument_app(
        app, tracer_provider=provider, excluded_urls="/health,/metrics", exclude_spans=["receive", "send"]
    )
    try:
        yield
    finally:
        provider.shutdown()


def note(answer: Answer) -> None:
    """Adds to the span of this request how sure the answer is, and how long each stage took, in milliseconds."""
    api = sys.modules.get("opentelemetry.trace")  # nobody has loaded it where no traces are wanted
    if api is not None:
        told = {"alen.decision": answer.decision, "alen.confidence": answer.confidence}
        api.get_current_span().set_attributes(
            told | {f"alen.{stage}_ms": milliseconds for stage, milliseconds in answer.timings_ms.items()}
        )
