"""LargeLanguageModel: text in, text out, and text learnt.

Axes: B batch (1 here), T tokens, D model, V vocabulary.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from alen import models, paths
from alen.errors import BadInput
from alen.generation.constrain import Forms
from alen.generation.loading import Machine, Rounding, load, remade
from alen.generation.stepper import CausalModel, Stepper, TorchStepper
from alen.generation.text_generator import TextGenerator
from alen.language_model.fresh import Shape, fresh
from alen.language_model.known import Known
from alen.language_model.learner import Learner, Pair, Progress, Source
from alen.language_model.saving import LEARNING, export, save
from alen.language_model.stats import ModelStats, bytes_of
from alen.language_model.vectors import embeddings
from alen.language_model.writing import Writing
from alen.learning.report import LearningReport
from alen.neural.describe import describe
from alen.neural.host_memory import give_back, keep_freed
from alen.neural.named import LargeModelConfig, ModelSize
from alen.neural.native import compiled
from alen.neural.transformer import Transformer
from alen.neural.weights import LoadedModel, load_decoder
from alen.neural.weights.lazy import LazyModel
from alen.text.tokenizer import Tokenizer
from alen.types import CancelToken


class LargeLanguageModel(Writing):
    """A causal language model with its tokenizer. Safe to use from many threads: each request has its own cache, and
    the weights compute for one request at a time, a token of this one, then a token of that."""

    def __init__(self, config: Shape | None = None, *, seed: int = 0) -> None:
        """A model that knows nothing: random weights, and a vocabulary of bytes that grows as it learns, up to the
        ``vocab_size`` of ``config`` (ALEN small when none is given). Raises BadInput for an encoder."""
        made = fresh(config, seed)
        self._take(made.loaded, made.vocabulary.tokenizer, name=made.name, fingerprint=made.fingerprint)
        self._learner = Learner(self, made.vocabulary)
        self.use(None)

    @classmethod
    def with_size(cls, size: ModelSize, *, seed: int = 0) -> Self:
        """A model of ALEN's own that knows nothing, for example ``ModelSize.SMALL``."""
        return cls(LargeModelConfig.with_size(size), seed=seed)

    @classmethod
    def of(
        cls,
        loaded: LoadedModel | LazyModel,
        tokenizer: Tokenizer,
        *,
        name: str,
        fingerprint: str,
        stepper: Stepper | None = None,
        format: str = "float32",
        source: Source | None = None,
    ) -> Self:
        """A model that was loaded. ``stepper`` computes in place of the model itself, with weights in ``format``. What
        came without a ``source`` learns in the weights it has."""
        made = cls.__new__(cls)
        made._take(loaded, tokenizer, name=name, fingerprint=fingerprint, format=format)
        made._learner = Learner.of(made, loaded.metadata.get(LEARNING), source)
        made.use(stepper)
        return made

    def _take(
        self,
        loaded: LoadedModel | LazyModel,
        tokenizer: Tokenizer,
        *,
        name: str,
        fingerprint: str,
        format: str = "float32",
    ) -> None:
        self._loaded = loaded
        self.config = loaded.config
        self.format = format
        self.tokenizer = tokenizer
        self.name = name
        self.fingerprint = fingerprint
        self.lock = threading.RLock()
        self.parameters = int(describe(loaded.config)["parameters"]["total"])
        self.begin = _begin(loaded, tokenizer)
        """The tokens that a plain prompt begins with."""
        self._forms: Forms | None = None

    def use(self, stepper: Stepper | None) -> None:
        """Write with ``stepper`` from now on, or with the model itself. What is being written goes on as it began."""
        words = self.tokenizer.vocab_size
        computes: Stepper | CausalModel
        if stepper is not None:
            computes = stepper
        else:
            computes = self.model if words >= self.config.vocab_size else Known(self.model, words)
        self._generator = TextGenerator(computes, end_tokens=self.tokenizer.eos_ids, lock=self.lock)
        self._forms = None

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path = "smollm2-135m-instruct",
        home: str | Path | None = None,
        dtype: Rounding = "auto",
        on: Machine = "auto",
    ) -> Self:
        """Load an installed model by name, a GGUF file, a Hugging Face style folder or an ALEN folder.

        A GPU computes where there is one, unless it is to be ``on`` the processor.

        ``dtype`` float32 computes everything in float32. On a GPU all else is bfloat16, and int8 and float8 round the
        weights of layers to a byte. On a processor bfloat16 multiplies prompts in bfloat16 and single tokens with
        float16 weights, and keeps all states in float32; auto takes the kernels of ``alen.neural.native`` where they
        were compiled and know the model, with the weights of a GGUF file as they are and others as bytes; else bfloat16
        where the processor multiplies it natively. Raises UnknownModel, ModelNotInstalled, CorruptWeights, BadInput
        when it is an encoder, and for int8 and float8 without a GPU."""
        keep_freed()
        root = paths.home(home)
        files = models.locate(name_or_path, root)
        if files.kind != "decoder":
            raise BadInput("model", f"{files.name}, an {files.kind}", "a decoder", "For example smollm2-135m-instruct.")
        loaded, stepper, format = load(files.path, dtype, compiled(paths.kernels_folder(root)), on)
        source = Source(
            load=lambda: load_decoder(files.path).model,
            remade=lambda model, first: remade(files.path, stepper, model, first),
            own=paths.own_texts_folder(root) / f"{files.fingerprint[:16]}.npy",
        )
        is_folder = files.path.is_dir()
        tokenizer = Tokenizer.from_folder(files.path) if is_folder else Tokenizer.from_gguf(loaded.metadata)
        names = {"name": files.name, "fingerprint": files.fingerprint}
        made = cls.of(loaded, tokenizer, **names, stepper=stepper, format=format, source=source)
        give_back()
        return made

    def changed(self, model: Transformer, stepper: Stepper | None, fingerprint: str) -> None:
        """Write with other weights from now on."""
        with self.lock:
            self._loaded = LoadedModel(model, model.config, self._loaded.metadata)
            self.format = str(getattr(stepper, "format", "float32"))
            self.fingerprint = fingerprint
            self.use(stepper)

    @property
    def writes_itself(self) -> bool:
        """Whether ``model`` computes what is written, in float32."""
        return self.format == "float32" and isinstance(self._generator.stepper, TorchStepper)

    @property
    def model(self) -> Transformer:
        """The model in torch. Where kernels compute, it is loaded when it is first asked for."""
        return self._loaded.model.eval()

    def learn(
        self,
        text: str,
        *,
        passes: int | None = None,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> LearningReport:
        """Take a text into the weights, beside some of what was learnt before: ``passes`` times, by default as often as
        it takes for a hundred updates, and at least three times. A cancel keeps what was learnt so far. Raises
        BadInput, WorkError."""
        return self._learner.text(text, passes, progress, cancel)

    def learn_qa(
        self,
        question: str | Iterable[Pair],
        answer: str | None = None,
        *,
        passes: int | None = None,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> LearningReport:
        """``learn`` for a question and its answer, or for many such pairs at once: that answers follow their questions.
        The questions themselves are not learnt."""
        return self._learner.pairs(_pairs(question, answer), passes, progress, cancel)

    def train_on_sequence(self, text: str, *, cancel: CancelToken | None = None) -> LearningReport:
        """``learn`` in one pass: each token is predicted from those before it as they are in ``text`` (teacher
        forcing), one update of the weights for every thousand or so."""
        return self._learner.text(text, 1, None, cancel)

    def stats(self) -> ModelStats:
        """How large it is and what it has seen."""
        return ModelStats(
            parameters=self.parameters,
            vocab_size=self.tokenizer.vocab_size,
            max_vocab_size=self.config.vocab_size,
            tokens_seen=self._learner.tokens_seen,
            memory_bytes=bytes_of(self._generator.stepper, self._loaded),
            layers=self.config.num_layers,
            width=self.config.d_model,
            context=self.context,
        )

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """The means of the last hidden states of each text, float32 unit vectors (n, width). What is too long is cut.
        For search take a ``SentenceEncoder``, which was trained for it. Raises BadInput for an empty text."""
        return embeddings(self.model, self._rows(texts), self.lock)

    def save(self, folder: str | Path) -> None:
        """An ALEN folder, from which ``load`` goes on learning. Raises BadInput when something else is there."""
        with self.lock:
            save(self.model, self.tokenizer, Path(folder), self._learner.to_json())

    @classmethod
    def load(cls, folder: str | Path, home: str | Path | None = None) -> Self:
        """What ``save`` wrote. Raises UnknownModel, CorruptWeights."""
        return cls.from_pretrained(Path(folder), home)

    def export(self, folder: str | Path) -> None:
        """A folder that ``transformers`` loads, with what was learnt in its weights. Raises BadInput when no
        architecture there has the options of this one, or when the folder is not empty."""
        with self.lock:
            export(self.model, self.tokenizer, Path(folder))

    def info(self) -> dict[str, Any]:
        """Name, size and shape."""
        config = self.config
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "parameters": {"total": self.parameters},
            "dtype": self.format,
            "context": self.context,
            "vocabulary": config.vocab_size,
            "layers": config.num_layers,
            "width": config.d_model,
            "chat": self.tokenizer.chat_template is not None,
        }

    def _rows(self, texts: Sequence[str]) -> list[list[int]]:
        rows = [[*self.begin, *self._encode(f"texts[{place}]", text)] for place, text in enumerate(texts)]
        return [row[: self.context] for row in rows]


def _pairs(question: str | Iterable[Pair], answer: str | None) -> list[Pair]:
    if isinstance(question, str):
        if answer is None:
            raise BadInput("answer", "nothing", "a text", "Give learn_qa a question and its answer, or pairs.")
        return [(question, answer)]
    if answer is not None:
        raise BadInput("answer", repr(answer), "nothing beside pairs", "Put the answers into the pairs.")
    pairs = [tuple(pair) for pair in question]
    if not pairs or any(len(pair) != 2 for pair in pairs):
        found = "no pair" if not pairs else "something that is not a pair"
        raise BadInput("question", found, "pairs of a question and its answer", "Give at least one pair.")
    return [(asked, said) for asked, said in pairs]


def _begin(loaded: LoadedModel | LazyModel, tokenizer: Tokenizer) -> tuple[int, ...]:
    """The tokens a plain prompt starts with, for models that were trained so."""
    wanted = loaded.metadata.get("tokenizer.ggml.add_bos_token", False)
    return (tokenizer.bos_id,) if wanted and tokenizer.bos_id is not None else ()
