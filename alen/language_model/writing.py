"""Text in, text out: prompts and chats continued and scored over whatever steps the model.

Axes: B batch (1 here), T tokens, V vocabulary.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from alen.errors import BadInput, TooLong
from alen.generation.batching import Batcher
from alen.generation.choosing import Constraint
from alen.generation.config import GenerationConfig
from alen.generation.constrain import Forms
from alen.generation.hybrid import Mixer
from alen.generation.scoring import Told, of_prompt, scores
from alen.generation.text_generator import TextGenerator, TextStream
from alen.neural.config import TransformerConfig
from alen.text import chat_template
from alen.text.tokenizer import Tokenizer
from alen.types import CancelToken, Completion, Messages


class Writing:
    """What a language model does with the weights it has."""

    name: str
    config: TransformerConfig
    tokenizer: Tokenizer
    begin: tuple[int, ...]
    """The tokens that a plain prompt begins with."""

    lock: threading.RLock
    _generator: TextGenerator
    _forms: Forms | None

    @property
    def context(self) -> int:
        """Tokens that prompt and answer may have together."""
        return self.config.max_seq_len

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
        recalled: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> Completion:
        """The continuation of ``prompt`` with its tokens, log-probabilities and reason to end. ``recalled`` are texts,
        by name, that it may quote: they change nothing but the time. A cancel keeps the text so far. Raises BadInput
        when the prompt is empty or too long, or when a field is wrong."""
        return self.stream(prompt, config, cancel=cancel, recalled=recalled, **fields).read()

    def stream(
        self,
        prompt: str,
        config: GenerationConfig | None = None,
        *,
        cancel: CancelToken | None = None,
        recalled: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> TextStream:
        """``complete``, piece by piece: whole characters, never a part of a stop string."""
        return self._stream(self.prompt_tokens(prompt), _request(config, fields), cancel, recalled)

    def continued(self, rows: Sequence[Sequence[int]], config: GenerationConfig) -> list[list[int]]:
        """New tokens for each row of tokens, each as it would be alone."""
        return self._generator.generate_batch(rows, config)

    def chat(
        self,
        messages: Messages,
        config: GenerationConfig | None = None,
        *,
        cancel: CancelToken | None = None,
        recalled: Mapping[str, str] | None = None,
        mixer: Mixer | None = None,
        **fields: Any,
    ) -> Completion:
        """The assistant's next turn after ``messages`` (each with ``role`` and ``content``). A ``mixer`` has its say in
        every token: see ``alen.hybrid_writer``."""
        return self.chat_stream(messages, config, cancel=cancel, recalled=recalled, mixer=mixer, **fields).read()

    def chat_stream(
        self,
        messages: Messages,
        config: GenerationConfig | None = None,
        *,
        cancel: CancelToken | None = None,
        recalled: Mapping[str, str] | None = None,
        mixer: Mixer | None = None,
        **fields: Any,
    ) -> TextStream:
        """``chat``, piece by piece."""
        prompt = self.tokenizer.encode(self.chat_prompt(messages))
        return self._stream(prompt, _request(config, fields), cancel, recalled, mixer)

    def prompt_tokens(self, prompt: str) -> list[int]:
        """The tokens of a plain prompt, with the one it begins with. Raises BadInput when it is empty."""
        return [*self.begin, *self._encode("prompt", prompt)]

    def check_tokens(self, field: str, tokens: Sequence[int]) -> None:
        """Raises BadInput for a token that the model does not have."""
        most = self.config.vocab_size - 1
        if unknown := [token for token in tokens if not 0 <= token <= most]:
            raise BadInput(field, f"token {unknown[0]}", f"0 to {most}", "Make tokens with this model's tokenizer.")

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
        prompt_ids = [*self.begin, *self._encode("prompt", prompt)]
        return [(sum(scores), len(scores)) for scores in self.token_scores(prompt_ids, continuations, cancel=cancel)]

    def token_scores(
        self, prompt_ids: Sequence[int], continuations: Sequence[str], *, cancel: CancelToken | None = None
    ) -> list[tuple[float, ...]]:
        """As ``score``, of every token, after a prompt that is tokens already. All continuations are read together."""
        rows = [self._encode(f"continuations[{place}]", text) for place, text in enumerate(continuations)]
        longest = len(prompt_ids) + max(map(len, rows), default=0)
        if longest > self.context:
            raise TooLong("prompt", f"{longest:,} tokens", f"at most {self.context:,} in all", "Shorten it.")
        return self._generator.batch.between(lambda stepper: scores(stepper, prompt_ids, rows, cancel=cancel))

    def prompt_logprobs(
        self, tokens: Sequence[int], alternatives: int = 0, *, cancel: CancelToken | None = None
    ) -> list[Told]:
        """How likely each token of a text is after those before it, with the likeliest in its place. Raises BadInput
        when it is empty or too long, Cancelled."""
        if not tokens:
            raise BadInput("prompt", "no tokens", "at least one token", "Write something.")
        if len(tokens) > self.context:
            raise TooLong("prompt", f"{len(tokens):,} tokens", f"at most {self.context:,}", "Shorten it.")
        return self.batch.between(lambda stepper: of_prompt(stepper, tokens, alternatives, cancel))

    @property
    def batch(self) -> Batcher:
        """What all requests of this model go through."""
        return self._generator.batch

    def constraint(self, config: GenerationConfig) -> Constraint | None:
        """The form that a request holds its text to. Raises BadInput for a schema that cannot be followed."""
        if config.json_schema is None:
            return None
        with self.lock:
            if self._forms is None:
                self._forms = Forms(self.tokenizer.to_json(), self.tokenizer.eos_ids, self.config.vocab_size)
        return self._forms.json(config.json_schema)

    def _stream(
        self,
        ids: list[int],
        config: GenerationConfig,
        cancel: CancelToken | None,
        recalled: Mapping[str, str] | None,
        mixer: Mixer | None = None,
    ) -> TextStream:
        return self._generator.stream(
            ids,
            self.tokenizer.detokenizer(),
            config,
            cancel=cancel,
            constraint=self.constraint(config),
            recalled={name: self.tokenizer.encode(text) for name, text in (recalled or {}).items()},
            mixer=mixer,
        )

    def _encode(self, field: str, text: str) -> list[int]:
        ids = self.tokenizer.encode(text) if isinstance(text, str) else []
        if not ids:
            raise BadInput(field, repr(text), "a text that is not empty", "Write at least one character.")
        return ids

    def _text_of(self, token: int | None) -> str:
        return "" if token is None else self.tokenizer.decode([token], skip_special=False)


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
