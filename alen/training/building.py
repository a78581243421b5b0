"""From a recipe's words to a model: a preset with fresh weights, or a pretrained one, with the head of its task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from alen import paths
from alen.errors import BadInput, CorruptWeights
from alen.models.installed import locate
from alen.neural import lora
from alen.neural.bert import Bert, BertForMaskedLM, BertForSequenceClassification
from alen.neural.config import TransformerConfig
from alen.neural.named import BertConfig
from alen.neural.presets import preset
from alen.neural.transformer import Transformer
from alen.neural.unfilled import without_initialisation
from alen.neural.weights import load_decoder, load_encoder, read_config
from alen.neural.weights.bert_heads import bert_config, load_bert
from alen.training.recipe import ModelRecipe, Task, TrainingRecipe

Trained = Transformer | BertForMaskedLM | BertForSequenceClassification
MULTIPLE = 64
"""Rows of a fresh vocabulary: matrix units take no others without padding them."""

_SAFE = {"dropout", "checkpoint_every", "attention", "ffn"}
"""Fields that a pretrained model may be given otherwise; of attention and ffn the dropout alone."""


def configuration(recipe: TrainingRecipe, vocabulary: int | None) -> TransformerConfig:
    """The shape of the model; a fresh one has room for ``vocabulary`` words, those of the tokenizer, or for as many as
    its preset has. Raises BadInput when it has no room for them or for the recipe's length, or is of another task."""
    given = dict(recipe.model.overrides)
    if recipe.gradient_checkpointing:
        given["checkpoint_every"] = recipe.gradient_checkpointing
    if recipe.model.preset is not None:
        if vocabulary is not None:
            given.setdefault("vocab_size", -(-vocabulary // MULTIPLE) * MULTIPLE)
        config = _with(preset(recipe.model.preset), given)
    else:
        found = read_config(located(recipe.model))
        wrong = sorted(given.keys() - _SAFE) or [
            f"{part}.{name}" for part in ("attention", "ffn") for name in given.get(part, {}) if name != "dropout"
        ]
        if wrong:
            raise BadInput(
                f"model.overrides.{wrong[0]}", "a change of the weights", ", ".join(sorted(_SAFE)), "Leave it out."
            )
        config = _with(found, given)
    if vocabulary is not None and vocabulary > config.vocab_size:
        raise BadInput(
            "data.tokenizer",
            f"{vocabulary:,} tokens for a model of {config.vocab_size:,}",
            "the tokenizer of the model, or a smaller one",
            "Set data.tokenizer, data.vocab_size or model.overrides.vocab_size.",
        )
    _check_task(recipe.task, config)
    length = getattr(recipe.data, "length", None)
    if length is not None and length > config.max_seq_len:
        raise BadInput(
            "data.length", f"{length:,}", f"at most {config.max_seq_len:,} for this model", "Make it shorter."
        )
    return config


def make_model(recipe: TrainingRecipe, config: TransformerConfig, labels: int | None = None) -> Trained:
    """With float32 weights, drawn from the recipe's seed where they are fresh. Raises BadInput, CorruptWeights,
    UnknownModel, ModelNotInstalled."""
    torch.manual_seed(recipe.seed)
    model = _decoder(recipe.model, config) if recipe.task == "causal" else _bert(recipe, config, labels)
    model.train().requires_grad_(True)
    if recipe.freeze_embeddings:
        for table in (module for module in encoder_of(model).children() if isinstance(module, nn.Embedding)):
            table.requires_grad_(False)
    if recipe.lora is not None:
        lora.attach(encoder_of(model), recipe.lora.rank, recipe.lora.alpha, recipe.lora.dropout)
        if not isinstance(model, Transformer):
            model.head.requires_grad_(True)
    return model


def encoder_of(model: Trained) -> Transformer:
    """The transformer in a model."""
    return model if isinstance(model, Transformer) else model.bert.encoder


def located(recipe: ModelRecipe) -> Path:
    """The file or folder of a pretrained model. Raises UnknownModel, ModelNotInstalled, CorruptWeights."""
    assert recipe.pretrained is not None
    return locate(recipe.pretrained, paths.home()).path


def _decoder(recipe: ModelRecipe, config: TransformerConfig) -> Trained:
    if recipe.preset is not None:
        return Transformer(config)
    return _renewed(load_decoder(located(recipe)).model, lambda: Transformer(config))


def _bert(recipe: TrainingRecipe, config: TransformerConfig, labels: int | None) -> Trained:
    shape = bert_config(config)
    same = {"checkpoint_every": 0, "residual_scaled_init": False, "init_std": 0.02}
    if shape.transformer() != config.model_copy(update=same):
        raise BadInput("model", "options that BERT has not", "those of a BERT", "Leave out what overrides them.")
    model = _bert_of(recipe, shape, labels)
    encoder_of(model).config = config
    return model


def _bert_of(recipe: TrainingRecipe, shape: BertConfig, labels: int | None) -> Trained:
    kind = BertForMaskedLM if recipe.task == "masked" else BertForSequenceClassification
    if recipe.task == "classification" and labels is None:
        raise BadInput("labels", "none", "how many classes there are", "Set labels.")

    def fresh() -> Trained:
        return BertForMaskedLM(shape) if labels is None else BertForSequenceClassification(shape, labels)

    if recipe.model.preset is not None:
        return fresh()
    folder = located(recipe.model)
    try:
        found = load_bert(folder, kind)
        if not isinstance(found, BertForSequenceClassification) or len(found.head.classifier.bias) == labels:
            return _renewed(found, fresh)
    except CorruptWeights:
        # No such head, or no weights at all: the encoder says which.
        pass
    return _with_encoder(fresh(), folder, shape)


def _with_encoder(model: Trained, folder: Path, shape: BertConfig) -> Trained:
    """A fresh head on pretrained layers; the pooler too where there is one."""
    assert not isinstance(model, Transformer)
    model.bert.encoder.load_state_dict(load_encoder(folder).model.state_dict())
    if model.bert.pooler is not None:
        try:
            found = load_bert(folder, Bert)
        except CorruptWeights:
            return model
        assert isinstance(found, Bert)
        model.bert.load_state_dict(found.state_dict())
    return model


def _renewed(found: nn.Module, fresh: Callable[[], Trained]) -> Trained:
    """The weights that were found in a module of the configuration that was asked for."""
    with torch.device("meta"), without_initialisation():
        model = fresh()
    model.load_state_dict(found.state_dict(), assign=True)
    encoder_of(model).fill_tables()
    return model


def _with(config: TransformerConfig, overrides: dict[str, Any]) -> TransformerConfig:
    """Parts such as attention are changed field by field."""
    values = config.model_dump()
    for name, value in overrides.items():
        part = values.get(name)
        values[name] = {**part, **value} if isinstance(part, dict) and isinstance(value, dict) else value
    try:
        return TransformerConfig.parse(values)
    except BadInput as error:
        name = "model.overrides" + ("" if error.field == "config" else f".{error.field}")
        found = repr(overrides) if error.field == "config" else error.found
        raise BadInput(name, found, error.allowed, error.hint) from None


def _check_task(task: Task, config: TransformerConfig) -> None:
    reads_both_ways = config.attention.mask_type == "bidirectional"
    if (task != "causal") != reads_both_ways:
        needed = "a decoder, such as alen-small" if task == "causal" else "an encoder, such as bert-tiny"
        raise BadInput(
            "model",
            f"one that {'sees' if reads_both_ways else 'does not see'} what comes after",
            f"{needed}, for the task {task}",
            "Choose another model or task.",
        )
