"""The mean of two adapters is the mean of what they do; of a lower rank it is the nearest; others are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from alen.errors import BadInput
from alen.learning.adapter_mean import main, mean
from alen.neural import lora
from tests.neural.conftest import DECODER, random_model


def _adapter(path: Path, seed: int, **told: str) -> Path:
    model = random_model(DECODER)
    torch.manual_seed(seed)
    for parameter in lora.attach(model, rank=4, alpha=8.0):
        parameter.data.copy_(0.1 * torch.randn_like(parameter))
    lora.save(model, path, {"base": "tiny", "recipe": {"seed": seed}, **told})
    return path


def _folded(path: Path) -> dict[str, torch.Tensor]:
    model = random_model(DECODER)
    lora.merge(model, path)
    return model.state_dict()


def test_the_mean_does_what_they_do_on_average(tmp_path: Path) -> None:
    paths = [_adapter(tmp_path / f"{seed}.safetensors", seed) for seed in (1, 2)]
    assert mean(paths, tmp_path / "mean.safetensors") == pytest.approx(1.0)
    one, other, ours = (_folded(path) for path in (*paths, tmp_path / "mean.safetensors"))
    for name, tensor in ours.items():
        assert_close(tensor, (one[name] + other[name]) / 2, rtol=0.02, atol=0.003)
    told = lora.read_metadata(tmp_path / "mean.safetensors")
    assert told["base"] == "tiny"
    assert [one["recipe"]["seed"] for one in told["mean_of"]] == [1, 2]


def test_a_lower_rank_keeps_the_largest_part(tmp_path: Path) -> None:
    paths = [_adapter(tmp_path / f"{seed}.safetensors", seed) for seed in (1, 2)]
    assert mean([paths[0]] * 2, tmp_path / "same.safetensors", rank=4) == pytest.approx(1.0, abs=1e-5)
    kept = mean(paths, tmp_path / "half.safetensors", rank=4)
    assert 0.5 < kept < 1.0
    name, (low_RM, high_NR, scale) = next(iter(lora.saved(tmp_path / "half.safetensors").items()))
    assert (low_RM.shape[0], high_NR.shape[1], scale) == (4, 4, 1.0)
    products = [scale * high @ low for low, high, scale in (lora.saved(path)[name] for path in paths)]
    left, values, right = torch.linalg.svd((products[0] + products[1]) / 2)
    assert_close(high_NR @ low_RM, left[:, :4] * values[:4] @ right[:4], rtol=0.05, atol=0.002)


def test_adapters_of_two_bases_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [_adapter(tmp_path / "a.safetensors", 1), _adapter(tmp_path / "b.safetensors", 2, width="64")]
    with pytest.raises(BadInput, match="width"):
        mean(paths, tmp_path / "mean.safetensors")
    assert main([*map(str, paths), "--out", str(tmp_path / "mean.safetensors")]) == BadInput.exit_code
    assert "width" in capsys.readouterr().err
    assert main([str(paths[0]), "--out", str(tmp_path / "one.safetensors")]) == 0
    assert "100.0 %" in capsys.readouterr().out
