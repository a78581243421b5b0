"""The recipe of a reader adapter: everything that decides its weights, in one file that ships beside them."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alen.errors import BadInput


class ReaderRecipe(BaseModel):
    """``learning_rate`` is the peak: linear warm-up over ``warm_up`` of the steps, then a cosine down to a twentieth.
    ``passages_a_step`` passages with all their questions make one step. ``plausible`` weighs the spans that a careless
    reader would give to unanswerable questions, ``answerable`` the yes or no of answerability, ``wrong_passages`` is
    the share of the answerable questions that are also asked of a wrong passage."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: str = "smollm2-135m-instruct"
    seed: int = 0
    training: tuple[str, ...]
    calibration: tuple[str, ...] = ()
    rank: int = Field(16, ge=1)
    alpha: float = Field(32.0, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)
    epochs: float = Field(4.0, gt=0)
    passages_a_step: int = Field(2, ge=1)
    questions_a_passage: int = Field(16, ge=1)
    learning_rate: float = Field(4e-4, gt=0)
    warm_up: float = Field(0.06, ge=0, lt=1)
    clip: float = Field(1.0, gt=0)
    plausible: float = Field(0.5, ge=0)
    answerable: float = Field(1.0, ge=0)
    wrong_passages: float = Field(0.35, ge=0, le=1)
    checkpoint_every: int = Field(50, ge=1)
    output: str = "reader.safetensors"
    licence: str = ""
    attribution: str = ""


def read_recipe(path: Path) -> ReaderRecipe:
    """A YAML file as a recipe. Raises BadInput naming the key."""
    import yaml

    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise BadInput("recipe", f"{path} ({error.strerror})", "a YAML file", "See configs/reader.") from error
    except yaml.YAMLError as error:
        raise BadInput("recipe", f"{path}: {error}", "a YAML file", "See configs/reader.") from error
    if not isinstance(values, dict):
        raise BadInput("recipe", f"{path}: {type(values).__name__}", "keys with values", "See configs/reader.")
    try:
        return ReaderRecipe(**values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        allowed = ", ".join(ReaderRecipe.model_fields) if first["type"] == "extra_forbidden" else first["msg"]
        raise BadInput(key, repr(first["input"]), allowed, f"Correct it in {path.name}.") from error
