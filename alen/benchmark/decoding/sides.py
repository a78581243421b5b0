"""Programs that read and write with one model, each in a process of its own:
``python -m alen.benchmark.decoding.sides NAME FILE THREADS TEXTS TOKENS``.

A line of JSON ``{"work", ...}`` is answered by a line of JSON with seconds and tokens, so that the sides can take turns
and the memory and threads of each stay apart. A side that waits for its turn computes nothing.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from alen.benchmark.decoding.encoders import EncoderSide, OurEncoder, SentenceTransformers
from alen.benchmark.decoding.peers import CTranslate2, LlamaCpp, Told, Transformers


class Side(Protocol):
    def read(self, tokens: list[int]) -> float:
        """Seconds until the token after a prompt that was never seen before."""
        ...

    def write(self, tokens: list[int], count: int) -> tuple[float, list[int]]:
        """Seconds from the first to the last of ``count`` greedy tokens, ends ignored, and the tokens."""
        ...

    def streams(self, prompts: Sequence[list[int]], count: int) -> float:
        """Seconds for ``count`` tokens after each of several prompts at once, prompts included."""
        ...


class Ours:
    """``drafts`` is how many tokens are drafted at most; ``weights`` are ``file`` for what ``alen generate`` takes on a
    processor, ``bytes`` for all of them in that format, ``float32`` for torch."""

    def __init__(self, file: str, threads: int, drafts: int = 0, weights: str = "file") -> None:
        import torch

        from alen.generation.batching import Batcher

        torch.set_num_threads(threads)
        stepper, self.format = _stepper(Path(file), threads, weights)
        self._batch = Batcher(stepper, drafts=drafts)
        self.accepted = self.drafted = 0

    def read(self, tokens: list[int]) -> float:
        from alen.generation.config import GenerationConfig

        started = time.perf_counter()
        list(self._batch.submit(tokens, GenerationConfig(max_tokens=1, ignore_eos=True))[0])
        return time.perf_counter() - started

    def write(self, tokens: list[int], count: int) -> tuple[float, list[int]]:
        from alen.generation.config import GenerationConfig

        ticket = self._batch.submit(tokens, GenerationConfig(max_tokens=count, ignore_eos=True))[0]
        steps = iter(ticket)
        written = [next(steps).token]
        started = time.perf_counter()
        written += [step.token for step in steps]
        seconds = time.perf_counter() - started
        self.drafted, self.accepted = ticket.drafted, ticket.accepted
        return seconds, written

    def streams(self, prompts: Sequence[list[int]], count: int) -> float:
        from alen.generation.config import GenerationConfig

        started = time.perf_counter()
        config = GenerationConfig(max_tokens=count, ignore_eos=True)
        tickets = [self._batch.submit(prompt, config)[0] for prompt in prompts]
        for ticket in tickets:
            for _ in ticket:
                pass
        return time.perf_counter() - started


def _stepper(file: Path, threads: int, weights: str) -> tuple[Any, str]:
    """What steps texts, and the format of its weights."""
    from alen.generation.loading import CACHE_TOKENS, load
    from alen.generation.stepper import TorchStepper
    from alen.neural.native import NativeDecoder, compiled
    from alen.neural.weights import load_decoder
    from alen.paths import home, kernels_folder

    if weights == "float32":
        return TorchStepper(load_decoder(file).model.eval()), weights
    library = compiled(kernels_folder(home()))
    if weights == "bytes":
        assert library is not None
        model = load_decoder(file).model
        return NativeDecoder.of(library, model, threads=threads, cache_tokens=CACHE_TOKENS), weights
    found = load(file, "auto", library, "processor")
    return found.stepper or TorchStepper(found.model), found.format


LLAMA_CPP = "llama.cpp"
SIDES: dict[str, Callable[[str, int], Side | EncoderSide]] = {
    "alen": Ours,
    "alen drafting": lambda file, threads: Ours(file, threads, 7),
    "alen bytes": lambda file, threads: Ours(file, threads, 0, "bytes"),
    "alen float32": lambda file, threads: Ours(file, threads, 0, "float32"),
    LLAMA_CPP: LlamaCpp,
    "CTranslate2 int8": CTranslate2,
    "transformers bf16": lambda file, threads: Transformers(file, threads, "bfloat16"),
    "transformers fp32": lambda file, threads: Transformers(file, threads, "float32"),
    "alen encoder": OurEncoder,
    "sentence-transformers bf16": lambda folder, threads: SentenceTransformers(folder, threads, "bfloat16"),
    "sentence-transformers fp32": lambda folder, threads: SentenceTransformers(folder, threads, "float32"),
}


def main() -> None:
    name, file, *numbers = sys.argv[1:]
    threads, texts, tokens = map(int, numbers)
    side = LlamaCpp(file, threads, texts, tokens) if name == LLAMA_CPP else SIDES[name](file, threads)
    about = {key: getattr(side, key) for key in ("format", "url") if hasattr(side, key)}
    print(json.dumps({"ready": name, **about}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        work = asked.pop("work")
        found = getattr(side, work)(**asked)
        seconds, tokens = found if isinstance(found, tuple) else (found, [])
        told: Told = {"seconds": seconds, "tokens": tokens}  # or vectors
        if isinstance(side, Ours):
            told |= {"drafted": side.drafted, "accepted": side.accepted}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
