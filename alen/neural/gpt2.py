"""GPT-2 and its language head on the one transformer. Axes: B batch, T time, D model, V words."""

from __future__ import annotations

from torch import Tensor, nn

from alen.neural.cache import KVCache
from alen.neural.named import GPT2Config
from alen.neural.transformer import Transformer


class GPT2(nn.Module):
    """Final hidden states (B, T, D). ``attention_mask`` (B, T) is 1 for tokens and 0 for padding."""

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        self.transformer = Transformer(config.transformer())

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, cache: KVCache | None = None) -> Tensor:
        keep_BS = None if attention_mask is None else attention_mask.bool()
        return self.transformer.hidden(input_ids, keep_BS=keep_BS, cache=cache)


class GPT2LMHead(nn.Module):
    """Logits (B, T, V) from a head tied to the token embedding."""

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        self.gpt2 = GPT2(config)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, cache: KVCache | None = None) -> Tensor:
        return self.gpt2.transformer.logits(self.gpt2(input_ids, attention_mask, cache))
