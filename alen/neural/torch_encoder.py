"""TorchEncoder: texts in tokens to one vector each. Axes: B texts, T tokens, S sources, D model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from alen.neural.transformer import Transformer


class TorchEncoder:
    """The mean of an encoder's last states over the tokens of a text, scaled to length 1."""

    def __init__(self, model: Transformer) -> None:
        self._model = model.eval()

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return int(self._model.config.d_model)

    @property
    def max_tokens(self) -> int:
        """The longest text there are positions for."""
        return int(self._model.config.max_seq_len)

    @torch.inference_mode()
    def embed(self, texts: Sequence[Sequence[int]]) -> np.ndarray:
        """Vectors (B, D) float32 of length 1, of texts of at least one token each."""
        length = max(map(len, texts))
        tokens_BT = torch.zeros(len(texts), length, dtype=torch.long)
        for place, text in enumerate(texts):
            tokens_BT[place, : len(text)] = torch.tensor(text)
        lengths_B = torch.tensor([len(text) for text in texts])
        real_BT = torch.arange(length) < lengths_B[:, None]
        mask_BTS = None if bool(real_BT.all()) else real_BT[:, None, :]
        hidden_BTD = self._model.hidden(tokens_BT, mask_BTS=mask_BTS)
        # The mean in float32: a sum of 256 bfloat16 numbers would lose digits.
        weights_BT = real_BT.float()
        mean_BD = torch.bmm(weights_BT[:, None, :], hidden_BTD.float())[:, 0] / lengths_B[:, None]
        return torch.nn.functional.normalize(mean_BD, dim=-1).numpy()
