"""The memory of pages as the kernels read it: 64 positions of all layers each, in float16."""

from __future__ import annotations

import torch
from torch import Tensor

from alen.neural.config import TransformerConfig
from alen.neural.native.large_pages import mapped
from alen.neural.paging import PagePool

PAGE = 64


def pages_for(config: TransformerConfig, tokens: int) -> Tensor:
    """For ``tokens`` positions in all, (pages, numbers of one). Memory is touched, and so taken, only as pages are
    used."""
    count = max(1, -(-tokens // PAGE))
    numbers = 2 * config.num_layers * config.num_kv_heads * config.head_dim * PAGE
    return mapped(count * numbers * 2).view(torch.float16).view(count, numbers)


def pool_over(pages: Tensor) -> PagePool:
    def copy_page(to: int, page: int) -> None:
        pages[to] = pages[page]

    return PagePool(len(pages), PAGE, copy_page)
