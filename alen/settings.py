"""Settings, resolved once: argument, then environment (``ALEN_…``), then ``config.toml`` in the home, then default."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from alen import paths
from alen.errors import BadInput
from alen.types import Effort, IndexName

ENVIRONMENT_PREFIX = "ALEN_"


Cost = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class Costs(BaseModel):
    """What a right answer gains, and what a wrong one and none at all cost, in one unit. In the environment it is a
    text such as ``right=1,wrong=4,abstain=0.5``, in config.toml also a table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    right: Cost
    wrong: Cost
    abstain: Cost

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        pairs = [(name.strip(), value) for name, _, value in (part.partition("=") for part in given.split(","))]
        if sorted(name for name, _ in pairs) != sorted(cls.model_fields):
            raise ValueError("right, wrong and abstain, once each: right=1,wrong=4,abstain=0.5")
        return dict(pairs)

    @model_validator(mode="after")
    def _abstaining_can_pay(self) -> Costs:
        if not self.wrong > self.abstain:
            raise ValueError("a wrong answer that costs more than to abstain: else it never pays to abstain")
        return self


class Settings(BaseModel):
    """What a user can set. Each field is also an environment variable ``ALEN_<FIELD>`` and a line of config.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    home: Path
    """Folder of models, memory and indexes."""
    store: str
    """SQLAlchemy URL of the memory."""
    namespace: str = Field("default", min_length=1, max_length=200)
    """Which part of the memory to use."""
    model: str = "smollm2-135m-instruct"
    """Language model: a name, a GGUF file, a Hugging Face style folder, or the URL of an OpenAI-compatible server:
    http://HOST:PORT/v1#MODEL."""
    url: str | None = None
    """A running server of ALEN that does the work in place of this process: http://HOST:PORT."""
    api_key: SecretStr | None = None
    """Key of the server of ALEN where there is a ``url``, else of the model's; sent to no other."""
    verifier: str | None = None
    """A second model, of another family, that checks what the first one says; named as ``model`` is."""
    verifier_api_key: SecretStr | None = None
    """Key of the verifier's server."""
    encoder: str = "all-minilm-l6-v2"
    """Sentence encoder: a name or a Hugging Face style folder."""
    effort: Effort = "balanced"
    """How much work to spend on an answer."""
    index: IndexName = "local"
    """Where vectors are searched: "local" in files of this machine, "pgvector" in the PostgreSQL of the store."""
    faiss_gpu: Literal["auto", "off"] = "auto"
    """Whether a GPU searches local files, where FAISS can use one."""
    answer_threshold: float = Field(0.5, ge=0.0, le=1.0)
    """Answer when the probability of being right reaches this."""
    risk: float | None = Field(None, gt=0.0, lt=1.0)
    """Highest share of wrong answers that is acceptable: then only what a certificate covers is answered."""
    costs: Costs | None = None
    """What answers gain and cost: then what is answered is what costs less, on average, than to abstain."""
    ask_back: bool = False
    """Whether calibration with all effort also tries the checks that ask a model about what it wrote; those it finds of
    use are asked from then on."""
    threads: int = Field(0, ge=0)
    """CPU threads of the model; 0 leaves the choice to torch."""

    @field_validator("url")
    @classmethod
    def _empty_is_none(cls, given: str | None) -> str | None:
        """So that an argument or the environment can say that no server is meant."""
        return given or None

    @model_validator(mode="after")
    def _one_rule_to_answer(self) -> Settings:
        other = "risk" if self.risk is not None else "answer_threshold"
        if self.costs is not None and (self.risk is not None or other in self.model_fields_set):
            # Not a ValueError: pydantic would tell it with all that was set, keys among it.
            raise BadInput("costs", f"costs and {other}", "one of them", "Each says alone when to answer: unset one.")
        return self


def load(**arguments: Any) -> Settings:
    """Resolve settings. ``None`` arguments count as not given. Raises BadInput naming the field and its source."""
    import os

    given = {key: value for key, value in arguments.items() if value is not None}
    home_folder = paths.home(given.pop("home", None))
    values: dict[str, Any] = {"home": home_folder, "store": paths.default_store(home_folder)}
    values |= _from_file(paths.config_file(home_folder))
    for name in Settings.model_fields:
        text = os.environ.get(ENVIRONMENT_PREFIX + name.upper())
        if text is not None and name != "home":
            values[name] = text
    values |= given
    try:
        return Settings(**values)
    except ValidationError as error:
        raise _as_bad_input(error) from None


def _from_file(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadInput(
            str(file), str(error), "a TOML file of settings", "Correct the file or delete it to use the defaults."
        ) from None


def _as_bad_input(error: ValidationError) -> BadInput:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"]) or "settings"
    unknown = first["type"] == "extra_forbidden"
    elsewhere = unknown and len(first["loc"]) == 1
    allowed = ", ".join(sorted(Settings.model_fields)) if elsewhere else first["msg"].removeprefix("Value error, ")
    # A key must not be shown, and under a mistyped name it could be anything.
    found = "a value that is not shown" if unknown or name.endswith("api_key") else repr(first.get("input"))
    return BadInput(name, found, allowed, "See `alen where` for the config file in use.")
