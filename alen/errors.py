"""The tree of errors. Every one says what was wrong, what was found, what is allowed and what to do.

AlenError
├── RequestError            the request was wrong: exit code 2
│   ├── BadInput            a field holds something that is not allowed
│   │   └── TooLong         more tokens than the model has room for
│   ├── UnknownModel        no model of that name, file or folder
│   ├── UnknownNamespace    asking in a namespace nobody has taught
│   ├── UnknownEpisode      feedback or a look at an episode that is not stored
│   └── HomeNotWritable     ALEN_HOME cannot hold anything
└── WorkError               the request was right, the work failed: exit code 1
    ├── ModelNotInstalled   the model is known but not on this machine yet
    ├── DownloadFailed      every source of a model failed
    ├── CorruptWeights      a weight file is truncated or does not match its checksum
    ├── StoreError          the database could not be opened, read or written
    ├── EmbeddingMismatch   the store holds vectors of another encoder
    ├── ModelServerFailed   a server of models cannot be reached, or answers wrongly
    ├── ServerFailed        the server of ALEN cannot be reached, or answers wrongly
    └── Cancelled           stopped on request; what was produced so far is kept
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class AlenError(Exception):
    """Base of every error ALEN raises on purpose. ``exit_code`` is what a command ends with."""

    exit_code = 1

    def to_json(self) -> dict[str, str]:
        """For ``from_json``, in another process: the nearest class of this module, and what it takes."""
        kind = next(each for each in type(self).__mro__ if each.__module__ == __name__)
        return {"type": kind.__name__, **vars(self)}


class RequestError(AlenError):
    exit_code = 2

    def __init__(self, field: str, found: str, allowed: str, hint: str) -> None:
        self.field = field
        self.found = found
        self.allowed = allowed
        self.hint = hint
        super().__init__(f"{field}: found {found}. Allowed: {allowed}. {hint}")

    def __reduce__(self) -> tuple[type[RequestError], tuple[str, ...]]:
        """Errors travel between processes, and an exception is made again from what its class takes."""
        return type(self), (self.field, self.found, self.allowed, self.hint)


class BadInput(RequestError):
    pass


class TooLong(BadInput):
    pass


class UnknownModel(RequestError):
    pass


class UnknownNamespace(RequestError):
    pass


class UnknownEpisode(RequestError):
    pass


class HomeNotWritable(RequestError):
    pass


class WorkError(AlenError):
    exit_code = 1

    def __init__(self, what: str, hint: str = "") -> None:
        self.what = what
        self.hint = hint
        super().__init__(f"{what} {hint}".strip())

    def __reduce__(self) -> tuple[type[WorkError], tuple[str, ...]]:
        return type(self), (self.what, self.hint)


class ModelNotInstalled(WorkError):
    pass


class DownloadFailed(WorkError):
    pass


class CorruptWeights(WorkError):
    pass


class StoreError(WorkError):
    pass


class EmbeddingMismatch(WorkError):
    pass


class ModelServerFailed(WorkError):
    pass


class ServerFailed(WorkError):
    pass


class Cancelled(WorkError):
    pass


def from_json(data: Mapping[str, Any]) -> RequestError | WorkError | None:
    """What ``AlenError.to_json`` told; None when it was something else."""
    kind = globals().get(str(data.get("type")))
    if not (isinstance(kind, type) and issubclass(kind, RequestError | WorkError)):
        return None
    names = ("field", "found", "allowed", "hint") if issubclass(kind, RequestError) else ("what", "hint")
    parts = [part for name in names if isinstance(part := data.get(name), str)]
    return kind(*parts) if len(parts) == len(names) else None
