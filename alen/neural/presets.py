"""Shapes by name, from ``presets.yaml``. A preset is a plain configuration: weights come from a file or from
training."""

from __future__ import annotations

from typing import Any

from alen.neural.config import TransformerConfig
from alen.neural.named import BertConfig, GPT2Config, L1Config, LargeModelConfig
from alen.neural.preset_file import entries, entry

_FORMS: dict[str, type[LargeModelConfig] | type[L1Config] | type[GPT2Config] | type[BertConfig]] = {
    "large": LargeModelConfig,
    "l1": L1Config,
    "gpt2": GPT2Config,
    "bert": BertConfig,
}


def names() -> tuple[str, ...]:
    return tuple(entries())


def source_of(name: str) -> tuple[str, str]:
    """Where the shape is from, and the number of parameters stated there. Raises BadInput."""
    found = entry(name)
    return found["source"], str(found["stated"])


def preset(name: str, **changes: Any) -> TransformerConfig:
    """The configuration of that name, with top-level fields replaced by ``changes``. Raises BadInput."""
    found = entry(name)
    form = _FORMS.get(found["as"])
    data = found["shape"] if form is None else form.parse(found["shape"]).transformer().model_dump()
    return TransformerConfig.parse({**data, **changes})
