"""A server of ALEN on a real port, and engines over it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from alen.client import RemoteEngine
from tests.serving.conftest import service, url

__all__ = ["remote", "service", "url"]


@pytest.fixture
def remote(url: str) -> Iterator[RemoteEngine]:
    with RemoteEngine(url) as engine:
        yield engine
