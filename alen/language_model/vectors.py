"""Texts as vectors: means of the hidden states of a decoder. Axes: T tokens, D model, N texts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import numpy as np
import torch

from alen.neural.transformer import Transformer


@torch.inference_mode()
def embeddings(model: Transformer, rows: Sequence[Sequence[int]], lock: AbstractContextManager[object]) -> np.ndarray:
    """Float32 unit vectors (N, D), each of its own tokens alone."""
    found = np.zeros((len(rows), model.config.d_model), dtype=np.float32)
    for place, row in enumerate(rows):
        with lock:
            hidden_TD = model.hidden(torch.tensor([list(row)], device=model.embedding.weight.device))[0]
        mean_D = hidden_TD.float().mean(0)
        found[place] = torch.nn.functional.normalize(mean_D, dim=0).cpu().numpy()
    return found
