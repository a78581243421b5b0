"""The trained model as a folder that ALEN loads, and transformers where it is a BERT; from a run or a checkpoint.

Axes: N output features, M input features, R rank.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from alen.errors import CorruptWeights
from alen.neural.bert import BertForMaskedLM, BertForSequenceClassification
from alen.neural.config import TransformerConfig
from alen.neural.transformer import Transformer
from alen.neural.unfilled import without_initialisation
from alen.neural.weights import folder as own
from alen.neural.weights.bert_heads import bert_config, save_bert
from alen.training.building import Trained, encoder_of
from alen.training.checkpoints import STATE, read_manifest
from alen.training.recipe import TrainingRecipe

RECIPE = "recipe.json"
_PREFIX = "objective.model."


def export(
    state: Mapping[str, Tensor],
    recipe: TrainingRecipe,
    config: TransformerConfig,
    folder: Path,
    *,
    labels: int | None = None,
    tokenizer: Path | None = None,
    about: dict[str, Any] | None = None,
) -> Path:
    """Write the weights ``state`` of a model, adapters folded in, with a copy of the ``tokenizer`` folder and the
    recipe. A folder of an earlier run is replaced once the new one is complete."""
    model = _filled(folded(state, recipe), recipe, config, labels)
    told = {"recipe": recipe.model_dump(mode="json"), **(about or {})}
    if isinstance(model, Transformer):
        own.save(model, folder, tokenizer=tokenizer, about=told)
        return folder
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        save_bert(model, partial)
        for file in tokenizer.iterdir() if tokenizer is not None else ():
            shutil.copyfile(file, partial / file.name)
        (partial / RECIPE).write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def export_checkpoint(checkpoint: Path, folder: Path, *, tokenizer: Path | None = None) -> Path:
    """The model of a checkpoint, also of one in parts. Raises CorruptWeights."""
    manifest = read_manifest(checkpoint)
    recipe = TrainingRecipe.parse({**manifest["recipe"], "data": None})
    state = {
        name.removeprefix(_PREFIX): tensor
        for name, tensor in _state(checkpoint / STATE).items()
        if name.startswith(_PREFIX)
    }
    config = TransformerConfig.parse(manifest["config"])
    about = {"step": manifest["step"]}
    return export(state, recipe, config, folder, labels=manifest["labels"], tokenizer=tokenizer, about=about)


def folded(state: Mapping[str, Tensor], recipe: TrainingRecipe) -> dict[str, Tensor]:
    """Without adapters: each is added to the layer it stands beside."""
    if recipe.lora is None:
        return dict(state)
    scale = recipe.lora.alpha / recipe.lora.rank
    found = {}
    for name, tensor in state.items():
        layer, _, last = name.rpartition(".")
        if last in ("A_RM", "B_NR"):
            continue
        layer, adapted, _ = layer.rpartition(".base")
        if adapted and last == "weight":
            low_RM, high_NR = state[f"{layer}.A_RM"].float(), state[f"{layer}.B_NR"].float()
            tensor = (tensor.float() + scale * (high_NR @ low_RM)).to(tensor.dtype)
        found[f"{layer}.{last}" if adapted else name] = tensor
    return found


def _filled(
    state: Mapping[str, Tensor], recipe: TrainingRecipe, config: TransformerConfig, labels: int | None
) -> Trained:
    model: Trained
    with torch.device("meta"), without_initialisation():
        if recipe.task == "causal":
            model = Transformer(config)
        elif recipe.task == "masked":
            model = BertForMaskedLM(bert_config(config))
        else:
            assert labels is not None
            model = BertForSequenceClassification(bert_config(config), labels)
    # What was dropped or computed again in training is no part of the model that was trained.
    encoder_of(model).config = config.model_copy(update={"checkpoint_every": 0})
    try:
        model.load_state_dict(dict(state), assign=True)
    except RuntimeError as error:
        raise CorruptWeights(f"The weights do not fit: {' '.join(str(error).split())[:300]}.", "Train again.") from None
    return model


def _state(path: Path) -> Mapping[str, Tensor]:
    if path.is_file():
        found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        return found["state_dict"]
    from torch.distributed.checkpoint.format_utils import dcp_to_torch_save

    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / STATE
        dcp_to_torch_save(path, whole)
        return torch.load(whole, map_location="cpu", weights_only=True)["state_dict"]
