"""Memory into weights: a decoder of thoughts learns what holds in a namespace, and is put where an erasure finds it."""

from __future__ import annotations

import hashlib
import random
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout

from alen.errors import BadInput, CorruptWeights, WorkError
from alen.text.rewording import asked_otherwise, reword
from alen.thought import ThoughtState

if TYPE_CHECKING:
    from alen.engine.engine import Engine
    from alen.latent_decoder import LatentDecoder
    from alen.text.tokenizer import Tokenizer

LATENT_KEY = "derived.latent"
"""What was learned, by whom and when. Erasing anything throws it away, and the weights with it."""

WIDTH = 128
REWORDINGS = 2
"""Of each question, beside itself: taught in many wordings it is known in others too."""

MINUTES = 10.0

Progress = Callable[[str, int, int], None]


def consolidate(
    engine: Engine, *, minutes: float = MINUTES, seed: int = 0, progress: Progress | None = None
) -> dict[str, Any]:
    """See Engine.consolidate."""
    if not 0 < minutes <= 24 * 60:
        raise BadInput("minutes", f"{minutes:g}", "above 0, at most 1,440", "10 are enough for thousands of answers.")
    folder = engine.memory.weights_folder()
    if folder is None:
        asked = "a namespace that was taught, in a store that has a place for files"
        raise BadInput("memory", repr(engine.memory.namespace), asked, "Teach it first: alen teach --qa FILE")
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder.with_name(folder.name + ".lock"), timeout=0):
            return _consolidated(engine, folder, minutes, seed, progress)
    except Timeout:
        raise WorkError("Another process is consolidating this namespace.", "Wait until it is done.") from None


def load(engine: Engine) -> LatentDecoder | None:
    """What was consolidated last; None when there is nothing, when it was made for another encoder, and when something
    was erased since."""
    known, folder = engine.memory.load_state(LATENT_KEY), engine.memory.weights_folder()
    if known is None or folder is None or known["space"] != engine.encoder.fingerprint:
        return None
    from alen.generation import decoder_folder
    from alen.latent_decoder import LatentDecoder

    if decoder_folder.digest_of(folder) != known["digest"]:
        return None
    try:
        return LatentDecoder.load(folder)
    except CorruptWeights:
        return None  # it is made anew by the next consolidation


def _consolidated(engine: Engine, folder: Path, minutes: float, seed: int, progress: Progress | None) -> dict[str, Any]:
    from alen.generation import decoder_folder
    from alen.latent_decoder import CONTEXT, PREFIX, LatentDecoder, recalled

    started = time.monotonic()
    tokenizer = tokenizer_of(engine)
    found = engine.memory.established()
    # One more for the end.
    rows = [row for row in found if 0 < len(tokenizer.encode(row["answer"])) < CONTEXT - PREFIX]
    told = ("recalled", "reworded", "reworded_before", "parameters", "steps")
    report: dict[str, Any] = {"pairs": len(rows), "left_out": len(found) - len(rows), "kept": "new"}
    report |= dict.fromkeys(told)
    if not rows:
        _forget(engine, folder)
        return report | {"kept": "none", "seconds": time.monotonic() - started}
    thoughts, answers = _lessons(engine, rows, seed)
    held_out = _thoughts(engine, [asked_otherwise(row["question"]) for row in rows]), [row["answer"] for row in rows]
    old, known = load(engine), engine.memory.load_state(LATENT_KEY)
    decoder = LatentDecoder(engine.encoder.dim, WIDTH, tokenizer=tokenizer)
    fitted = decoder.fit(thoughts, answers, validation=held_out, minutes=minutes, seed=seed, progress=progress)
    taught = recalled(decoder.fitted, thoughts[: len(rows)], answers[: len(rows)])
    report |= {"recalled": taught, "reworded": fitted.held_out, "parameters": fitted.parameters, "steps": fitted.steps}
    if old is not None:
        report["reworded_before"] = recalled(old.fitted, *held_out)
        # What was taken back must go, however well the old one does.
        holds = set(known["pairs"]) <= {_mark(row) for row in rows}
        if holds and report["reworded_before"] > (fitted.held_out or 0.0):
            return report | {"kept": "old", "seconds": time.monotonic() - started}
    digest = decoder_folder.save(decoder.fitted, folder)
    state = {"digest": digest, "space": engine.encoder.fingerprint, "pairs": [_mark(row) for row in rows]}
    engine.memory.save_state(LATENT_KEY, state)
    # What was erased until now is seen here, what is erased from now on takes the weights along.
    if not set(state["pairs"]) <= {_mark(row) for row in engine.memory.established()}:
        _forget(engine, folder)
        raise WorkError("Something was taken back while it was being learned: nothing was kept.", "Start it again.")
    return report | {"seconds": time.monotonic() - started}


def tokenizer_of(engine: Engine) -> Tokenizer:
    """That of the language model, or of the one that ALEN comes with where a server has the model."""
    from alen import latent_decoder
    from alen.engine.model_server import is_address

    model, home = engine.settings.model, engine.settings.home
    return latent_decoder.tokenizer_of(home) if is_address(model) else latent_decoder.tokenizer_of(home, model)


def _lessons(engine: Engine, rows: Sequence[dict[str, Any]], seed: int) -> tuple[list[ThoughtState], list[str]]:
    """Every question as it is, then its rewordings, each with its answer."""
    chance = random.Random(seed)
    questions, answers = [row["question"] for row in rows], [row["answer"] for row in rows]
    for row in rows:
        others = {reword(row["question"], chance) for _ in range(REWORDINGS)} - {row["question"]}
        questions += sorted(others)
        answers += [row["answer"]] * len(others)
    return _thoughts(engine, questions), answers


def _thoughts(engine: Engine, questions: Sequence[str]) -> list[ThoughtState]:
    """All encoded together."""
    vectors = np.asarray(engine.encoder.encode(list(questions)), dtype=np.float32)
    space = engine.encoder.fingerprint
    return [ThoughtState(text, row, "", (), (), space) for text, row in zip(questions, vectors, strict=True)]


def _mark(row: dict[str, Any]) -> str:
    """Tells whether it is still the same pair."""
    return hashlib.sha256(f"{row['id']}\n{row['question']}\n{row['answer']}".encode()).hexdigest()[:16]


def _forget(engine: Engine, folder: Path) -> None:
    engine.memory.save_state(LATENT_KEY, None)
    shutil.rmtree(folder, ignore_errors=True)
