"""From a validation error to a message that names the field, what was found, what is allowed and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from alen.errors import BadInput


def bad_input(model: type[BaseModel], error: ValidationError) -> BadInput:
    """The first thing that is wrong with the data of a ``model``."""
    # An unknown name first: a field that is missing may be there under it.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    path = [str(part) for part in first["loc"]]
    name = ".".join(path) or "config"
    if first["type"] != "extra_forbidden":
        return BadInput(name, repr(first.get("input")), first["msg"], "Correct the configuration.")
    known = list(_at(model, path[:-1]).model_fields)
    near = difflib.get_close_matches(path[-1], known, n=1)
    hint = f"Did you mean {near[0]}?" if near else "Leave it out."
    return BadInput(name, repr(first.get("input")), f"not permitted; known are {', '.join(known)}", hint)


def _at(model: type[BaseModel], path: Sequence[str]) -> type[BaseModel]:
    """The part of a model's data that ``path`` leads to; the last model on the way where it leads to no model."""
    for name in path:
        field = model.model_fields.get(name)
        for kind in _kinds(field.annotation if field else None):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                model = kind
    return model


def _kinds(annotation: Any) -> tuple[Any, ...]:
    return getattr(annotation, "__args__", (annotation,))
