"""Matrices in the layouts that the kernels read, from numbers or from the blocks of a GGUF file.

Sixteen outputs lie side by side, and groups of 32 inputs have a scale of their own; matrix.h draws it. Blocks of GGUF
have the same groups, so that they are only put in another order: no weight is rounded twice. Axes: N outputs, M inputs,
J blocks of sixteen outputs, G groups of 32 inputs, X bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import torch
from gguf.constants import GGMLQuantizationType
from torch import Tensor

from alen.neural.native.sizes import GROUP, LANES


class Format(IntEnum):
    """Bytes a weight: 2, 1.06 and 0.63."""

    HALVES = 1
    BYTES = 2
    NIBBLES = 3


@dataclass(frozen=True)
class Packed:
    """A matrix of ``outputs`` x ``inputs``; outputs are filled up with zeros to a multiple of sixteen."""

    format: Format
    outputs: int
    inputs: int
    data: Tensor
    bias: Tensor | None = None

    @property
    def bytes(self) -> int:
        return self.data.numel()

    @property
    def rows(self) -> int:
        """With those that were filled up."""
        return -(-self.outputs // LANES) * LANES


def pack(weight_NM: Tensor, format: Format, bias_N: Tensor | None = None) -> Packed:
    """From numbers. BYTES are symmetric in each group, NIBBLES have a scale and a least value."""
    outputs, inputs = weight_NM.shape
    weight_NM = _filled(weight_NM.float())
    if format == Format.HALVES:
        halves = weight_NM.to(torch.float16).view(-1, LANES, inputs).transpose(1, 2).contiguous()
        return Packed(format, outputs, inputs, halves.view(torch.uint8).flatten(), _bias(bias_N))
    groups_NGQ = weight_NM.view(len(weight_NM), inputs // GROUP, GROUP)
    if format == Format.BYTES:
        scale = (groups_NGQ.abs().amax(-1, keepdim=True) / 127).to(torch.float16)
        q = (groups_NGQ / scale.float().clamp_min(1e-30)).round().clamp(-127, 127).to(torch.int8)
        raw = torch.cat([_as_bytes(scale), q.view(torch.uint8)], dim=-1)
        return pack_blocks(raw, GGMLQuantizationType.Q8_0, outputs, bias_N)
    least = groups_NGQ.amin(-1, keepdim=True).to(torch.float16)
    scale = ((groups_NGQ.amax(-1, keepdim=True) - least.float()) / 15).to(torch.float16)
    q = ((groups_NGQ - least.float()) / scale.float().clamp_min(1e-30)).round().clamp(0, 15).to(torch.uint8)
    both = q[..., : GROUP // 2] | q[..., GROUP // 2 :] << 4
    raw = torch.cat([_as_bytes(scale), _as_bytes(least), both], dim=-1)
    return pack_blocks(raw, GGMLQuantizationType.Q4_1, outputs, bias_N)


def pack_blocks(
    raw_NGX: Tensor, kind: GGMLQuantizationType, outputs: int | None = None, bias_N: Tensor | None = None
) -> Packed:
    """From blocks of Q8_0, Q4_0 or Q4_1, uint8. ``outputs`` when rows were filled up already."""
    outputs = len(raw_NGX) if outputs is None else outputs
    raw_NGX = _filled(raw_NGX)
    count, groups = raw_NGX.shape[0] // LANES, raw_NGX.shape[1]
    inputs = groups * GROUP
    if kind == GGMLQuantizationType.Q8_0:
        q = (raw_NGX[..., 2:].contiguous().view(torch.int8).to(torch.int16) + 128).to(torch.uint8)
        q_JGX = q.view(count, LANES, groups, 8, 4).permute(0, 2, 3, 1, 4).reshape(count, groups, -1)
        data = torch.cat([q_JGX, _side_by_side(raw_NGX[..., :2])], dim=-1)
        return Packed(Format.BYTES, outputs, inputs, data.flatten(), _bias(bias_N))
    if kind == GGMLQuantizationType.Q4_0:
        scale = raw_NGX[..., :2].contiguous().view(torch.float16)
        raw_NGX = torch.cat([raw_NGX[..., :2], _as_bytes(-8 * scale), raw_NGX[..., 2:]], dim=-1)
    both_JGX = raw_NGX[..., 4:].reshape(count, LANES, groups, 4, 4).permute(0, 2, 3, 1, 4).reshape(count, groups, -1)
    told = [_side_by_side(raw_NGX[..., start : start + 2]) for start in (0, 2)]
    return Packed(Format.NIBBLES, outputs, inputs, torch.cat([both_JGX, *told], dim=-1).flatten(), _bias(bias_N))


def interleaved(gate: Tensor, up: Tensor) -> Tensor:
    """Rows of both, sixteen of one and sixteen of the other in turn, so that a thread has both halves of a product."""
    parts = [part.reshape(-1, LANES, *part.shape[1:]) for part in (gate, up)]
    return torch.stack(parts, dim=1).reshape(-1, *gate.shape[1:])


def _side_by_side(halves_NGX: Tensor) -> Tensor:
    """One half a row and group, those of sixteen rows together: (J, G, 32 bytes)."""
    rows, groups, _ = halves_NGX.shape
    return halves_NGX.reshape(rows // LANES, LANES, groups, 2).transpose(1, 2).reshape(rows // LANES, groups, -1)


def _as_bytes(halves: Tensor) -> Tensor:
    return halves.contiguous().view(torch.uint8)


def _filled(rows: Tensor) -> Tensor:
    missing = -len(rows) % LANES
    return torch.cat([rows, rows.new_zeros(missing, *rows.shape[1:])]) if missing else rows


def _bias(bias_N: Tensor | None) -> Tensor | None:
    return None if bias_N is None else _filled(bias_N.detach().float()).contiguous()
