"""A server as ``alen serve`` starts it, with small models: ``python -m tests.serving.small_server HOME STORE WORKERS
[KEYS]`` prints its address and serves until it is told to end."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

from alen import settings
from alen.cli.failure import Report
from alen.core import belief
from alen.engine import Engine
from alen.engine.local_model import LocalModel
from alen.memory import EpisodicMemory
from alen.serving.listening import Listening
from alen.serving.workers import serve
from alen.types import Backend
from tests.benchmark.tiny_model import tiny_model
from tests.engine.conftest import BELIEF, HashEncoder, WordReader


def small_engine(home: Path, store: str) -> Engine:
    belief.default = lambda: BELIEF
    chosen = settings.load(home=home, store=store)
    memory = EpisodicMemory.open(chosen.store, encoder=HashEncoder(), namespace=chosen.namespace)
    reader, model = WordReader(), LocalModel(tiny_model())
    return Engine(chosen, memory, HashEncoder(), lambda: reader, lambda: Backend(model, model))


def main(home: str, store: str, workers: str, keys: str | None = None) -> int:
    listening = Listening(port=0, workers=int(workers), keys=None if keys is None else Path(keys))
    try:
        serve(partial(small_engine, Path(home), store), listening, lambda url: print(json.dumps(url), flush=True))
    except Exception as error:
        return Report(as_json=False, verbose=True).error(error)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
