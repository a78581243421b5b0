"""The benchmark of a GPU runs whole on a processor, and refuses to where no device is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from alen.benchmark.schema import load
from benchmarks import gpu

pytestmark = pytest.mark.slow


def test_it_measures_every_format(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="what ALEN is compared with: pip install -e '.[bench]'")
    out = tmp_path / "gpu.json"
    small = ["--device", "cpu", "--preset", "alen-micro", "--texts", "3", "--count", "4", "--rounds", "2"]
    assert gpu.main([*small, "--out", str(out)]) == 0
    rows = {row.name: row.ours.value for row in load(out).rows}
    assert set(rows) == {"one", "many", "latency", "requests", *(f"roofline_{name}" for name in gpu.FORMATS)}
    assert all(value is not None and value > 0 for value in rows.values())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.main(["--out", str(tmp_path / "gpu.json")]) != 0
    assert "alen doctor" in capsys.readouterr().err
