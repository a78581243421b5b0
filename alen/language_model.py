"""LargeLanguageModel: text in, text out, over one local transformer.

Axes: B batch (1 here), T tokens, D model, V vocabulary.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from alen import models, paths
from alen.errors import BadInput, Cancelled
from alen.generation.config import GenerationConfig
from alen.generation.decode import PREFILL_CHUNK
from alen.generation.text_generator import TextGenerator, TextStream
from alen.neural.cache import KVCache
from alen.neural.host_memory import give_back, keep_freed
from alen.neural.packing import pack_for_decoding
from alen.neural.precision import Precision, choose_dtype
from alen.neural.weights import LoadedModel, load_decoder
from alen.text import chat_template
from alen.text.tokenizer import Tokenizer
from alen.types import CancelToken, Completion, Messages


class LargeLanguageModel:
    """A causal language model with its tokenizer. Safe to use from many threads: each request has its own cache, and
    the weights compute for one request at a time, a token of this one, then a token of that."""

    def __init__(self, loaded: LoadedModel, tokenizer: Tokenizer, *, name: str, fingerprint: str) -> None:
        self.model = loaded.model.eval()
        self.dtype = loaded.model.embedding.weight.dtype
        self.tokenizer = tokenizer
        self.name = name
        self.fingerprint = fingerprint
        self.lock = threading.RLock()
        self.parameters = sum(tensor.numel() for tensor in loaded.model.parameters())
        self._begin = _begin(loaded, tokenizer)
        self._generator = TextGenerator(self.model, end_tokens=tokenizer.eos_ids, lock=self.lock)

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path = "smollm2-135m-instruct",
        home: str | Path | None = None,
        dtype: Precision = "auto",
    ) -> LargeLanguageModel:
        """Load an installed model by name, a GGUF file, a Hugging Face style folder or an ALEN folder.

        ``dtype`` float32 computes everything in float32. bfloat16 multiplies prompts in bfloat16 and single tokens
        with float16 weights, and keeps all states in float32; auto takes it where the processor multiplies bfloat16
        natively. Raises UnknownModel, ModelNotInstalled, CorruptWeights, BadInput when it is an encoder."""
        keep_freed()
        files = models.locate(name_or_path, paths.home(home))
        if files.kind != "decoder":
            raise BadInput("model", f"{files.name}, an {files.kind}", "a decoder", "For example smollm2-135m-instruct.")
        precision = choose_dtype(dtype)
        loaded = load_decoder(files.path)
        is_folder = files.path.is_dir()
        tokenizer = Tokenizer.from_folder(files.path) if is_folder else Tokenizer.from_gguf(loaded.metadata)
        made = cls(loaded, tokenizer, name=files.name, fingerprint=files.fingerprint)
        if precision == torch.bfloat16:
            made.dtype = precision
            pack_for_decoding(loaded.model, precision)
        give_back()
        return made

    @property
    def context(self) -> int:
        """Tokens that prompt and answer may have together."""
        return self.model.config.max_seq_len

    def generate(
        self,
        prompt: str,
        max_tokens: int | None = None,
        temperature: float | None = None,
        *,
        cancel: CancelToken | None = None,
        **fields: Any,
    ) -> str:
        """The text that follows ``prompt``; ``fields`` are those of GenerationConfig."""
        return self.complete(prompt, cancel=cancel, max_tokens=max_tokens, temperature=temperature, **fields).text

    def complete(
        self,
        prompt: str,
        config: GenerationConfig | None = None,
        *,
        cancel: CancelToken | None = None,
        **fields: Any,
    ) -> Completion:
        """The continuation of ``prompt`` with its tokens, log-probabilities and reason to end. A cancel keeps the text
        so far. Raises BadInput when the prompt is empty or too long, or when a field is wrong."""
        return self.stream(prompt, config, cancel=cancel, **fields).read()

    def stream(
        self,
        prompt: str,
        config: GenerationConfig | None = None,
        *,
        cancel: CancelToken | None = None,
        **fields: Any,
    ) -> TextStream:
        """``complete``, piece by piece: whole characters, never a part of a stop string."""
        return self._stream([*self._begin, *self._encode("prompt", prompt)], _request(config, fields), cancel)

    def chat(
        self,
        messages: Messages,
        config: GenerationConfig | None = None,
        *,
        cancel: CancelToken | None = None,
        **fields: Any,
    ) -> Completion:
        """The assistant's next turn after ``messages`` (each with ``role`` and ``content``)."""
        return self.chat_stream(messages, config, cancel=cancel, **fields).read()

    def chat_stream(
        self,
        messages: Messages,
        config: GenerationConfig | None = None,
        *,
        cancel: CancelToken | None = None,
        **fields: Any,
    ) -> TextStream:
        """``chat``, piece by piece."""
        return self._stream(self.tokenizer.encode(self.chat_prompt(messages)), _request(config, fields), cancel)

    def chat_prompt(self, messages: Messages) -> str:
        """The text the model sees for a conversation. Markers such as ``<|im_end|>`` inside a message are broken up, so
        that a message cannot end its own turn. Raises BadInput when the model has no chat template."""
        template = self.tokenizer.chat_template
        if template is None:
            raise BadInput("model", f"{self.name}, which has no chat template", "a chat model", "Use generate.")
        return chat_template.render(
            [chat_template.without_markers(message) for message in messages],
            template,
            bos_token=self._text_of(self.tokenizer.bos_id),
            eos_token=self._text_of(self.tokenizer.eos_id),
        )

    def score(
        self, prompt: str, continuations: Sequence[str], *, cancel: CancelToken | None = None
    ) -> list[tuple[float, int]]:
        """For each continuation the natural log of its probability after ``prompt``, and its number of tokens.

        Prompt and continuation are tokenised apart, so the prompt is read once and every continuation is compared on
        the same tokens: begin a continuation with the space that separates it. Raises BadInput, Cancelled."""
        prompt_ids = [*self._begin, *self._encode("prompt", prompt)]
        return [(sum(scores), len(scores)) for scores in self.token_scores(prompt_ids, continuations, cancel=cancel)]

    def token_scores(
        self, prompt_ids: Sequence[int], continuations: Sequence[str], *, cancel: CancelToken | None = None
    ) -> list[tuple[float, ...]]:
        """As ``score``, of every token, after a prompt that is tokens already."""
        rows = [self._encode(f"continuations[{place}]", text) for place, text in enumerate(continuations)]
        longest = len(prompt_ids) + max(map(len, rows), default=0)
        if longest > self.context:
            raise BadInput("prompt", f"{longest:,} tokens", f"at most {self.context:,} in all", "Shorten it.")
        dtype = self.model.embedding.weight.dtype
        cache = KVCache.allocate(self.model.config, 1, longest, dtype)
        last_D = self._hidden(prompt_ids, cache, cancel)[-1]
        scores = []
        for row in rows:
            states_TD = last_D[None]
            if len(row) > 1:
                states_TD = torch.cat([states_TD, self._hidden(row[:-1], cache, cancel)])
                cache.truncate(len(prompt_ids))
            scores.append(self._log_probabilities(states_TD, row))
        return scores

    def info(self) -> dict[str, Any]:
        """Name, size and shape."""
        config = self.model.config
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "parameters": {"total": self.parameters},
            "dtype": str(self.dtype).removeprefix("torch."),
            "context": self.context,
            "vocabulary": config.vocab_size,
            "layers": config.num_layers,
            "width": config.d_model,
            "chat": self.tokenizer.chat_template is not None,
        }

    def _stream(self, ids: list[int], config: GenerationConfig, cancel: CancelToken | None) -> TextStream:
        return self._generator.stream(ids, self.tokenizer.detokenizer(), config, cancel=cancel)

    def _encode(self, field: str, text: str) -> list[int]:
        ids = self.tokenizer.encode(text) if isinstance(text, str) else []
        if not ids:
            raise BadInput(field, repr(text), "a text that is not empty", "Write at least one character.")
        return ids

    def _text_of(self, token: int | None) -> str:
        return "" if token is None else self.tokenizer.decode([token], skip_special=False)

    @torch.inference_mode()
    def _hidden(self, ids: Sequence[int], cache: KVCache, cancel: CancelToken | None) -> Tensor:
        parts = []
        for start in range(0, len(ids), PREFILL_CHUNK):
            if cancel is not None and cancel.is_set():
                raise Cancelled("Scoring was stopped.")
            with self.lock:
                tokens_BT = torch.tensor([list(ids[start : start + PREFILL_CHUNK])])
                parts.append(self.model.hidden(tokens_BT, cache=cache)[0])
        return torch.cat(parts)

    @torch.inference_mode()
    def _log_probabilities(self, states_TD: Tensor, row: Sequence[int]) -> tuple[float, ...]:
        found = []
        for state_D, token in zip(states_TD, row, strict=True):
            # One row at a time: many rows may be multiplied in bfloat16, too coarse for differences of logits.
            with self.lock:
                logits_V = self.model.logits(state_D[None, None])[0, 0].float()
            found.append(float(logits_V[token] - logits_V.logsumexp(-1)))
        return tuple(found)


def _request(config: GenerationConfig | None, fields: dict[str, Any]) -> GenerationConfig:
    given = {name: value for name, value in fields.items() if value is not None}
    if config is not None and given:
        raise BadInput(
            "config",
            f"a config beside {', '.join(sorted(given))}",
            "one or the other",
            "Put all fields into the config.",
        )
    unknown = sorted(given.keys() - set(GenerationConfig.__dataclass_fields__))
    if unknown:
        raise BadInput(
            unknown[0],
            "an unknown field",
            ", ".join(sorted(GenerationConfig.__dataclass_fields__)),
            "Correct its name.",
        )
    return config if config is not None else GenerationConfig(**given)


def _begin(loaded: LoadedModel, tokenizer: Tokenizer) -> tuple[int, ...]:
    """The tokens a plain prompt starts with, for models that were trained so."""
    wanted = loaded.metadata.get("tokenizer.ggml.add_bos_token", False)
    return (tokenizer.bos_id,) if wanted and tokenizer.bos_id is not None else ()
