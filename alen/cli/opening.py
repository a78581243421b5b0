"""How verbs get an engine, settings and a language model: one place, imported late, with the options applied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from alen.cli.options import Common
from alen.cli.progress import progress_lines

if TYPE_CHECKING:
    from alen.client import RemoteEngine
    from alen.client.language_model import RemoteLanguageModel
    from alen.client.memory import RemoteMemory
    from alen.engine import Engine
    from alen.language_model import LargeLanguageModel
    from alen.memory import EpisodicMemory
    from alen.settings import Settings
    from alen.types import Encoder


def open_settings(common: Common) -> Settings:
    from alen import settings

    return settings.load(store=common.store, namespace=common.namespace, model=common.model, url=common.url)


def server(common: Common) -> Settings | None:
    """The settings when a server is to be used, else None. Raises BadInput for options that the server decides."""
    from alen.errors import BadInput

    settings = open_settings(common)
    if settings.url is None:
        return None
    given = {"--store": common.store, "--namespace": common.namespace, "--model": common.model}
    for name, value in given.items():
        if value is not None:
            found = f"{value!r} beside the server {settings.url}"
            allowed = "one of the two: a server has its own store and model, and its key decides the namespace"
            raise BadInput(name, found, allowed, f'Leave out {name}, or the server with --url "".')
    return settings


def _remote(settings: Settings) -> RemoteEngine:
    from alen.client import RemoteEngine

    return RemoteEngine.open(settings=settings)


def open_engine(common: Common, *, ray: str | None = None) -> Engine | RemoteEngine:
    """The engine of a server where one is named, else one in this process."""
    settings = server(common)
    if settings is None:
        return open_local_engine(common, ray=ray)
    if ray is not None:
        from alen.errors import BadInput

        raise BadInput("--ray", f"{ray!r} beside a server", "one of the two", "The server embeds what it is taught.")
    return _remote(settings)


def open_local_engine(common: Common, *, ray: str | None = None) -> Engine:
    from alen.engine import Engine

    with progress_lines() as progress:
        return Engine.open(
            store=common.store, namespace=common.namespace, model=common.model, ray=ray, progress=progress
        )


def open_memory(
    common: Common, *, encoder: bool = False, create: bool = False, any_namespace: bool = False
) -> EpisodicMemory | RemoteMemory:
    """The memory of a server where one is named, else as ``open_local_memory``."""
    settings = server(common)
    if settings is not None:
        return _remote(settings).memory
    return open_local_memory(common, encoder=encoder, create=create, any_namespace=any_namespace)


def open_local_memory(
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


@contextmanager
def open_language_model(common: Common) -> Iterator[LargeLanguageModel | RemoteLanguageModel]:
    """That of a server where one is named, else of this machine."""
    remote = server(common)
    if remote is not None:
        from alen.client.language_model import RemoteLanguageModel

        with _remote(remote) as engine:
            yield RemoteLanguageModel(engine.connection)
        return
    from alen.engine.model_server import is_address
    from alen.errors import BadInput
    from alen.language_model import LargeLanguageModel

    settings = open_settings(common)
    if is_address(settings.model):
        hint = "Leave the writing to the server, or choose another model with --model."
        raise BadInput("model", repr(settings.model), "a model of this machine: a name, a file or a folder", hint)
    yield LargeLanguageModel.from_pretrained(settings.model, home=settings.home)
