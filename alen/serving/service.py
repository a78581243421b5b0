"""What the routes work with: one memory with its models, an engine for each namespace."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from prometheus_client import generate_latest

from alen.engine import Engine
from alen.errors import BadInput, UnknownModel
from alen.language_model import LargeLanguageModel
from alen.memory import EpisodicMemory
from alen.serving.keys import Holder, Keys
from alen.serving.monitor import InferenceMonitor
from alen.serving.passing_on import Upstream
from alen.serving.siblings import Siblings
from alen.serving.threads import Threads

ALEN = "alen"
"""The model that answers through the reasoning engine."""


@dataclass(slots=True)
class Service:
    """``engine`` is that of the namespace that the server was started with; ``model`` the local language model, None
    where another server, ``upstream``, runs it. ``siblings`` are the other workers, None where this is the only one."""

    engine: Engine
    model: LargeLanguageModel | None
    keys: Keys
    monitor: InferenceMonitor = field(default_factory=InferenceMonitor)
    upstream: Upstream | None = None
    siblings: Siblings | None = None
    work: Threads = field(default_factory=lambda: Threads("alen-work", running=8, waiting=64))
    """For what takes as long as it takes: asking, teaching, embedding, scoring."""
    quick: Threads = field(default_factory=lambda: Threads("alen-quick", running=2, waiting=256))
    """For what is soon done, but not so soon that the event loop could do it: tokens, forms."""
    _engines: dict[str, Engine] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def engine_of(self, holder: Holder) -> Engine:
        """Opens it when it is first asked for, which takes a while: not on the event loop."""
        if holder.namespace == self.engine.settings.namespace:
            return self.engine
        if (found := self._engines.get(holder.namespace)) is not None:
            return found
        with self._lock:
            if holder.namespace not in self._engines:
                self._engines[holder.namespace] = self._opened(holder.namespace)
            return self._engines[holder.namespace]

    def language_model(self, name: str | None) -> LargeLanguageModel:
        """Raises UnknownModel for a name that is not served, BadInput where no model writes here."""
        if self.model is None:
            hint = f"The language model of this server runs elsewhere: ask {ALEN}, in a chat."
            raise BadInput("model", repr(name or ""), f"{ALEN}, in a chat", hint)
        if name == ALEN:
            raise UnknownModel("model", repr(name), self.model.name, f"{ALEN} answers chats; it does not write on.")
        if name not in (None, "", self.model.name):
            raise UnknownModel("model", repr(name), f"{ALEN} or {self.model.name}", "GET /v1/models lists them.")
        return self.model

    def names(self) -> list[str]:
        """Of all models. Where an upstream has not told the name of its model yet, it is asked, which may take a while;
        one that cannot be reached is left out."""
        written = [self.model.name] if self.model is not None else []
        if self.upstream is not None:
            written += self.upstream.names()
        return [ALEN, *written, self.engine.encoder.name]

    def own_metrics(self) -> bytes:
        """Of this process, in Prometheus' text format."""
        self.tell_queue()
        return generate_latest(self.monitor.registry)

    def tell_queue(self) -> None:
        if self.model is not None:
            self.monitor.queue(self.model.batch.running, self.model.batch.waiting)

    def metrics(self) -> bytes:
        """Of this process, or of all workers where there are several."""
        return self.own_metrics() if self.siblings is None else self.siblings.together(self.own_metrics())

    def close(self) -> None:
        """Ends what is under way first."""
        if self.model is not None:
            self.model.batch.close()
        self.work.close()
        self.quick.close()
        for engine in self._engines.values():
            engine.memory.close()
        self.engine.close()

    def _opened(self, namespace: str) -> Engine:
        first = self.engine
        settings = first.settings.model_copy(update={"namespace": namespace})
        memory = EpisodicMemory.open(
            settings.store,
            encoder=first.encoder,
            namespace=namespace,
            index=settings.index,
            gpu=settings.faiss_gpu == "auto",
        )
        return Engine(settings, memory, first.encoder, first.reader, first.model, first.verifier)
