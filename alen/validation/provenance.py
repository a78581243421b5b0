"""What answers depend on besides the data: models, calibration and settings, as names and fingerprints."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import alen
from alen.errors import AlenError
from alen.text.strict_json import json_line

if TYPE_CHECKING:
    from alen.engine import Engine
    from alen.settings import Settings


def provenance(engine: object) -> dict[str, str]:
    """Of an Engine everything that changes its answers, except what its memory holds; of anything else its type."""
    from alen.engine import Engine, asking

    if not isinstance(engine, Engine):
        own = getattr(engine, "provenance", None)
        if own is not None:
            return dict(own())
        return {"alen": alen.__version__, "model": type(engine).__name__}
    settings, policy = engine.settings, asking.policy(engine)
    rule = f"answers from {policy.threshold:g}" + ("" if policy.risk is None else f", wrong at most {policy.risk:g}")
    return {
        "alen": alen.__version__,
        "model": f"{settings.model} {_fingerprint(settings)}".rstrip(),
        "encoder": engine.encoder.fingerprint,
        "calibration": _calibration(engine),
        "settings": f"effort {settings.effort}, {rule}",
        "namespace": settings.namespace,
    }


def digest(value: Any) -> str:
    """Sixteen hexadecimal digits that change when the value does."""
    return hashlib.sha256(json_line(value).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _calibration(engine: Engine) -> str:
    belief = engine.belief()
    fitted_on = str(belief.provenance.get("fitted_on", "")).strip()
    return f"{fitted_on} {digest(belief.to_json())}".lstrip()


def _fingerprint(settings: Settings) -> str:
    from alen import models

    try:
        return models.locate(settings.model, settings.home).fingerprint
    except AlenError:  # not a model of files; its name has to do
        return ""
