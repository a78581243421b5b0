"""Configurations as YAML or JSON files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from alen.errors import BadInput
from alen.neural.config import TransformerConfig
from alen.neural.presets import preset


def read(path: Path) -> TransformerConfig:
    """From a .yaml, .yml or .json file with the fields of TransformerConfig at its top or under ``model``. A field
    ``preset`` names the shape that the others change. Raises BadInput naming the file and the field."""
    data = _data(path)
    data = data.get("model", data)
    if not isinstance(data, dict):
        raise BadInput(str(path), type(data).__name__, "names and values", "Correct the file.")
    try:
        name = data.pop("preset", None)
        return preset(name, **data) if name is not None else TransformerConfig.parse(data)
    except BadInput as error:
        raise BadInput(f"{path}: {error.field}", error.found, error.allowed, error.hint) from None


def write(config: TransformerConfig, path: Path) -> None:
    """All fields, defaults too, so that the file means the same in a later version. Raises BadInput for an ending
    that is neither YAML's nor JSON's."""
    data = config.model_dump(mode="json")
    _ending(path)
    text = json.dumps(data, indent=2) + "\n" if path.suffix == ".json" else yaml.safe_dump(data, sort_keys=False)
    path.write_text(text, "utf-8")


def _data(path: Path) -> dict[str, Any]:
    _ending(path)
    try:
        text = path.read_text("utf-8")
        found = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise BadInput(str(path), " ".join(str(error).split()), "readable YAML or JSON", "Correct the file.") from None
    if not isinstance(found, dict):
        raise BadInput(str(path), type(found).__name__, "names and values", "Correct the file.")
    return found


def _ending(path: Path) -> None:
    if path.suffix not in {".yaml", ".yml", ".json"}:
        raise BadInput("path", str(path), "a .yaml, .yml or .json file", "Give the file one of these endings.")
