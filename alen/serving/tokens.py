"""POST /tokenize and /detokenize, GET /tokenizer_info: the language model's tokens, for clients that count or score."""

from __future__ import annotations

from typing import Any

from alen.language_model import LargeLanguageModel
from alen.serving.wire import DetokenizeRequest, TokenizeRequest


def of_text(model: LargeLanguageModel, request: TokenizeRequest) -> dict[str, Any]:
    """Raises BadInput when there is no text."""
    tokens = model.prompt_tokens(request.prompt)
    if not request.add_special_tokens:
        tokens = tokens[len(model.begin) :]
    return {"tokens": tokens, "count": len(tokens), "max_model_len": model.context}


def to_text(model: LargeLanguageModel, request: DetokenizeRequest) -> dict[str, str]:
    """Raises BadInput for a token that the model does not have."""
    model.check_tokens("tokens", request.tokens)
    return {"prompt": model.tokenizer.decode(request.tokens, skip_special=False)}


def info(model: LargeLanguageModel) -> dict[str, Any]:
    """The markers as texts: clients turn them into tokens with /tokenize."""
    tokenizer = model.tokenizer
    named = {"eos_token": tokenizer.eos_id, "bos_token": tokenizer.bos_id, "pad_token": None}
    told: dict[str, Any] = {
        name: None if token is None else tokenizer.decode([token], skip_special=False) for name, token in named.items()
    }
    return told | {"chat_template": tokenizer.chat_template}
