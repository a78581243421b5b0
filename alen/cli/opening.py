"""How verbs get an engine, settings and a language model: one place, imported late, with the options applied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from alen.cli.options import Common
from alen.cli.progress import progress_lines

if TYPE_CHECKING:
    from alen.engine import Engine
    from alen.language_model import LargeLanguageModel
    from alen.memory import EpisodicMemory
    from alen.settings import Settings
    from alen.types import Encoder


def open_settings(common: Common) -> Settings:
    from alen import settings

    return settings.load(store=common.store, namespace=common.namespace, model=common.model)


def open_engine(common: Common, *, ray: str | None = None) -> Engine:
    from alen.engine import Engine

    with progress_lines() as progress:
        return Engine.open(
            store=common.store, namespace=common.namespace, model=common.model, ray=ray, progress=progress
        )


def open_memory(
    common: Common, *, encoder: bool = False, create: bool = False, any_namespace: bool = False
) -> EpisodicMemory:
    """The memory alone. No model is loaded unless ``encoder`` is wanted, and nothing is created without ``create``.

    Raises UnknownNamespace when nothing was ever taught there, unless ``any_namespace`` says that the whole store is
    meant."""
    from alen import paths
    from alen.errors import UnknownNamespace
    from alen.memory import EpisodicMemory

    settings = open_settings(common)
    chosen = None
    if encoder:
        from alen.engine.lazy_models import LazyEncoder  # a wrong namespace is told before the model loads

        chosen = LazyEncoder(settings)
    if create:
        paths.ensure_home(settings.home)
    with progress_lines() as progress:
        memory = EpisodicMemory.open(
            settings.store,
            encoder=chosen,
            namespace=settings.namespace,
            create=create,
            index=settings.index,
            gpu=settings.faiss_gpu == "auto",
            progress=progress,
        )
    if not (create or any_namespace or memory.has_namespace(settings.namespace)):
        known = ", ".join(memory.namespaces()) or "none yet"
        memory.close()
        raise UnknownNamespace(
            "namespace", repr(settings.namespace), known, "Teach it first: alen teach --namespace NAME FILE"
        )
    return memory


@contextmanager
def open_encoder(settings: Settings, *, ray: str | None = None) -> Iterator[Encoder]:
    """The encoder of the settings, in this process or on Ray."""
    if ray is None:
        from alen.engine.lazy_models import LazyEncoder

        yield LazyEncoder(settings)
        return
    from alen.engine.ray_encoder import RayEncoder

    with closing(RayEncoder.of(settings, ray)) as encoder:
        yield encoder


def open_language_model(common: Common) -> LargeLanguageModel:
    from alen.engine.model_server import is_address
    from alen.errors import BadInput
    from alen.language_model import LargeLanguageModel

    settings = open_settings(common)
    if is_address(settings.model):
        hint = "Leave the writing to the server, or choose another model with --model."
        raise BadInput("model", repr(settings.model), "a model of this machine: a name, a file or a folder", hint)
    return LargeLanguageModel.from_pretrained(settings.model, home=settings.home)
