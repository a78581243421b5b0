"""POST /v1/embeddings: vectors of texts, as numbers or as bytes."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from alen.errors import BadInput, UnknownModel
from alen.serving.usage import Usage
from alen.serving.wire import EmbeddingRequest
from alen.types import Encoder, TokenCounter


def made(encoder: Encoder, request: EmbeddingRequest, usage: Usage) -> dict[str, Any]:
    """Counts tokens where the encoder can tell them; 0 where it cannot. Raises BadInput, UnknownModel."""
    if request.model not in (None, "", encoder.name):
        raise UnknownModel("model", repr(request.model), encoder.name, "GET /v1/models lists them.")
    if request.dimensions not in (None, encoder.dim):
        raise BadInput("dimensions", str(request.dimensions), str(encoder.dim), "Leave it out.")
    texts = request.texts()
    vectors_ND = encoder.encode(texts)
    usage.read = sum(encoder.count_tokens(texts)) if isinstance(encoder, TokenCounter) else 0
    rows = [
        {"object": "embedding", "index": place, "embedding": _embedding(vector_D, request.encoding_format)}
        for place, vector_D in enumerate(vectors_ND)
    ]
    told = {"prompt_tokens": usage.read, "total_tokens": usage.read}
    return {"object": "list", "model": encoder.name, "data": rows, "usage": told}


def _embedding(vector_D: np.ndarray, form: str) -> Any:
    if form == "base64":
        return base64.b64encode(np.ascontiguousarray(vector_D, dtype="<f4").tobytes()).decode()
    return [float(x) for x in vector_D]
