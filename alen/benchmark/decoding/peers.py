"""Other programs that read and write with the same weights; each does what ``sides.Side`` says."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alen.benchmark.plain_http import asked
from alen.errors import WorkError

Told = dict[str, Any]


class LlamaCpp:
    """Its server, over HTTP on this machine; its own clock is taken, which leaves HTTP out. ``texts`` are written at
    once, each of ``tokens`` with its prompt. ``url`` is where others may ask it."""

    def __init__(self, file: str, threads: int, texts: int = 8, tokens: int = 2048) -> None:
        import xllamacpp

        wanted = xllamacpp.CommonParams()
        wanted.model.path = file
        wanted.n_ctx, wanted.n_parallel, wanted.n_batch = texts * tokens, texts, 512
        wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = threads
        self._server = xllamacpp.Server(wanted)
        self.url = str(self._server.listening_address)

    def read(self, tokens: list[int]) -> float:
        return float(self._told(tokens, 1)["timings"]["prompt_ms"]) / 1e3

    def write(self, tokens: list[int], count: int) -> tuple[float, list[int]]:
        told = self._told(tokens, count)
        # The first token comes with the prompt.
        return float(told["timings"]["predicted_ms"]) / 1e3 * (count - 1) / count, list(told.get("tokens", []))

    def streams(self, prompts: Sequence[list[int]], count: int) -> float:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(len(prompts)) as pool:
            started = time.perf_counter()
            list(pool.map(lambda prompt: self._told(prompt, count), prompts))
            return time.perf_counter() - started

    def _told(self, tokens: list[int], count: int) -> Told:
        body = {
            "prompt": tokens,
            "n_predict": count,
            "temperature": 0,
            "ignore_eos": True,
            "cache_prompt": False,
            "return_tokens": True,
        }
        status, told = asked(f"{self.url}/completion", body)
        if status != 200:
            raise WorkError(f"llama.cpp answered {status}: {told[:200]!r}.", "It may have no room for such a text.")
        return dict(json.loads(told))


class Transformers:
    """Of the weights in bfloat16 or float32, whichever it is told; a GGUF file or a folder."""

    def __init__(self, file: str, threads: int, dtype: str) -> None:
        import torch
        import transformers

        torch.set_num_threads(threads)
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        self._torch = torch
        path = Path(file)
        where: dict[str, Any] = {"gguf_file": path.name} if path.is_file() else {}
        self._model = transformers.AutoModelForCausalLM.from_pretrained(
            path.parent if where else path, dtype=getattr(torch, dtype), **where
        ).eval()

    def read(self, tokens: list[int]) -> float:
        with self._torch.inference_mode():
            started = time.perf_counter()
            self._model(self._torch.tensor([tokens]), logits_to_keep=1)
            return time.perf_counter() - started

    def write(self, tokens: list[int], count: int) -> tuple[float, list[int]]:
        once = self.read(tokens)
        ids = self._torch.tensor([tokens])
        started = time.perf_counter()
        made = self._model.generate(
            ids,
            attention_mask=self._torch.ones_like(ids),
            max_new_tokens=count,
            min_new_tokens=count,
            do_sample=False,
            pad_token_id=0,
        )
        return max(1e-9, time.perf_counter() - started - once), made[0, len(tokens) :].tolist()

    def streams(self, prompts: Sequence[list[int]], count: int) -> float:
        longest = max(map(len, prompts))
        ids = self._torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in prompts])
        seen = self._torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
        started = time.perf_counter()
        self._model.generate(
            ids,
            attention_mask=seen,
            max_new_tokens=count,
            min_new_tokens=count,
            do_sample=False,
            pad_token_id=0,
        )
        return time.perf_counter() - started


class CTranslate2:
    """Of a folder that ``converted`` made, greedy with ends put off; weights and products are of bytes."""

    def __init__(self, folder: str, threads: int) -> None:
        import ctranslate2

        self._words: list[str] = json.loads((Path(folder) / "vocabulary.json").read_text("utf-8"))
        self._generator = ctranslate2.Generator(
            folder, device="cpu", compute_type="int8", inter_threads=1, intra_threads=threads
        )

    def read(self, tokens: list[int]) -> float:
        started = time.perf_counter()
        self._written([tokens], 1)
        return time.perf_counter() - started

    def write(self, tokens: list[int], count: int) -> tuple[float, list[int]]:
        times: list[float] = []

        def stop(_: Any) -> bool:
            times.append(time.perf_counter())
            return False

        written = self._written([tokens], count, stop)
        return times[-1] - times[0], written[0]

    def streams(self, prompts: Sequence[list[int]], count: int) -> float:
        started = time.perf_counter()
        self._written(prompts, count)
        return time.perf_counter() - started

    def _written(self, prompts: Sequence[list[int]], count: int, each: Any = None) -> list[list[int]]:
        words = [[self._words[token] for token in prompt] for prompt in prompts]
        found = self._generator.generate_batch(
            words,
            max_length=count,
            min_length=count,
            sampling_topk=1,
            include_prompt_in_result=False,
            callback=each,
        )
        return [list(one.sequences_ids[0]) for one in found]
