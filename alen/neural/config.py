"""One configuration for every transformer: validated once, frozen, no torch."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from alen.errors import BadInput


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _refuse_dropout(value: float) -> float:
    # A model that takes the number and drops nothing would train otherwise than its configuration says.
    if value != 0.0:
        raise ValueError("dropout is not supported, only 0")
    return value


class AttentionConfig(_Part):
    variant: Literal["mha", "gqa", "mqa"] = "gqa"
    """Whether query heads share key and value heads."""
    num_heads: int = Field(8, ge=1)
    num_kv_heads: int | None = Field(None, ge=1)
    """Key and value heads; None takes a quarter of the query heads (gqa), all (mha) or one (mqa)."""
    head_dim: int | None = Field(None, ge=2)
    """Width of a head; None takes d_model // num_heads."""
    bias: bool = False
    dropout: float = 0.0
    """Only 0: nothing is dropped inside the model."""
    mask_type: Literal["causal", "bidirectional"] = "causal"

    _undropped = field_validator("dropout")(_refuse_dropout)

    @model_validator(mode="after")
    def _shares_as_the_variant_says(self) -> AttentionConfig:
        wanted = {"mha": self.num_heads, "mqa": 1}.get(self.variant)
        if self.num_kv_heads is not None and wanted is not None and self.num_kv_heads != wanted:
            raise ValueError(f"{self.variant} has num_kv_heads {wanted}, not {self.num_kv_heads}")
        return self


class PositionalConfig(_Part):
    encoding: Literal["rope", "learned", "none"] = "rope"
    rope_base: float = Field(10000.0, gt=0)


class FeedForwardConfig(_Part):
    variant: Literal["swiglu", "mlp"] = "swiglu"
    expansion_factor: float = Field(2.6667, gt=0)
    hidden_dim: int | None = Field(None, ge=1)
    """Inner width; None takes expansion_factor * d_model, rounded to a multiple of 8."""
    activation: Literal["silu", "gelu", "relu"] = "silu"
    """Of an mlp; swiglu is gated by silu."""
    bias: bool = False
    dropout: float = 0.0
    """Only 0: nothing is dropped inside the model."""

    _undropped = field_validator("dropout")(_refuse_dropout)

    @model_validator(mode="after")
    def _gated_by_silu(self) -> FeedForwardConfig:
        if self.variant == "swiglu" and self.activation != "silu":
            raise ValueError(f"swiglu is gated by silu, not {self.activation}")
        return self


class NormConfig(_Part):
    type: Literal["rmsnorm", "layernorm"] = "rmsnorm"
    eps: float = Field(1e-5, gt=0)
    placement: Literal["pre", "post"] = "pre"


class TransformerConfig(_Part):
    """Shape and options of a model. Lengths are in tokens, widths in features."""

    vocab_size: int = Field(ge=1)
    d_model: int = Field(ge=1)
    num_layers: int = Field(ge=1)
    max_seq_len: int = Field(2048, ge=1, le=2**20)
    token_types: int = Field(0, ge=0)
    """Segment embeddings, as BERT has two; 0 for none."""
    tie_embeddings: bool = True
    language_head: bool = True
    """Whether the model turns hidden states into logits over the vocabulary."""
    attention: AttentionConfig = Field(default_factory=AttentionConfig)
    positional: PositionalConfig = Field(default_factory=PositionalConfig)
    ffn: FeedForwardConfig = Field(default_factory=FeedForwardConfig)
    norm: NormConfig = Field(default_factory=NormConfig)

    @model_validator(mode="after")
    def _divides(self) -> TransformerConfig:
        if self.attention.head_dim is None and self.d_model % self.attention.num_heads:
            raise ValueError(f"d_model {self.d_model} is not a multiple of num_heads {self.attention.num_heads}")
        if self.attention.num_heads % self.num_kv_heads:
            raise ValueError(
                f"num_heads {self.attention.num_heads} is not a multiple of num_kv_heads {self.num_kv_heads}"
            )
        if self.positional.encoding == "rope" and self.head_dim % 2:
            raise ValueError(f"rope turns pairs of features, a head has {self.head_dim}")
        return self

    @classmethod
    def parse(cls, data: dict[str, Any]) -> TransformerConfig:
        """From a plain dict. Raises BadInput naming the first field that is wrong."""
        try:
            return cls(**data)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or "config"
            raise BadInput(name, repr(first.get("input")), first["msg"], "Correct the configuration.") from None

    @property
    def head_dim(self) -> int:
        return self.attention.head_dim or self.d_model // self.attention.num_heads

    @property
    def num_kv_heads(self) -> int:
        heads = self.attention.num_heads
        if self.attention.num_kv_heads is not None:
            return self.attention.num_kv_heads
        if self.attention.variant == "mha":
            return heads
        wanted = 1 if self.attention.variant == "mqa" else max(1, heads // 4)
        return next(n for n in range(wanted, 0, -1) if heads % n == 0)

    @property
    def hidden_dim(self) -> int:
        return self.ffn.hidden_dim or max(8, round(self.ffn.expansion_factor * self.d_model / 8) * 8)
