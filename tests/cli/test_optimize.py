"""``alen models optimize`` uses kernels where they win, and only there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from alen import optimizing
from alen.language_model import LargeLanguageModel
from alen.neural import native
from tests.cli.conftest import Ran
from tests.kernels import FOLDER, loaded_library

Alen = Callable[..., Ran]


@pytest.fixture
def home(tmp_path: Path, models_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With the models, and a library that is compiled already."""
    loaded_library()
    shutil.copytree(FOLDER, tmp_path / "kernels", ignore=shutil.ignore_patterns("*.safetensors", "*.slower"))
    (tmp_path / "models").symlink_to(models_home / "models")
    monkeypatch.setenv("ALEN_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.models
@pytest.mark.parametrize(
    ("kernels", "used", "rounds"), [(1.0, True, 1), (9.0, False, 3)], ids=["quicker", "not worth it"]
)
def test_the_quicker_way_is_used(
    alen: Alen, home: Path, monkeypatch: pytest.MonkeyPatch, kernels: float, used: bool, rounds: int
) -> None:
    taken = []

    def seconds(model: LargeLanguageModel) -> float:
        taken.append(10.0 if model.format in ("bfloat16", "float32") else kernels)
        return taken[-1]

    monkeypatch.setattr(optimizing, "_seconds", seconds)
    found = alen("models", "optimize", "--json").json("models_optimize")
    assert found["used"] is used
    assert len(taken) == 2 * rounds  # one round is enough where it is clear
    assert found["format"] == "bytes+nibbles"
    assert found["tokens_per_second"] == {"kernels": round(24 / kernels, 1), "torch": 2.4}
    assert (native.compiled(home / "kernels") is not None) is used
    assert native.is_slower(home / "kernels") is not used
    model = LargeLanguageModel.from_pretrained(home=home)
    assert (model.format == "bytes+nibbles") is used
    checks = {check["name"]: check for check in alen("doctor", "--json").json("doctor")["checks"]}
    assert checks["kernels"]["status"] == "ok"
    assert ("torch" in checks["kernels"]["detail"]) is not used


@pytest.mark.models
def test_both_ways_are_timed(home: Path) -> None:
    model = LargeLanguageModel.from_pretrained(home=home)
    assert 0 < optimizing._seconds(model) < 60


def test_doctor_says_how_to_get_them(alen: Alen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEN_HOME", str(tmp_path))
    for compiler, what in ((None, "no C++ compiler"), ("/usr/bin/c++", "none were compiled")):
        monkeypatch.setattr("alen.neural.native.find_compiler", lambda found=compiler: found)
        checks = {check["name"]: check for check in alen("doctor", "--json").json("doctor")["checks"]}
        assert checks["kernels"]["status"] == "warn"
        assert what in checks["kernels"]["detail"]
        assert "alen models optimize" in checks["kernels"]["hint"]
