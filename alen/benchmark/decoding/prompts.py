"""What sides are given to read: no text begins as another did, so that nothing is known of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

from alen.benchmark.invented_facts import FACTS
from alen.neural.weights.gguf import read_metadata
from alen.text.tokenizer import Tokenizer

Encode = Callable[[str], Sequence[int]]


def tokenizer_of(model: Path) -> Tokenizer:
    """Of a GGUF file or a folder."""
    return Tokenizer.from_folder(model) if model.is_dir() else Tokenizer.from_gguf(read_metadata(model))


class Pieces:
    """Consecutive pieces of the tokens ``ids``."""

    def __init__(self, ids: Sequence[int]) -> None:
        self._ids, self._place = ids, 0

    def next(self, size: int) -> list[int]:
        """The next ``size`` tokens."""
        self._place += size
        return list(self._ids[self._place - size : self._place])


def invented(encode: Encode, count: int, size: int, *, seed: int = 0) -> list[list[int]]:
    """``count`` prompts of ``size`` tokens each: facts of an invented world, shuffled anew for each."""
    chance = random.Random(seed)
    sentences = [f"{fact.question} {fact.answer}." for fact in FACTS]
    most = 1 + size // len(encode(" ".join(sentences)))

    def text(number: int) -> str:
        shuffled = [each for _ in range(most) for each in chance.sample(sentences, len(sentences))]
        return " ".join([f"{number:05d}.", *shuffled])

    return [list(encode(text(number)))[:size] for number in range(count)]


def numbered(encode: Encode, text: str, count: int) -> list[list[int]]:
    """``count`` times the tokens of ``text``, each after a number of its own; all equally long."""
    found = [list(encode(f"{number:05d}. {text}")) for number in range(count)]
    size = min(map(len, found))
    return [prompt[:size] for prompt in found]
