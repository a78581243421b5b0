"""Decoding on a GPU: pages of keys and values, weights of one byte, steps that are captured once and replayed."""

from alen.neural.gpu.decoder import GpuDecoder, why_not

__all__ = ["GpuDecoder", "why_not"]
