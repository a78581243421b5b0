"""The same model twice, ours and that of transformers, on the same weights: forward, and forward with backward.

Axes: B batch, T time, D model, V words.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from alen.errors import BadInput
from alen.neural.bert import BertForMaskedLM
from alen.neural.config import TransformerConfig
from alen.neural.describe import flops_per_token
from alen.neural.loss import IGNORED, cross_entropy
from alen.neural.named import BertConfig
from alen.neural.presets import preset
from alen.neural.transformer import Transformer
from alen.neural.weights.bert_heads import save_bert
from alen.neural.weights.hugging_face import save_folder

Side = Literal["alen", "transformers"]
MODELS = ("alen-small", "gpt2-small", "bert-base", "smollm2-135m")
MASKED = 0.15


@dataclass(frozen=True, slots=True)
class StepModel:
    """``logits`` of tokens (B, T); ``loss`` of tokens and targets, which are the next tokens or the masked ones."""

    module: nn.Module
    config: TransformerConfig
    logits: Callable[[Tensor], Tensor]
    loss: Callable[[Tensor, Tensor], Tensor]


def build(name: str, side: Side, seed: int = 0) -> StepModel:
    """Without dropout, in float32, the same weights on both sides. Raises BadInput for another name."""
    if name not in MODELS:
        raise BadInput("model", name, ", ".join(MODELS), "Choose one of them.")
    torch.manual_seed(seed)
    if name == "bert-base":
        return _bert(side)
    config = preset(name)
    config = config.model_copy(
        update={"dropout": 0.0, "attention": config.attention.model_copy(update={"dropout": 0.0})}
    )
    ours = Transformer(config)
    if side == "alen":
        return StepModel(ours, config, ours, lambda tokens, targets: _our_loss(ours, tokens, targets))
    theirs = (
        _stable(ours) if name == "alen-small" else _reloaded("AutoModelForCausalLM", lambda at: save_folder(ours, at))
    )
    return _theirs(theirs, config)


def targets_of(name: str, tokens_BT: Tensor) -> Tensor:
    """Next tokens, or for BERT the tokens themselves where a fixed share is masked."""
    if name == "bert-base":
        generator = torch.Generator().manual_seed(1)
        return tokens_BT.where(torch.rand(tokens_BT.shape, generator=generator) < MASKED, IGNORED)
    return torch.cat([tokens_BT[:, 1:], torch.full_like(tokens_BT[:, :1], IGNORED)], dim=1)


def work(name: str, step: str, batch: int, length: int) -> float:
    """Floating point operations of a step of that model; a training step is forward and backward."""
    config = preset(name)
    seen = (length + 1) // 2 if config.attention.mask_type == "causal" else length
    passes = 3 if step == "train" else 1
    tokens = batch * length
    found: float = tokens * flops_per_token(config, seen) * passes
    if name == "bert-base":
        head = 2 * config.d_model * (config.d_model + config.vocab_size)
        found += tokens * head * (passes * MASKED if step == "train" else 1)
    return found


def _our_loss(model: Transformer, tokens_BT: Tensor, targets_BT: Tensor) -> Tensor:
    return cross_entropy(model.hidden(tokens_BT).flatten(0, 1), model.output_weight, targets_BT.flatten())


def _bert(side: Side) -> StepModel:
    named = BertConfig.base().model_copy(update={"hidden_dropout_prob": 0.0, "attention_dropout_prob": 0.0})
    ours = BertForMaskedLM(named)
    config = ours.bert.encoder.config
    if side == "transformers":
        return _theirs(_reloaded("AutoModelForMaskedLM", lambda at: save_bert(ours, at)), config)

    def loss(tokens_BT: Tensor, targets_BT: Tensor) -> Tensor:
        hidden_BTD, _ = ours.bert(tokens_BT)
        kept_BT = targets_BT != IGNORED
        transformed_ND = ours.head.transformed(hidden_BTD[kept_BT])
        return cross_entropy(
            transformed_ND, ours.bert.encoder.embedding.weight, targets_BT[kept_BT], bias_V=ours.head.bias
        )

    return StepModel(ours, config, ours, loss)


def _theirs(model: Any, config: TransformerConfig) -> StepModel:
    def loss(tokens_BT: Tensor, targets_BT: Tensor) -> Tensor:
        logits_BTV = model(input_ids=tokens_BT).logits
        return nn.functional.cross_entropy(logits_BTV.flatten(0, 1).float(), targets_BT.flatten(), ignore_index=IGNORED)

    return StepModel(model, config, lambda tokens: model(input_ids=tokens, use_cache=False).logits, loss)


def _reloaded(kind: str, save: Callable[[Path], None]) -> Any:
    import transformers

    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder))
        loader = getattr(transformers, kind)
        return loader.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa", local_files_only=True)


def stable_lm(config: TransformerConfig) -> Any:
    """A StableLM is SwiGLU, LayerNorm and rotary positions over whole heads: ALEN small under another name."""
    import transformers

    return transformers.StableLmForCausalLM(
        transformers.StableLmConfig(
            vocab_size=config.vocab_size,
            hidden_size=config.d_model,
            intermediate_size=config.hidden_dim,
            num_hidden_layers=config.num_layers,
            num_attention_heads=config.attention.num_heads,
            num_key_value_heads=config.num_kv_heads,
            max_position_embeddings=config.max_seq_len,
            layer_norm_eps=config.norm.eps,
            tie_word_embeddings=False,
            rope_parameters={
                "rope_type": "default",
                "rope_theta": config.positional.rope_base,
                "partial_rotary_factor": 1.0,
            },
            attn_implementation="sdpa",  # type: ignore[call-arg]  # taken by every configuration there
        )
    )


def _stable(ours: Transformer) -> Any:
    config = ours.config
    model = stable_lm(config)
    state = ours.state_dict()
    tensors = {"model.embed_tokens.weight": state["embedding.weight"], "lm_head.weight": state["head.weight"]}
    for part in ("weight", "bias"):
        tensors[f"model.norm.{part}"] = state[f"norm.{part}"]
        for layer in range(config.num_layers):
            tensors[f"model.layers.{layer}.input_layernorm.{part}"] = state[f"blocks.{layer}.attention_norm.{part}"]
            tensors[f"model.layers.{layer}.post_attention_layernorm.{part}"] = state[f"blocks.{layer}.ffn_norm.{part}"]
    for layer in range(config.num_layers):
        theirs, mine = f"model.layers.{layer}.", f"blocks.{layer}."
        for name, rows in zip("qkv", state[f"{mine}attention.qkv.weight"].chunk(3), strict=True):
            tensors[f"{theirs}self_attn.{name}_proj.weight"] = rows
        tensors[f"{theirs}self_attn.o_proj.weight"] = state[f"{mine}attention.o.weight"]
        gate, up = state[f"{mine}ffn.gate_up.weight"].chunk(2)
        tensors |= {f"{theirs}mlp.gate_proj.weight": gate, f"{theirs}mlp.up_proj.weight": up}
        tensors[f"{theirs}mlp.down_proj.weight"] = state[f"{mine}ffn.down.weight"]
    model.load_state_dict(tensors)
    return model
