"""What the server says of itself in /openapi.json is so: requests made from it get what it declares, never a 5xx."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext, suppress
from typing import Any

import httpx
import pytest

from alen.serving.service import Service

EXAMPLES = 12
DECLARED = ("/v1/", "/health", "/version", "/metrics")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_answers_are_as_declared(url: str, service: Service) -> None:
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis.errors import Unsatisfiable
    from schemathesis.checks import (
        content_type_conformance,
        not_a_server_error,
        response_schema_conformance,
        status_code_conformance,
    )

    service.engine.teach("The Halden kiln fires stoneware at 1,240 degrees.")
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    statuses: Counter[int] = Counter()
    wrong: list[str] = []

    def look(case: Any) -> None:
        _shorten(case.body)
        found = case.call(base_url=url, timeout=30)
        statuses[found.status_code] += 1
        try:
            case.validate_response(found, checks=checks)
        except BaseException as error:
            wrong.append(f"{case.method} {case.path}: {found.status_code} {error}"[:2000])

    for operation in schema.get_all_operations():
        for mode in schemathesis.GenerationMode:
            strategy = operation.ok().as_strategy(generation_mode=mode)
            test = given(strategy)(look)
            quick = settings(
                max_examples=EXAMPLES,
                database=None,
                deadline=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            with (
                suppress(Unsatisfiable) if mode.is_negative else nullcontext()
            ):  # a route without fields has none wrong
                quick(test)()
    assert not wrong, "\n\n".join(wrong[:10])
    assert statuses[200] > 20, statuses
    assert statuses[400] > 20, statuses


def _shorten(body: Any) -> None:
    """Texts of any length are allowed, but this test has little time."""
    if isinstance(body, dict):
        for name in ("max_tokens", "max_completion_tokens", "n"):
            if isinstance(body.get(name), int) and not isinstance(body[name], bool) and body[name] > 8:
                body[name] = 8


def test_every_route_is_declared_once_with_its_errors(url: str) -> None:
    schema = httpx.get(f"{url}/openapi.json").json()
    names = []
    for path, methods in schema["paths"].items():
        assert path.startswith(DECLARED), path
        for operation in methods.values():
            names.append(operation["operationId"])
            assert {"4XX", "5XX"} <= operation["responses"].keys(), path
            assert "422" not in operation["responses"], path
            error = operation["responses"]["4XX"]["content"]["application/json"]["schema"]["$ref"]
            assert error.endswith("/ErrorBody")
    assert len(names) == len(set(names))
    assert "text/event-stream" in str(schema["paths"]["/v1/completions"]["post"]["responses"]["200"])
