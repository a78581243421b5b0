"""Writing on a GPU, ours and transformers', with weights of the same shape: how soon words come says nothing of which.

Axes: N texts.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

import torch

from alen.neural.config import TransformerConfig
from alen.neural.gpu import GpuDecoder
from alen.neural.gpu.weights import Format
from alen.neural.paging import Feed
from alen.neural.transformer import Transformer

_PAGE_ROOM = 512
"""Positions a text may take beyond its prompt and what is written."""


class Side(Protocol):
    def write(self, prompts: Sequence[Sequence[int]], count: int) -> float:
        """Seconds for ``count`` tokens after each prompt, all texts together, the reading of prompts among them."""
        ...


class Ours:
    """Random weights of ``config`` in ``format``. ``bytes`` are those that a written token reads."""

    def __init__(self, config: TransformerConfig, format: Format, device: torch.device, tokens: int) -> None:
        torch.manual_seed(0)
        model = Transformer(config)
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        self._decoder = GpuDecoder(model, cache_tokens=tokens, format=format, device=device, dtype=dtype)
        held = [*model.parameters(), *(buffer for name, buffer in model.named_buffers() if name.endswith("weight_MN"))]
        looked_up = model.embedding.weight if model.head is not None else None
        self.bytes = sum(each.numel() * each.element_size() for each in held if each is not looked_up)

    def write(self, prompts: Sequence[Sequence[int]], count: int) -> float:
        begun = time.perf_counter()
        texts = [self._decoder.begin() for _ in prompts]
        feeds = [Feed(text, prompt) for text, prompt in zip(texts, prompts, strict=True)]
        for _ in range(count):
            best = self._decoder.step(feeds).best
            feeds = [Feed(text, [int(token)]) for text, token in zip(texts, best, strict=True)]
        seconds = time.perf_counter() - begun
        for text in texts:
            self._decoder.end(text)
        return seconds


class Transformers:
    """A Llama of the same shape, with a cache that is allocated once, so that it compiles its steps."""

    def __init__(self, config: TransformerConfig, device: torch.device) -> None:
        import transformers

        transformers.logging.set_verbosity_error()
        shape = transformers.LlamaConfig(
            vocab_size=config.vocab_size,
            hidden_size=config.d_model,
            intermediate_size=config.hidden_dim,
            num_hidden_layers=config.num_layers,
            num_attention_heads=config.attention.num_heads,
            num_key_value_heads=config.num_kv_heads,
            max_position_embeddings=config.max_seq_len,
            tie_word_embeddings=config.tie_embeddings,
        )
        torch.manual_seed(0)
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        self._model: Any = transformers.LlamaForCausalLM(shape).eval().to(device, dtype)
        self._device = device

    @torch.inference_mode()
    def write(self, prompts: Sequence[Sequence[int]], count: int) -> float:
        begun = time.perf_counter()
        tokens_NT = torch.tensor(prompts, device=self._device)
        self._model.generate(
            tokens_NT,
            attention_mask=torch.ones_like(tokens_NT),
            do_sample=False,
            min_new_tokens=count,
            max_new_tokens=count,
            pad_token_id=0,
            cache_implementation="static" if self._device.type == "cuda" else None,
        ).cpu()
        return time.perf_counter() - begun


def bandwidth(device: torch.device, rounds: int = 7) -> float:
    """Bytes a second that are read from memory, the best of ``rounds``."""
    held = torch.ones(2**30 if device.type == "cuda" else 2**26, dtype=torch.float32, device=device)
    best = float("inf")
    for _ in range(rounds):
        begun = time.perf_counter()
        float(held.sum())  # waits for the device
        best = min(best, time.perf_counter() - begun)
    return held.numel() * 4 / best


def room(prompt: int, count: int, texts: int) -> int:
    return (prompt + count + _PAGE_ROOM) * texts
