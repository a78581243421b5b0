"""FAISS, loaded when it is needed and kept from three traps: a search after a fork hangs once its threads have run, its
threads go on spinning beside the model that runs next, and a process that ends while one computes dies of SIGABRT."""

from __future__ import annotations

import os
from functools import cache, partial
from importlib.util import find_spec
from typing import Any

_threads = os.cpu_count() or 1


def installed() -> bool:
    return find_spec("faiss") is not None


@cache
def load() -> Any:
    import faiss

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=partial(_forked, faiss))
    return faiss


def threads() -> int:
    """How many may compute at once: one in a fork, which would wait for ever for those of its parent."""
    return _threads


def _forked(faiss: Any) -> None:
    global _threads
    _threads = 1
    faiss.omp_set_num_threads(1)


def interrupt() -> None:
    """Whatever FAISS computes from now on in this process, and what it is computing, ends with a RuntimeError soon."""
    if load.cache_info().currsize:
        load().TimeoutCallback.reset(1e-6)
