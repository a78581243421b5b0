"""The recipe of a training run: everything that decides what is trained, in one YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError, field_validator, model_validator

from alen.errors import BadInput
from alen.learning.optimizer import OptimizerConfig
from alen.learning.schedule import Schedule
from alen.neural.config_errors import bad_input

Task = Literal["causal", "masked", "classification"]
SIZES = ("micro", "small", "medium", "large", "xl")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelRecipe(_Part):
    """What is trained: a ``preset`` with fresh weights, or a ``pretrained`` model, by name or folder. ``overrides`` are
    fields of its configuration: of a pretrained model only those that change no weight, such as dropout."""

    preset: str | None = None
    pretrained: str | None = None
    overrides: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.preset is None) == (self.pretrained is None):
            raise ValueError("either preset or pretrained")
        return self


class ScheduleRecipe(_Part):
    """Of the learning rate, as of ``alen.learning.schedule.factor``. ``warm_up`` below 1 is a share of the run, from 1
    on a number of steps; so is ``decay``, always a share."""

    kind: Schedule = "cosine"
    warm_up: float = Field(0.02, ge=0, le=10**6)
    floor: float = Field(0.1, ge=0, le=1)
    decay: float = Field(0.2, gt=0, le=1)


class LoRARecipe(_Part):
    """Adapters that are trained in place of all weights; folded in when the model is saved."""

    rank: int = Field(16, ge=1, le=1024)
    alpha: float = Field(32.0, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)


class MachineRecipe(_Part):
    """``devices`` a node and ``nodes``; ``tensor_parallel`` is how many devices share the matrices of a layer. ``auto``
    is one device without any strategy, and DDP for several."""

    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    strategy: Literal["auto", "ddp", "fsdp", "tensor_parallel", "fsdp+tensor_parallel"] = "auto"
    devices: int | Literal["auto"] = 1
    nodes: int = Field(1, ge=1, le=4096)
    tensor_parallel: int = Field(1, ge=1, le=64)

    @field_validator("devices")
    @classmethod
    def _there_is_one(cls, devices: int | str) -> int | str:
        if isinstance(devices, int) and not 1 <= devices <= 1024:
            raise ValueError("from 1 to 1024, or auto")
        return devices

    @model_validator(mode="after")
    def _shares_where_it_says_so(self) -> Self:
        if (self.tensor_parallel > 1) != ("tensor_parallel" in self.strategy):
            raise ValueError("tensor_parallel above 1 goes with strategy tensor_parallel or fsdp+tensor_parallel")
        return self


class CheckpointRecipe(_Part):
    """One every so many ``every`` steps, of which the last ``keep`` stay."""

    every: int = Field(500, ge=1)
    keep: int = Field(2, ge=1, le=1000)


class EarlyStoppingRecipe(_Part):
    """Stop when the validation loss has not fallen by ``least`` for ``patience`` validations."""

    patience: int = Field(3, ge=1)
    least: float = Field(0.0, ge=0)


class MonitorRecipe(_Part):
    """What is told every ``every`` steps, and where. ``prometheus`` is a port, 0 for any that is free."""

    every: int = Field(10, ge=1)
    csv: bool = True
    tensorboard: bool = True
    prometheus: int | None = Field(None, ge=0, le=65535)
    picture: bool = True


class TrainingRecipe(_Part):
    """``batch`` sequences go through each device at a time, ``accumulate`` such batches make one step. Exactly one of
    ``steps``, ``epochs``, ``tokens`` and ``minutes`` says how long. ``data`` is a ``DataRecipe``; None where a run is
    given data of its own. ``labels`` are the classes of a classification without such data.

    ``freeze_embeddings`` leaves a pretrained model's tables of words, positions and segments as they are. ``r_drop``
    weighs how far two draws of dropout disagree about a text's class (Liang et al. 2021, https://arxiv.org/abs/2106.14448).
    ``gradient_checkpointing`` computes the activations of every n-th layer again, 1 of all. ``validate_every`` is in
    steps; None does so ten times in a run."""

    task: Task = "causal"
    model: ModelRecipe
    data: SerializeAsAny[BaseModel] | None = None
    out: Path
    steps: int | None = Field(None, ge=1, le=10**9)
    epochs: float | None = Field(None, gt=0, le=10**5)
    tokens: int | None = Field(None, ge=1)
    minutes: float | None = Field(None, gt=0, le=10**6)
    batch: int = Field(8, ge=1, le=2**16)
    accumulate: int = Field(1, ge=1, le=2**16)
    optimizer: OptimizerConfig = Field(default_factory=OptimizerConfig)
    schedule: ScheduleRecipe = Field(default_factory=ScheduleRecipe)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    r_drop: float = Field(0.0, ge=0, le=100)
    clip: float | None = Field(1.0, gt=0)
    lora: LoRARecipe | None = None
    freeze_embeddings: bool = False
    labels: int | None = Field(None, ge=2, le=10**6)
    precision: Literal["auto", "32", "bf16", "16"] = "auto"
    machine: MachineRecipe = Field(default_factory=MachineRecipe)
    gradient_checkpointing: int = Field(0, ge=0, le=1000)
    compile: bool = False
    validate_every: int | None = Field(None, ge=1)
    checkpoints: CheckpointRecipe = Field(default_factory=CheckpointRecipe)
    early_stopping: EarlyStoppingRecipe | None = None
    monitor: MonitorRecipe = Field(default_factory=MonitorRecipe)
    seed: int = Field(0, ge=0, lt=2**31)

    @field_validator("precision", mode="before")
    @classmethod
    def _as_text(cls, precision: Any) -> Any:
        return str(precision) if isinstance(precision, int) else precision

    @field_validator("data", mode="before")
    @classmethod
    def _of_its_kind(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        from alen.training.data.recipe import DataRecipe

        try:
            return DataRecipe(**data)
        except ValidationError as error:
            wrong = bad_input(DataRecipe, error)
            raise BadInput(f"data.{wrong.field}", wrong.found, wrong.allowed, wrong.hint) from None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        lengths = {name: getattr(self, name) for name in ("steps", "epochs", "tokens", "minutes")}
        given = [name for name, value in lengths.items() if value is not None]
        if len(given) != 1:
            raise ValueError(f"one of steps, epochs, tokens and minutes, found {' and '.join(given) or 'none'}")
        if self.steps is not None and self.schedule.warm_up >= max(2, self.steps):
            raise ValueError(f"warm_up of {self.schedule.warm_up:g} steps in a run of {self.steps}")
        if self.minutes is not None and self.schedule.warm_up >= 1:
            raise ValueError("warm_up of a run in minutes is a share of it, below 1")
        if self.lora is not None and self.model.pretrained is None:
            raise ValueError("lora trains beside the weights of a pretrained model")
        if self.freeze_embeddings and (self.model.pretrained is None or self.lora is not None):
            raise ValueError("freeze_embeddings keeps those of a pretrained model, all of which lora keeps anyway")
        if self.r_drop and self.task != "classification":
            raise ValueError("r_drop compares classes of a text: task classification")
        return self

    @classmethod
    def parse(cls, values: dict[str, Any]) -> TrainingRecipe:
        """From plain values. Raises BadInput naming the key."""
        try:
            return cls(**values)
        except ValidationError as error:
            wrong = bad_input(cls, error)
            name = "recipe" if wrong.field == "config" else wrong.field
            found = "what does not go together" if name == "recipe" else wrong.found
            hint = wrong.hint.replace("configuration", "recipe")
            raise BadInput(name, found, wrong.allowed, hint) from None


def read_recipe(
    path: Path, *, size: str | None = None, steps: int | None = None, out: Path | None = None
) -> TrainingRecipe:
    """A YAML file as a recipe. ``size`` is one of ``SIZES`` and takes the place of its model, ``steps`` that of its
    length. Paths in it are as from where the command runs. Raises BadInput naming the key."""
    import yaml

    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise BadInput("recipe", f"{path} ({error.strerror})", "a YAML file", "See configs/training.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        found = f"{path}: {' '.join(str(error).split())}"
        raise BadInput("recipe", found, "a YAML file", "See configs/training.") from None
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise BadInput("recipe", f"{path}: {type(values).__name__}", "keys with values", "See configs/training.")
    if size is not None:
        values["model"] = {"preset": f"alen-{size}"}
    if steps is not None:
        values = {**values, **dict.fromkeys(("epochs", "tokens", "minutes")), "steps": steps}
    return TrainingRecipe.parse(values if out is None else {**values, "out": out})
