"""LangChain's own tests of vector stores and embeddings, as its package has them; stores on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore
from langchain_tests.integration_tests import EmbeddingsIntegrationTests, VectorStoreIntegrationTests

from alen.integrations.embeddings import AlenEmbeddings
from alen.integrations.langchain import AlenVectorStore
from tests.memory.conftest import HashEncoder


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``BOTH`` for those that use a database: the suite has one test that does not."""
    if "url" in metafunc.fixturenames:
        metafunc.parametrize("url", ["sqlite", "postgres"], indirect=True)


class TestAlenVectorStore(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, url: str) -> Iterator[VectorStore]:
        with AlenVectorStore(self.get_embeddings(), url) as store:
            yield store


class TestAlenEmbeddings(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return AlenEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"encoder": HashEncoder()}
