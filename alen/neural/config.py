"""One configuration for every transformer: validated once, frozen, no torch."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from alen.errors import BadInput
from alen.neural.config_errors import bad_input

Span = Literal["local", "global"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AttentionConfig(_Part):
    variant: Literal["mha", "gqa", "mqa", "complex"] = "gqa"
    """Whether query heads share key and value heads; complex has queries and keys of complex numbers."""
    num_heads: int = Field(8, ge=1)
    num_kv_heads: int | None = Field(None, ge=1)
    """Key and value heads; None takes a quarter of the query heads (gqa), one (mqa), or all (mha and complex)."""
    head_dim: int | None = Field(None, ge=1)
    """Width of a head; None takes d_model // num_heads. A complex head has as many complex numbers."""
    bias: bool = False
    qkv_bias: bool | None = None
    """Of queries, keys and values alone; None takes ``bias``."""
    qk_norm: bool = False
    """RMSNorm over each head of queries and keys before they turn (Qwen 3)."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Of attention weights, in training."""
    mask_type: Literal["causal", "bidirectional", "sliding_window"] = "causal"
    """A sliding window is causal too: a token sees itself and the ``window_size`` - 1 before it."""
    window_size: int | None = Field(None, ge=1)
    window_pattern: tuple[Span, ...] = ("local",)
    """Which layers slide and which see everything before them, repeated over the layers (Gemma 3)."""
    use_flash_attn: bool = False
    """Use the flash-attn package where it is installed and applies. Without it torch chooses its own fused kernel."""

    @model_validator(mode="after")
    def _shares_as_the_variant_says(self) -> AttentionConfig:
        wanted = {"mha": self.num_heads, "mqa": 1}.get(self.variant)
        if self.num_kv_heads is not None and wanted is not None and self.num_kv_heads != wanted:
            raise ValueError(f"{self.variant} has num_kv_heads {wanted}, not {self.num_kv_heads}")
        if self.num_kv_heads is not None and self.num_heads % self.num_kv_heads:
            raise ValueError(f"num_heads {self.num_heads} is not a multiple of num_kv_heads {self.num_kv_heads}")
        return self

    @model_validator(mode="after")
    def _has_a_window_where_it_slides(self) -> AttentionConfig:
        slides = self.mask_type == "sliding_window"
        if slides and self.window_size is None:
            raise ValueError("sliding_window needs a window_size in tokens")
        if not slides and self.window_size is not None:
            raise ValueError(f"window_size is of mask_type sliding_window, not {self.mask_type}")
        if not self.window_pattern:
            raise ValueError("window_pattern names at least one layer, local or global")
        return self


class Llama3Scaling(_Part):
    """Slow frequencies are divided by ``factor``, fast ones kept, those between blended (Llama 3.1)."""

    factor: float = Field(ge=1)
    low_freq_factor: float = Field(1.0, gt=0)
    high_freq_factor: float = Field(4.0, gt=0)
    original_max_seq_len: int = Field(8192, ge=1)

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Llama3Scaling:
        if self.low_freq_factor >= self.high_freq_factor:
            raise ValueError("low_freq_factor must be below high_freq_factor")
        return self


class PositionalConfig(_Part):
    encoding: Literal["rope", "alibi", "sinusoidal", "learned", "none"] = "rope"
    rope_base: float = Field(10000.0, gt=0)
    rope_scaling: float | Llama3Scaling | None = None
    """A number divides all positions by it (linear scaling)."""

    @model_validator(mode="after")
    def _scales_rope_alone(self) -> PositionalConfig:
        if self.rope_scaling is not None and self.encoding != "rope":
            raise ValueError(f"rope_scaling is of encoding rope, not {self.encoding}")
        if isinstance(self.rope_scaling, float) and self.rope_scaling < 1:
            raise ValueError(f"rope_scaling {self.rope_scaling} must be at least 1")
        return self


class FeedForwardConfig(_Part):
    variant: Literal["swiglu", "geglu", "mlp"] = "swiglu"
    expansion_factor: float = Field(2.6667, gt=0)
    hidden_dim: int | None = Field(None, ge=1)
    """Inner width; None takes expansion_factor * d_model, rounded to a multiple of 8."""
    activation: Literal["silu", "gelu", "gelu_tanh", "relu"] = "silu"
    """Of an mlp; the gate of swiglu is silu, that of geglu gelu. gelu_tanh is the approximation of GPT-2."""
    bias: bool = False
    dropout: float = Field(0.0, ge=0, lt=1)
    """Of the inner activations, in training."""

    @model_validator(mode="after")
    def _gated_by_its_own(self) -> FeedForwardConfig:
        if self.variant != "mlp" and self.activation != "silu":
            raise ValueError(f"activation is of an mlp, {self.variant} has its own; leave it out")
        return self


class NormConfig(_Part):
    type: Literal["rmsnorm", "layernorm"] = "rmsnorm"
    eps: float = Field(1e-5, gt=0)
    placement: Literal["pre", "post", "sandwich"] = "pre"


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
    parallel_layers: bool = False
    """Attention and feed-forward side by side on the same normalised input (PaLM)."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Of embeddings and of what each layer adds, in training."""
    init_std: float = Field(0.02, gt=0)
    residual_scaled_init: bool = True
    """Start what each layer adds smaller by the square root of twice the layers (GPT-2)."""
    checkpoint_every: int = Field(0, ge=0)
    """In training, compute the activations of every n-th layer again instead of keeping them: 1 for all, 0 for none."""
    attention: AttentionConfig = Field(default_factory=AttentionConfig)
    positional: PositionalConfig = Field(default_factory=PositionalConfig)
    ffn: FeedForwardConfig = Field(default_factory=FeedForwardConfig)
    norm: NormConfig = Field(default_factory=NormConfig)

    @model_validator(mode="after")
    def _fits_together(self) -> TransformerConfig:
        if self.attention.head_dim is None and self.d_model % self.attention.num_heads:
            raise ValueError(f"d_model {self.d_model} is not a multiple of num_heads {self.attention.num_heads}")
        if self.positional.encoding == "rope" and self.attention.variant != "complex" and self.head_dim % 2:
            raise ValueError(f"rope turns pairs of features, a head has {self.head_dim}")
        if self.positional.encoding == "sinusoidal" and self.d_model % 2:
            raise ValueError(f"sinusoidal positions are pairs of features, d_model is {self.d_model}")
        if self.parallel_layers and self.norm.placement == "post":
            raise ValueError("parallel_layers share a norm before them; placement post has none")
        return self

    @classmethod
    def parse(cls, data: dict[str, Any]) -> TransformerConfig:
        """From a plain dict. Raises BadInput naming the first field that is wrong, and the nearest name to one that
        is not there."""
        try:
            return cls(**data)
        except ValidationError as error:
            raise bad_input(cls, error) from None
        except TypeError:
            raise BadInput("config", type(data).__name__, "names and values", "Correct the configuration.") from None

    @property
    def head_dim(self) -> int:
        return self.attention.head_dim or self.d_model // self.attention.num_heads

    @property
    def query_dim(self) -> int:
        """Real numbers in a query or key of one head: two for each complex one."""
        return self.head_dim * (2 if self.attention.variant == "complex" else 1)

    @property
    def num_kv_heads(self) -> int:
        heads = self.attention.num_heads
        if self.attention.num_kv_heads is not None:
            return self.attention.num_kv_heads
        if self.attention.variant in ("mha", "complex"):
            return heads
        wanted = 1 if self.attention.variant == "mqa" else max(1, heads // 4)
        return next(n for n in range(wanted, 0, -1) if heads % n == 0)

    @property
    def qkv_bias(self) -> bool:
        return self.attention.bias if self.attention.qkv_bias is None else self.attention.qkv_bias

    @property
    def hidden_dim(self) -> int:
        return self.ffn.hidden_dim or max(8, round(self.ffn.expansion_factor * self.d_model / 8) * 8)

    def window(self, layer: int) -> int | None:
        """Tokens that layer ``layer`` sees at most, itself included; None without a limit."""
        pattern = self.attention.window_pattern
        return self.attention.window_size if pattern[layer % len(pattern)] == "local" else None
