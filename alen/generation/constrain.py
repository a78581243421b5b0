"""Texts held to a form: of a JSON schema, which tokens may come next. The work is llguidance's.

Axes: V vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from alen.errors import BadInput, WorkError

_ANY: dict[str, Any] = {"type": "object"}


class Forms:
    """Over the tokens of one tokenizer. ``tokenizer`` is the text of its tokenizer.json, ``end_tokens`` what a model
    ends a text with, ``words`` the size of the model's vocabulary. Made once: it takes most of a second."""

    def __init__(self, tokenizer: str, end_tokens: Sequence[int], words: int) -> None:
        try:
            import llguidance
        except ImportError:
            raise WorkError("JSON of a schema needs llguidance.", "Install it: pip install 'alen[serve]'.") from None
        self._library, self._words = llguidance, words
        self._tokens = llguidance.LLTokenizer(tokenizer, n_vocab=words, eos_token=list(end_tokens))

    def json(self, schema: str | Mapping[str, Any]) -> HeldToForm:
        """Of a JSON schema, as text or as a dict; an empty one is any JSON object. Raises BadInput."""
        try:
            form = json.loads(schema) if isinstance(schema, str) else dict(schema)
            if not isinstance(form, dict):
                raise BadInput("json_schema", type(form).__name__, "a JSON schema, which is an object", "Correct it.")
            text = json.dumps(form or _ANY, allow_nan=False)
            grammar = self._library.LLMatcher.grammar_from_json_schema(text, overrides={"whitespace_flexible": False})
        except (TypeError, ValueError, RecursionError) as error:
            raise BadInput("json_schema", str(error), "a JSON schema", "Correct it.") from None
        matcher = self._library.LLMatcher(self._tokens, grammar)
        if matcher.is_error():
            raise BadInput("json_schema", matcher.get_error(), "a JSON schema that can be followed", "Simplify it.")
        return HeldToForm(matcher, self._words)


class HeldToForm:
    """One text on its way through a form."""

    def __init__(self, matcher: Any, words: int) -> None:
        self._matcher, self._words = matcher, words
        self._bits = np.zeros(-(-words // 32), dtype=np.int32)

    def allowed(self) -> Tensor:
        """bool (V,): what may come next. An end token may where the form is complete."""
        self._matcher.unsafe_compute_mask_ptr(self._bits.ctypes.data, self._bits.nbytes)
        bits = np.unpackbits(self._bits.view(np.uint8), bitorder="little")[: self._words]
        return torch.from_numpy(bits.view(np.bool_))

    def took(self, token: int) -> None:
        self._matcher.consume_token(token)
