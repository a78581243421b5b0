"""Engine: teach, ask, chat, give feedback. One object over one memory, safe to use from many threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from alen import paths as places
from alen import settings as options
from alen.core import belief, solutions
from alen.engine import asking, calibrating, chatting, consolidating, learning
from alen.engine.lazy_models import LazyEncoder, Once
from alen.engine.model_choice import load_model, load_reader, load_verifier
from alen.engine.ray_encoder import RayEncoder
from alen.memory import EpisodicMemory
from alen.settings import Settings
from alen.text import teaching
from alen.thought import ThoughtState
from alen.types import Answer, Backend, CancelToken, Candidate, Effort, Encoder, Reader, TeachReport

if TYPE_CHECKING:
    from alen.core.belief import Belief
    from alen.latent_decoder import LatentDecoder

Progress = Callable[[str, int, int], None]

BELIEF_KEY = "core.belief"
"""Where a namespace keeps what ``calibrate`` fitted."""


class Engine:
    """Opened with ``Engine.open``. Models load at first use; the memory is open until ``close``. ``reader()`` is who
    reads passages, ``model()`` the language model and ``verifier()`` the second one, None when there is none."""

    def __init__(
        self,
        settings: Settings,
        memory: EpisodicMemory,
        encoder: Encoder,
        reader: Callable[[], Reader | None],
        model: Callable[[], Backend | None] = lambda: None,
        verifier: Callable[[], Backend | None] = lambda: None,
    ) -> None:
        self.settings = settings
        self.memory = memory
        self.encoder = encoder
        self.reader = reader
        self.model = model
        self.verifier = verifier
        self._belief: tuple[dict[str, Any], Belief] | None = None

    @classmethod
    def open(
        cls,
        *,
        home: str | Path | None = None,
        store: str | None = None,
        namespace: str | None = None,
        model: str | Path | None = None,
        encoder: str | Path | None = None,
        ray: str | None = None,
        settings: Settings | None = None,
        progress: Progress | None = None,
    ) -> Engine:
        """Open the memory and find the models. What is not given comes from the environment, the config file or the
        defaults: SQLite and the two default models under ``ALEN_HOME``. ``model`` may be the URL of a server that runs
        one: http://HOST:PORT/v1#MODEL. ``ray`` is where the encoder runs when it is
        not to run in this process: ``local``, ``auto`` or HOST:PORT, see ``RayEncoder``. ``progress`` hears of vectors
        that are copied because the store moved to another index.

        Raises BadInput, HomeNotWritable, StoreError, UnknownModel, ModelNotInstalled, EmbeddingMismatch, and WorkError
        when no Ray answers."""
        chosen = settings or options.load(
            home=home,
            store=store,
            namespace=namespace,
            model=None if model is None else str(model),
            encoder=None if encoder is None else str(encoder),
        )
        places.ensure_home(chosen.home)
        used = LazyEncoder(chosen) if ray is None else RayEncoder.of(chosen, ray)
        try:
            memory = EpisodicMemory.open(
                chosen.store,
                encoder=used,
                namespace=chosen.namespace,
                index=chosen.index,
                gpu=chosen.faiss_gpu == "auto",
                progress=progress,
            )
        except BaseException:
            _end(used)
            raise
        backend = Once(lambda: load_model(chosen))
        reader = Once(lambda: load_reader(chosen, backend))
        return cls(chosen, memory, used, reader, backend, Once(lambda: load_verifier(chosen, backend)))

    def teach(
        self,
        text: str | None = None,
        *,
        paths: Sequence[str | Path] = (),
        qa: str | Path | Sequence[dict[str, Any]] | None = None,
        passages: str | Path | Sequence[dict[str, Any]] | None = None,
        mailbox: str | Path | None = None,
        chat: str | Path | None = None,
        source: str | None = None,
        progress: Progress | None = None,
    ) -> TeachReport:
        """Learn a text, files and folders (text, Markdown, HTML, PDF, DOCX), questions with answers, passages, an mbox
        file, or a chat log in JSON. Everything is committed when this returns; the same input again stores nothing; an
        edited file retires the passages it no longer holds. Files of folders and messages that cannot be read are left
        out and named in ``skipped``.

        ``qa`` and ``passages`` are JSONL files or rows. ``source`` is cited for all but files and folders. Raises
        BadInput naming the file and line."""
        return teaching.teach(
            self.memory,
            text,
            paths=paths,
            qa=qa,
            passages=passages,
            mailbox=mailbox,
            chat=chat,
            source=source,
            progress=progress,
        )

    def ask(
        self,
        question: str,
        *,
        session: str | None = None,
        effort: Effort | None = None,
        private: bool = False,
        cancel: CancelToken | None = None,
    ) -> Answer:
        """Answer from memory, or abstain. ``private`` stores nothing.

        Raises BadInput for an empty question, UnknownNamespace when nothing was ever taught there, Cancelled."""
        return asking.ask(self, question, session=session, effort=effort, private=private, cancel=cancel)

    def chat(
        self,
        message: str,
        *,
        session: str | None = None,
        effort: Effort | None = None,
        private: bool = False,
        cancel: CancelToken | None = None,
        on_stage: Callable[[str], None] | None = None,
    ) -> Answer:
        """A turn of a conversation: as ``ask``, with both sides kept in a session (``Answer.session``).

        ``on_stage`` hears ``recalling``, ``reading`` and ``checking`` as they begin."""
        return chatting.chat(
            self, message, session=session, effort=effort, private=private, cancel=cancel, on_stage=on_stage
        )

    def judge(self, question: str, reply: str) -> Candidate:
        """How likely a solution is right that somebody wrote, by its working: whether it adds up, rests on the numbers
        of the question, and goes as such problems usually go. ``text`` is the number that it ends with, ``checks`` are
        what was looked at. No model is asked, and memory has no say.

        ``confidence`` is 0, and ``detail["uncalibrated"]`` true, until ``calibrate`` was given rows ``{"question",
        "reply", "right"}``. Raises BadInput for an empty question and for a reply that shows no working."""
        return solutions.judge(asking.checked(self, question, told=True), reply, self.belief())

    def feedback(self, episode: str, *, correct: bool, answer: str | None = None) -> dict[str, Any]:
        """Say whether an answer was right, and what is right. Gives ``episode`` and its new ``status``.

        Raises UnknownEpisode, BadInput."""
        before = self.memory.get(episode)
        found = {"episode": episode, **self.memory.feedback(episode, correct, answer)}
        learning.from_feedback(self, before, correct)
        return found

    def commit_verified(self, epsilon: float = 0.05) -> dict[str, Any]:
        """Commit answers of ALEN to memory: what was proved, and as many others that of those at most ``epsilon`` are
        expected to be wrong, told from the answers that ``calibrate`` kept apart. How many of each; none are certified
        before ``calibrate``. Raises BadInput."""
        return learning.commit(self, epsilon)

    def consolidate(
        self, *, minutes: float = consolidating.MINUTES, seed: int = 0, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Teach a ``LatentDecoder`` all that holds in this namespace, so that memory lives in weights too. Gives
        ``pairs``, the shares ``recalled`` word for word as taught and ``reworded`` in a wording that was not trained
        on, ``seconds``, and which decoder was ``kept``: the new one, unless the old one knows more reworded questions
        and nothing of what it knows was taken back. It begins anew each time, from what memory holds then, and takes
        seconds to ``minutes``: what is stopped has changed nothing.

        Raises BadInput for a namespace that was never taught, and WorkError when another process is at it, or when
        something was taken back meanwhile."""
        return consolidating.consolidate(self, minutes=minutes, seed=seed, progress=progress)

    def consolidated(self) -> LatentDecoder | None:
        """What the last ``consolidate`` made, None when something was erased since: the weights go with it."""
        return consolidating.load(self)

    def think(self, text: str) -> ThoughtState:
        """The state that ``text`` puts the engine in. Raises BadInput for an empty text."""
        return ThoughtState.from_input(text, encoder=self.encoder)

    def calibrate(
        self, data: str | Path, *, passages: str | Path | None = None, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Fit the probabilities of this namespace to questions with known answers, and say what can be certified. Rows
        ``{"question", "reply", "right": bool}`` are solutions that were graded, for ``judge``: they are not asked.

        ``data`` is a JSONL file as for ``ModelValidator.validate``; with more than two data sets in it, named by the
        rows' ``set``, what they have in common is fitted. ``passages`` are taught first. Raises BadInput for rows that
        cannot be graded, and when there are too few answers of either kind to fit anything."""
        return calibrating.calibrate(self, data, passages=passages, progress=progress)

    def belief(self) -> Belief:
        """What the core has learned: this namespace's own calibration, or the one that ships with ALEN."""
        stored = self.memory.load_state(BELIEF_KEY)
        found = self._fitted(stored) if stored else belief.default()
        return replace(found, record=learning.record_of(self))

    def stats(self) -> dict[str, Any]:
        """Counts of the memory, and which models and calibration are in use."""
        return {
            **self.memory.stats(),
            "model": self.settings.model,
            "verifier": self.settings.verifier,
            "encoder": self.encoder.name,
            "calibration": self.belief().provenance,
        }

    def close(self) -> None:
        self.memory.close()
        _end(self.encoder)

    def _fitted(self, stored: dict[str, Any]) -> Belief:
        """What was stored, made once: bounds of a probability rest on thousands of labels."""
        if self._belief is None or self._belief[0] != stored:
            self._belief = stored, belief.Belief.from_json(stored)
        return self._belief[1]

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _end(encoder: Encoder) -> None:
    if isinstance(encoder, RayEncoder):
        encoder.close()
