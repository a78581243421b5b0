"""bfloat16 is chosen only where the processor has it."""

import pytest
import torch

from alen.errors import BadInput
from alen.neural.precision import choose_dtype


@pytest.mark.parametrize("instructions", ["_is_avx512_bf16_supported", "_is_amx_tile_supported"])
def test_auto_follows_the_processor(monkeypatch, instructions):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert choose_dtype("auto") == torch.float32
    monkeypatch.setattr(torch.cpu, instructions, lambda: True)
    assert choose_dtype("auto") == torch.bfloat16


def test_a_wish_is_followed_and_a_wrong_one_named():
    assert choose_dtype("float32") == torch.float32
    assert choose_dtype("bfloat16") == torch.bfloat16
    with pytest.raises(BadInput, match="dtype"):
        choose_dtype("int3")
