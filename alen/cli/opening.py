"""How verbs get an engine, settings and a language model: one place, imported late, with the options applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alen.cli.options import Common

if TYPE_CHECKING:
    from alen.engine import Engine
    from alen.language_model import LargeLanguageModel
    from alen.memory import EpisodicMemory
    from alen.settings import Settings


def open_settings(common: Common) -> Settings:
    from alen import settings

    return settings.load(store=common.store, namespace=common.namespace, model=common.model)


def open_engine(common: Common) -> Engine:
    from alen.engine import Engine

    return Engine.open(store=common.store, namespace=common.namespace, model=common.model)


def open_memory(common: Common, *, encoder: bool = False) -> EpisodicMemory:
    """The memory alone, to look into: nothing is created, and no model is loaded unless ``encoder`` is wanted."""
    from alen.memory import EpisodicMemory

    settings = open_settings(common)
    chosen = None
    if encoder:
        from alen.engine.lazy_models import LazyEncoder  # a wrong namespace is told before the model loads

        chosen = LazyEncoder(settings)
    return EpisodicMemory.open(settings.store, encoder=chosen, namespace=settings.namespace, create=False)


def open_language_model(common: Common) -> LargeLanguageModel:
    from alen.language_model import LargeLanguageModel

    settings = open_settings(common)
    return LargeLanguageModel.from_pretrained(settings.model, home=settings.home)
