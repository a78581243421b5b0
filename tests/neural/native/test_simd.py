"""The same kernels for other processors of the family: plain loops and AVX2 come to what this one comes to."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from alen.neural.native import Format, NativeDecoder, compiled, find_compiler, make
from tests.kernels import decoder, model
from tests.neural.native.test_decoder import TOKENS, read

AVX2 = {"avx2", "fma", "f16c"}


def _flags() -> set[str]:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    return {flag for line in lines if line.startswith("flags") for flag in line.split()}


@pytest.mark.slow
@pytest.mark.parametrize("processor", ["x86-64", "x86-64-v3"])
def test_other_processors_come_to_the_same(processor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = find_compiler()
    if compiler is None or platform.machine() != "x86_64":
        pytest.skip("needs a compiler of C++ and an x86-64 processor")
    if processor == "x86-64-v3" and not (_flags() >= AVX2 and "avx512_vnni" in _flags()):
        pytest.skip("this processor has no AVX2, or no more than that")
    own = tmp_path / "c++"
    own.write_text(f'#!/bin/sh\nexec {compiler} "$@" -march={processor}\n')
    own.chmod(0o755)
    monkeypatch.setenv("CXX", str(own))
    make(tmp_path / "kernels")
    library = compiled(tmp_path / "kernels")
    assert library is not None
    for format in Format:
        of = model(attention={"num_heads": 4, "num_kv_heads": 2, "head_dim": 64})
        expected = read(decoder(of, format), TOKENS)
        found = read(NativeDecoder.of(library, of, format, head=format, threads=2, cache_tokens=4000), TOKENS)
        # Activations that lie between two bytes may be rounded either way.
        allowed = 0.0001 if format == Format.HALVES else 0.02
        assert float((found - expected).square().mean().sqrt()) < allowed * float(expected.std()), format
