"""What every test may use: a home of its own, and the folder where the two default models are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DEFAULT_MODELS = ("smollm2-135m-instruct", "all-minilm-l6-v2")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    wanted = [item for item in items if item.get_closest_marker("gpu")]
    if wanted:
        import torch

        if not torch.cuda.is_available():
            for item in wanted:
                item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the home of the person who runs it."""
    monkeypatch.setenv("ALEN_HOME", str(tmp_path_factory.mktemp("home")))
    unset = (
        "STORE",
        "NAMESPACE",
        "MODEL",
        "URL",
        "API_KEY",
        "VERIFIER",
        "VERIFIER_API_KEY",
        "ENCODER",
        "EFFORT",
        "INDEX",
    )
    for name in (*unset, "FAISS_GPU"):
        monkeypatch.delenv(f"ALEN_{name}", raising=False)


@pytest.fixture(scope="session")
def models_home() -> Path:
    """An ALEN_HOME with both default models: ALEN_TEST_HOME, or .alen beside the tests. Pulled once when missing."""
    home = Path(os.environ.get("ALEN_TEST_HOME") or Path(__file__).resolve().parents[1] / ".alen")
    from alen.models import pull

    for name in DEFAULT_MODELS:
        pull(name, home)
    return home


@pytest.fixture
def linked_home(models_home: Path, tmp_path: Path) -> Path:
    """An empty home that shares the pulled models and their kernels, for tests that write a memory."""
    home = tmp_path / "linked-home"
    home.mkdir()
    for name in ("models", "kernels"):
        if (models_home / name).exists():
            (home / name).symlink_to(models_home / name, target_is_directory=True)
    return home
