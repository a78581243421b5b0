"""A tokenizer of single bytes and a small random model: enough to train, fast enough to test."""

from __future__ import annotations

import torch
from tokenizers import AddedToken, decoders, models, pre_tokenizers
from tokenizers import Tokenizer as Fast

from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer
from alen.text.tokenizer import Tokenizer


def byte_tokenizer() -> Tokenizer:
    tokens = ["<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    fast = Fast(models.BPE({token: place for place, token in enumerate(tokens)}, []))
    fast.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast.decoder = decoders.ByteLevel()
    fast.add_special_tokens([AddedToken("<s>", special=True), AddedToken("</s>", special=True)])
    return Tokenizer(fast, eos_ids=(1,), bos_id=0, chat_template=None)


def tiny_model(vocabulary: int, *, seed: int = 0, scale: float = 1.0) -> Transformer:
    torch.manual_seed(seed)
    config = TransformerConfig.parse(
        {
            "vocab_size": vocabulary,
            "d_model": 32,
            "num_layers": 2,
            "max_seq_len": 512,
            "attention": {"num_heads": 4, "num_kv_heads": 2},
        }
    )
    model = Transformer(config).eval()
    with torch.no_grad():
        model.embedding.weight.mul_(scale)
    return model
