"""What recall and upkeep promise, with vectors that PostgreSQL searches: the tests of both once more."""

from __future__ import annotations

import pytest

from tests.memory.test_recall import *  # noqa: F403 every test of that file
from tests.memory.test_upkeep import *  # noqa: F403 every test of that file

pytestmark = pytest.mark.parametrize("url", ["pgvector", "pgvector-halves"], indirect=True)
