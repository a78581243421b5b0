"""What rounding costs: how surprising a text is to the same model in several formats.

Axes: T tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from ctypes import CDLL
from pathlib import Path

import torch
from torch import Tensor

from alen.neural.native import Format, NativeDecoder, PackedWeights
from alen.neural.paging import Feed
from alen.neural.weights import load_decoder
from alen.neural.weights.gguf_blocks import load_packed

Report = Callable[[str, int, int], None]


def surprises(
    library: CDLL, file: Path, windows: Sequence[Sequence[int]], threads: int, report: Report
) -> dict[str, list[float]]:
    """Mean negative log-likelihood (nats) a token of each window: of torch in float32, and of the kernels with each
    format, as written tokens are computed and as prompts are (``wide``)."""
    model = load_decoder(file).model.eval()
    found: dict[str, list[float]] = {}
    for done, window in enumerate(windows, 1):
        with torch.inference_mode():
            logits_TV = model(torch.tensor([window]))[0]
        found.setdefault("float32", []).append(_surprise(logits_TV, window))
        report("float32", done, len(windows))
    for name, decoder in _decoders(library, file, max(map(len, windows)), threads):
        for wide in (False, True):
            label = f"{name}, wide" if wide else name
            for done, window in enumerate(windows, 1):
                text = decoder.begin()
                logits_TV = decoder.step([Feed(text, window, len(window))], wide=wide).logits
                decoder.end(text)
                found.setdefault(label, []).append(_surprise(logits_TV, window))
                report(label, done, len(windows))
    return found


def _decoders(library: CDLL, file: Path, longest: int, threads: int) -> Iterator[tuple[str, NativeDecoder]]:
    packed = load_packed(file)
    yield (
        "as the file is",
        NativeDecoder(library, packed.config, packed.matrices, packed.norms, threads=threads, cache_tokens=longest),
    )
    model = load_decoder(file).model
    for format in (Format.HALVES, Format.BYTES):
        made = PackedWeights.of(model, format, head=format)
        name = format.name.lower()
        yield (
            name,
            NativeDecoder(library, model.config, made.matrices, made.norms, threads=threads, cache_tokens=longest),
        )


def _surprise(logits_TV: Tensor, window: Sequence[int]) -> float:
    targets = torch.tensor(window[1:])
    return float(torch.nn.functional.cross_entropy(logits_TV[:-1].float(), targets))
