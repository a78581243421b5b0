"""Configurations under the names their models are known by; each becomes a ``TransformerConfig``."""

from __future__ import annotations

from abc import abstractmethod
from enum import Enum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alen.neural.config import TransformerConfig
from alen.neural.config_errors import bad_input
from alen.neural.preset_file import entry


class _Named(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parse(cls, data: dict[str, Any]) -> Self:
        """From a plain dict. Raises BadInput naming the first field that is wrong."""
        try:
            return cls(**data)
        except ValidationError as error:
            raise bad_input(cls, error) from None

    @classmethod
    def preset(cls, name: str) -> Self:
        """A shape of ``presets.yaml`` in this class's own fields. Raises BadInput."""
        return cls.parse(entry(name)["shape"])

    @abstractmethod
    def transformer(self) -> TransformerConfig:
        """The same model in the options of the transformer."""


class ModelSize(Enum):
    """Sizes of ALEN's own models; the value is the preset's name. Each but the last has its name in capitals too."""

    Micro = "alen-micro"
    Small = "alen-small"
    Medium = "alen-medium"
    Large = "alen-large"
    XL = "alen-xl"

    MICRO, SMALL, MEDIUM, LARGE = Micro, Small, Medium, Large


class LargeModelConfig(_Named):
    """ALEN's own models: SwiGLU, LayerNorm before each part, a head of its own.

    ``d_ff`` is the inner width of a feed-forward of two matrices; the three of SwiGLU have two thirds of it, rounded
    to a multiple of 8, and so as many weights."""

    size: ModelSize | None = None
    d_model: int = Field(256, ge=1)
    n_heads: int = Field(4, ge=1)
    n_layers: int = Field(6, ge=1)
    d_ff: int = Field(1024, ge=1)
    max_seq_len: int = Field(512, ge=1)
    vocab_size: int = Field(32000, ge=1)
    dropout: float = Field(0.1, ge=0, lt=1)
    layer_norm_eps: float = Field(1e-5, gt=0)
    d_head: int | None = Field(None, ge=1)
    """Width of a head; None takes d_model // n_heads."""
    use_rope: bool = True
    """Rotary positions; otherwise learned ones."""
    use_flash_attention: bool = False
    gradient_checkpointing: bool = False

    @classmethod
    def with_size(cls, size: ModelSize) -> Self:
        return cls.preset(size.value)

    @classmethod
    def micro(cls) -> Self:
        return cls.with_size(ModelSize.Micro)

    @classmethod
    def small(cls) -> Self:
        return cls.with_size(ModelSize.Small)

    @classmethod
    def medium(cls) -> Self:
        return cls.with_size(ModelSize.Medium)

    @classmethod
    def large(cls) -> Self:
        return cls.with_size(ModelSize.Large)

    @classmethod
    def xl(cls) -> Self:
        return cls.with_size(ModelSize.XL)

    @classmethod
    def production(cls) -> Self:
        return cls.preset("alen-production")

    def transformer(self) -> TransformerConfig:
        return TransformerConfig.parse(
            {
                "vocab_size": self.vocab_size,
                "d_model": self.d_model,
                "num_layers": self.n_layers,
                "max_seq_len": self.max_seq_len,
                "tie_embeddings": False,
                "dropout": self.dropout,
                "checkpoint_every": int(self.gradient_checkpointing),
                "attention": {
                    "variant": "mha",
                    "num_heads": self.n_heads,
                    "head_dim": self.d_head,
                    "dropout": self.dropout,
                    "use_flash_attn": self.use_flash_attention,
                },
                "positional": {"encoding": "rope" if self.use_rope else "learned"},
                "ffn": {"hidden_dim": max(8, round(self.d_ff * 2 / 3 / 8) * 8)},
                "norm": {"type": "layernorm", "eps": self.layer_norm_eps},
            }
        )


class L1Config(_Named):
    """L1: GELU, LayerNorm before each part, learned or sinusoidal positions, a tied or a free head."""

    vocab_size: int = Field(50257, ge=1)
    max_seq_length: int = Field(1024, ge=1)
    n_layers: int = Field(12, ge=1)
    n_heads: int = Field(12, ge=1)
    n_embd: int = Field(768, ge=1)
    n_inner: int | None = Field(None, ge=1)
    """Inner width of the feed-forward; None takes 4 * n_embd."""
    dropout: float = Field(0.1, ge=0, lt=1)
    layer_norm_epsilon: float = Field(1e-5, gt=0)
    sinusoidal_positions: bool = False
    tie_word_embeddings: bool = True
    gradient_checkpointing: bool = False

    @classmethod
    def tiny(cls) -> Self:
        return cls.preset("l1-tiny")

    @classmethod
    def small(cls) -> Self:
        return cls.preset("l1-small")

    @classmethod
    def base(cls) -> Self:
        return cls.preset("l1-base")

    @classmethod
    def large(cls) -> Self:
        return cls.preset("l1-large")

    def transformer(self) -> TransformerConfig:
        return TransformerConfig.parse(
            {
                "vocab_size": self.vocab_size,
                "d_model": self.n_embd,
                "num_layers": self.n_layers,
                "max_seq_len": self.max_seq_length,
                "tie_embeddings": self.tie_word_embeddings,
                "dropout": self.dropout,
                "checkpoint_every": int(self.gradient_checkpointing),
                "attention": {"variant": "mha", "num_heads": self.n_heads, "bias": True, "dropout": self.dropout},
                "positional": {"encoding": "sinusoidal" if self.sinusoidal_positions else "learned"},
                "ffn": {
                    "variant": "mlp",
                    "hidden_dim": self.n_inner or 4 * self.n_embd,
                    "activation": "gelu",
                    "bias": True,
                },
                "norm": {"type": "layernorm", "eps": self.layer_norm_epsilon},
            }
        )


class GPT2Config(_Named):
    """GPT-2 (Radford et al., 2019)."""

    vocab_size: int = Field(50257, ge=1)
    n_positions: int = Field(1024, ge=1)
    n_embd: int = Field(768, ge=1)
    n_layer: int = Field(12, ge=1)
    n_head: int = Field(12, ge=1)
    dropout: float = Field(0.1, ge=0, lt=1)
    layer_norm_eps: float = Field(1e-5, gt=0)

    @classmethod
    def tiny(cls) -> Self:
        return cls.preset("gpt2-tiny")

    @classmethod
    def small(cls) -> Self:
        return cls.preset("gpt2-small")

    @classmethod
    def medium(cls) -> Self:
        return cls.preset("gpt2-medium")

    @classmethod
    def large(cls) -> Self:
        return cls.preset("gpt2-large")

    @classmethod
    def xl(cls) -> Self:
        return cls.preset("gpt2-xl")

    def transformer(self) -> TransformerConfig:
        return TransformerConfig.parse(
            {
                "vocab_size": self.vocab_size,
                "d_model": self.n_embd,
                "num_layers": self.n_layer,
                "max_seq_len": self.n_positions,
                "dropout": self.dropout,
                "attention": {"variant": "mha", "num_heads": self.n_head, "bias": True, "dropout": self.dropout},
                "positional": {"encoding": "learned"},
                "ffn": {"variant": "mlp", "hidden_dim": 4 * self.n_embd, "activation": "gelu_tanh", "bias": True},
                "norm": {"type": "layernorm", "eps": self.layer_norm_eps},
            }
        )


class BertConfig(_Named):
    """BERT (Devlin et al., 2019)."""

    vocab_size: int = Field(30522, ge=1)
    hidden_size: int = Field(768, ge=1)
    num_hidden_layers: int = Field(12, ge=1)
    num_attention_heads: int = Field(12, ge=1)
    intermediate_size: int = Field(3072, ge=1)
    hidden_dropout_prob: float = Field(0.1, ge=0, lt=1)
    attention_dropout_prob: float = Field(0.1, ge=0, lt=1)
    max_position_embeddings: int = Field(512, ge=1)
    layer_norm_eps: float = Field(1e-12, gt=0)
    type_vocab_size: int = Field(2, ge=0)

    @classmethod
    def tiny(cls) -> Self:
        return cls.preset("bert-tiny")

    @classmethod
    def base(cls) -> Self:
        return cls.preset("bert-base")

    @classmethod
    def large(cls) -> Self:
        return cls.preset("bert-large")

    def transformer(self) -> TransformerConfig:
        return TransformerConfig.parse(
            {
                "vocab_size": self.vocab_size,
                "d_model": self.hidden_size,
                "num_layers": self.num_hidden_layers,
                "max_seq_len": self.max_position_embeddings,
                "token_types": self.type_vocab_size,
                "language_head": False,
                "dropout": self.hidden_dropout_prob,
                "residual_scaled_init": False,
                "attention": {
                    "variant": "mha",
                    "num_heads": self.num_attention_heads,
                    "bias": True,
                    "dropout": self.attention_dropout_prob,
                    "mask_type": "bidirectional",
                },
                "positional": {"encoding": "learned"},
                "ffn": {
                    "variant": "mlp",
                    "hidden_dim": self.intermediate_size,
                    "activation": "gelu",
                    "bias": True,
                },
                "norm": {"type": "layernorm", "eps": self.layer_norm_eps, "placement": "post"},
            }
        )
