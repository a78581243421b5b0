"""Reads a passage for the answer to a question: a verbatim span, how likely it is, and whether there is one at all.

Axes: T tokens, V vocabulary.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Sequence
from ctypes import CDLL
from pathlib import Path

import torch

from alen.errors import BadInput, Cancelled
from alen.generation.span_search import SearchWidth, find_spans
from alen.generation.span_trees import ForkedTrees, MaskedTrees, SpanTrees
from alen.neural import lora
from alen.neural.config import TransformerConfig
from alen.neural.native import NativeDecoder, PackedWeights, why_not
from alen.neural.precision import choose_dtype
from alen.neural.transformer import Transformer
from alen.neural.weights import load_decoder, read_config
from alen.neural.weights.gguf import read_metadata as read_gguf_metadata
from alen.text.passage_window import window
from alen.text.reading_prompt import ReadingPrompt, encode_passage, encode_question
from alen.text.tokenizer import Tokenizer
from alen.types import CancelToken, Reading

ADAPTER = Path(__file__).with_name("weights") / "reader-smollm2-135m.safetensors"
"""The adapter that ships; docs/reader.md says what it was trained on."""

CACHE_TOKENS = 8192
"""Of one passage and its branches, and of what was read before and may begin alike."""

LONGEST_PASSAGE = 768
"""Tokens of a passage that are read. Of a longer one only the window that shares most words with the question is."""


class SpanReader:
    """A decoder with the reader's adapter folded in. Safe to use from many threads: one reads at a time.

    ``fingerprint`` covers base and adapter. ``adapted`` is false when the model has another shape than the adapter,
    which then is left out; such a reader works, but far less well. ``family`` is the calibration that was fitted to
    this very reader, by default its own."""

    def __init__(
        self,
        trees: SpanTrees,
        tokenizer: Tokenizer,
        *,
        name: str,
        fingerprint: str,
        adapted: bool = True,
        family: str | None = None,
        width: SearchWidth | None = None,
    ) -> None:
        if tokenizer.eos_id is None:
            raise BadInput("model", "a tokenizer without an end mark", "one with it", "Choose another model.")
        self._trees = trees
        self._tokenizer = tokenizer
        self._end = tokenizer.eos_id
        self._begin = self._end if tokenizer.bos_id is None else tokenizer.bos_id
        self._width = width or SearchWidth()
        self._lock = threading.Lock()
        self.name = name
        self.fingerprint = fingerprint
        self.adapted = adapted
        self.family = family or f"read:{fingerprint[:12]}"

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        name: str,
        fingerprint: str,
        adapter: Path | None = ADAPTER,
        family: str | None = None,
        dtype: torch.dtype | None = None,
        width: SearchWidth | None = None,
        kernels: CDLL | None = None,
        kept: Path | None = None,
    ) -> SpanReader:
        """The decoder in ``path`` (GGUF file or folder) with ``adapter`` folded in; ``fingerprint`` is the decoder's,
        ``family`` that of the adapted reader.
        ``dtype`` None takes ``kernels`` where they know the model, else bfloat16 where the processor multiplies it
        natively, else float32. Weights as kernels read them are kept in the folder ``kept``, so that the next load
        takes no time.

        Raises BadInput and CorruptWeights as ``load_decoder`` does, CorruptWeights for a broken adapter."""
        config, width = read_config(path), width or SearchWidth()
        if adapter is not None and not _fits(config, adapter):
            adapter = None
        digest = hashlib.sha256(fingerprint.encode())
        if adapter is not None:
            digest.update(adapter.read_bytes())
        trees: SpanTrees
        if dtype is None and kernels is not None and why_not(config) is None:
            file = None if kept is None else kept / f"reader-{digest.hexdigest()[:16]}.safetensors"
            weights = _packed(path, adapter, file)
            trees = ForkedTrees(
                NativeDecoder(
                    kernels,
                    config,
                    weights.matrices,
                    weights.norms,
                    threads=torch.get_num_threads(),
                    cache_tokens=CACHE_TOKENS,
                )
            )
        else:
            trees = MaskedTrees(_merged(path, adapter).to(dtype or choose_dtype("auto")), width.allowance)
        return cls(
            trees,
            Tokenizer.from_folder(path) if path.is_dir() else Tokenizer.from_gguf(read_gguf_metadata(path)),
            name=name if adapter is None else f"{name}+reader",
            fingerprint=digest.hexdigest(),
            adapted=adapter is not None,
            family=None if adapter is None else family,
            width=width,
        )

    def read(self, question: str, passages: Sequence[str], *, cancel: CancelToken | None = None) -> list[Reading]:
        """One reading a passage, in order. Raises BadInput for an empty question, Cancelled between two steps."""
        if not question.strip():
            raise BadInput("question", "empty text", "a question", "Ask something.")
        asked = encode_question(self._tokenizer, question)
        return [self._read(question, asked, text, cancel) for text in passages]

    @torch.inference_mode()
    def _read(self, question: str, asked: ReadingPrompt, text: str, cancel: CancelToken | None) -> Reading:
        passage = window(encode_passage(self._tokenizer, text), question, LONGEST_PASSAGE)
        if not text.strip():
            return Reading("", 0, 0, -30.0, -30.0, 0.0, -30.0, 0, 0)
        prompt = asked.around(self._begin, passage.ids)
        with self._lock:
            _stop_if(cancel)
            tree, logits_V = self._trees.plant(prompt)
            _stop_if(cancel)
            choices = sorted(set(passage.ids))
            chances = logits_V[torch.tensor(choices)]
            total = chances.logsumexp(0)
            starts = dict(zip(choices, (chances - total).tolist(), strict=True))
            try:
                spans = find_spans(tree, passage.ids, starts, end=self._end, width=self._width, cancel=cancel)
            finally:
                tree.end()
        best = spans[0]
        start, end = passage.characters_of(best.first, best.last)
        ranked = sorted(starts.values(), reverse=True)
        return Reading(
            text=text[start:end],
            start=start,
            end=end,
            logprob=best.logprob,
            min_logprob=best.least,
            margin=ranked[0] - ranked[1] if len(ranked) > 1 else 30.0,
            answerable=float(total - logits_V[self._end]),
            tokens=best.last - best.first,
            prompt_tokens=len(prompt),
        )


def _stop_if(cancel: CancelToken | None) -> None:
    if cancel is not None and cancel.is_set():
        raise Cancelled("Reading was stopped.")


def _fits(config: TransformerConfig, adapter: Path) -> bool:
    metadata = lora.read_metadata(adapter)
    with torch.device("meta"):
        layers = {name for name, _ in Transformer(config).named_modules()}
    return metadata["width"] == config.d_model and layers >= metadata["scales"].keys()


def _merged(path: Path, adapter: Path | None) -> Transformer:
    model = load_decoder(path).model
    if adapter is not None:
        # Folded in before rounding: one rounding loses less than two.
        lora.merge(model, adapter)
    return model


def _packed(path: Path, adapter: Path | None, file: Path | None) -> PackedWeights:
    known = None if file is None else PackedWeights.load(file)
    if known is not None:
        return known
    made = PackedWeights.of(_merged(path, adapter))
    if file is not None:
        with contextlib.suppress(OSError):  # a home that cannot be written to only costs time
            made.save(file)
    return made
