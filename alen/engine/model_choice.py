"""From a setting to a model: one of this machine, by name, file or folder, or one that a server runs, by its URL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from alen.engine.lazy_models import load_span_reader, use_threads
from alen.engine.model_server import is_address
from alen.settings import Settings
from alen.types import Backend, Reader

if TYPE_CHECKING:
    from pydantic import SecretStr


def load_model(settings: Settings) -> Backend:
    """The language model. Raises what ``LocalModel.load`` raises for one of this machine; BadInput, UnknownModel and
    ModelServerFailed for one on a server."""
    return _load(settings.model, settings.api_key, settings)


def load_verifier(settings: Settings, model: Callable[[], Backend]) -> Backend | None:
    """The second model, which is ``model`` itself when the settings name the same; None when they name none. Raises as
    ``load_model`` does."""
    if settings.verifier is None:
        return None
    if settings.verifier == settings.model:
        return model()
    return _load(settings.verifier, settings.verifier_api_key, settings)


def load_reader(settings: Settings, model: Callable[[], Backend]) -> Reader:
    """Who reads passages: a model of this machine with the reader's adapter, one on a server by being asked."""
    if not is_address(settings.model):
        return load_span_reader(settings)
    from alen.core.prompted_reader import PromptedReader

    used = model()
    return PromptedReader(used.generator, used.scorer)


def _load(name: str, key: SecretStr | None, settings: Settings) -> Backend:
    if is_address(name):
        from alen.engine.remote_model import RemoteModel

        remote = RemoteModel(name, key=key.get_secret_value() if key else None)
        return Backend(remote, remote.scorer)
    from alen.engine.local_model import LocalModel

    use_threads(settings)
    local = LocalModel.load(name, settings.home)
    return Backend(local, local)
