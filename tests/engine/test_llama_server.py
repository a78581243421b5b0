"""Over a real server, llama.cpp's, with the weights of the default model: what it writes is what our own model writes,
and the engine reads with it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from alen.engine import Engine
from alen.engine.local_model import LocalModel
from alen.engine.remote_model import RemoteModel
from alen.errors import BadInput
from alen.models import locate

pytestmark = pytest.mark.models

SKY = [{"role": "user", "content": "Question: What colour is the sky on a clear day? Answer in one word."}]


@pytest.fixture(scope="module")
def url(models_home: Path) -> Iterator[str]:
    weights = locate("smollm2-135m-instruct", models_home).path
    program = [sys.executable, str(Path(__file__).with_name("llama_server.py")), str(weights)]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as running:
        assert running.stdout is not None
        address = running.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), "llama.cpp did not start"
        yield f"{address}/v1"
        running.kill()


@pytest.fixture(scope="module")
def served(url: str) -> RemoteModel:
    return RemoteModel(url)


def test_it_writes_what_our_own_model_writes(served: RemoteModel, models_home: Path) -> None:
    """The same weights in another program: the same tokens, and log-probabilities as near as its 8-bit states allow."""
    own = LocalModel.load("smollm2-135m-instruct", models_home)
    (there,), (here,) = served.generate(SKY, max_tokens=6), own.generate(SKY, max_tokens=6)
    assert there.text == here.text
    assert (there.tokens, there.finish_reason, there.prompt_tokens) == (6, "length", here.prompt_tokens)
    assert np.abs(np.subtract(there.logprobs, here.logprobs)).max() < 0.15
    assert np.abs(np.subtract(there.margins, here.margins)).max() < 0.4
    assert all(low <= true + 0.15 for low, true in zip(there.entropies, here.entropies, strict=True))
    assert served.family == own.family


def test_seeds_decide_and_stop_strings_end(served: RemoteModel) -> None:
    first, second, again = (served.generate(SKY, max_tokens=6, temperature=1.2, n=3, seed=seed) for seed in (1, 9, 1))
    texts = [each.text for each in first]
    assert texts == [each.text for each in again]
    assert len({*texts, *(each.text for each in second)}) > 3
    (cut,) = served.generate(SKY, max_tokens=6, stop=[" on"])
    assert cut.text == "The sky"
    assert cut.finish_reason == "stop"
    assert len(cut.logprobs) == 2


def test_it_stops_when_told_to(served: RemoteModel) -> None:
    cancel = threading.Event()
    threading.Timer(0.5, cancel.set).start()
    begun = time.monotonic()
    (made,) = served.generate([{"role": "user", "content": "Tell a long story."}], max_tokens=1500, cancel=cancel)
    assert made.finish_reason == "cancelled"
    assert time.monotonic() - begun < 5


def test_it_says_that_a_conversation_is_too_long(served: RemoteModel) -> None:
    with pytest.raises(BadInput, match="context"):
        served.generate([{"role": "user", "content": "word " * 5000}], max_tokens=6)


def test_it_echoes_no_prompt_and_so_it_scores_nothing(served: RemoteModel) -> None:
    assert served.scorer is None


def test_the_engine_reads_with_it_and_believes_nothing_uncalibrated(url: str, linked_home: Path) -> None:
    things = ("kiln", "loom", "mill", "forge", "press", "lathe")
    with Engine.open(home=linked_home, model=url) as engine:
        engine.teach(" ".join(f"The Halden {thing} weighs {place + 2} tons." for place, thing in enumerate(things)))
        before = engine.ask("How much does the Halden kiln weigh?")
        read = [candidate for candidate in before.candidates if "conservative" in candidate.operators]
        assert read
        assert read[0].confidence == 0.0
        assert before.decision == "abstain"
        assert before.reason.startswith("not calibrated")
        assert before.evidence[0].text.startswith("The Halden kiln")
        assert read[0].detail["family"] == engine.reader().family
        json.dumps(engine.stats())
