"""How verbs get an engine, settings and a language model: one place, imported late, with the options applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alen.cli.options import Common

if TYPE_CHECKING:
    from alen.engine import Engine
    from alen.language_model import LargeLanguageModel
    from alen.settings import Settings


def open_settings(common: Common) -> Settings:
    from alen import settings

    return settings.load(store=common.store, namespace=common.namespace, model=common.model)


def open_engine(common: Common) -> Engine:
    from alen.engine import Engine

    return Engine.open(store=common.store, namespace=common.namespace, model=common.model)


def open_language_model(common: Common) -> LargeLanguageModel:
    from alen.language_model import LargeLanguageModel

    settings = open_settings(common)
    return LargeLanguageModel.from_pretrained(settings.model, home=settings.home)
