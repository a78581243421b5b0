"""How likely given texts are: the prompt is read once, and all of them together after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alen.errors import Cancelled
from alen.generation.stepper import PIECE, Stepper
from alen.neural.paging import Feed
from alen.types import CancelToken


def scores(
    stepper: Stepper, prompt: Sequence[int], rows: Sequence[Sequence[int]], *, cancel: CancelToken | None = None
) -> list[tuple[float, ...]]:
    """Of each of ``rows`` the natural log of the probability of each of its tokens, as it would follow ``prompt``.
    Raises Cancelled between two pieces."""
    text = stepper.begin(prompt)
    forks = []
    try:
        while text.length < len(prompt):
            _stop_if(cancel)
            piece = prompt[text.length : text.length + PIECE]
            wanted = int(text.length + len(piece) == len(prompt))
            stepped = stepper.step([Feed(text, piece, wanted)], wide=True)
        stepper.keep(prompt, text)
        first_V, total = stepped.logits[0].clone(), float(stepped.log_total[0])
        found = [[float(first_V[row[0]]) - total] for row in rows]
        longer = [(own, row) for own, row in zip(found, rows, strict=True) if len(row) > 1]
        for own, row in longer:
            _stop_if(cancel)
            fork = stepper.fork(text)
            forks.append(fork)
            stepped = stepper.step([Feed(fork, row[:-1], len(row) - 1)])
            own += [
                float(stepped.logits[place, token]) - float(stepped.log_total[place])
                for place, token in enumerate(row[1:])
            ]
            stepper.end(forks.pop())
        return [tuple(own) for own in found]
    finally:
        for each in (*forks, text):
            stepper.end(each)


@dataclass(frozen=True, slots=True)
class Told:
    """Of a token of a given text: the natural log of its probability, and of the likeliest ones in its place. The first
    token has none."""

    logprob: float | None
    others: tuple[tuple[int, float], ...] = ()


def of_prompt(
    stepper: Stepper, prompt: Sequence[int], alternatives: int, cancel: CancelToken | None = None
) -> list[Told]:
    """Every token of a text, read as prompts are. Nothing of it is taken from what was read before. Raises
    Cancelled."""
    text = stepper.begin()
    found = [Told(None)]
    try:
        for start in range(0, len(prompt), PIECE):
            _stop_if(cancel)
            piece = prompt[start : start + PIECE]
            stepped = stepper.step([Feed(text, piece, len(piece))], wide=True)
            following = prompt[start + 1 : start + 1 + len(piece)]
            for place, token in enumerate(following):
                row_V, total = stepped.logits[place], float(stepped.log_total[place])
                others: tuple[tuple[int, float], ...] = ()
                if alternatives:
                    values_K, ids_K = row_V.topk(alternatives)
                    pairs = zip(ids_K.tolist(), values_K.tolist(), strict=True)
                    others = tuple((other, value - total) for other, value in pairs)
                found.append(Told(float(row_V[token]) - total, others))
        return found
    finally:
        stepper.end(text)


def _stop_if(cancel: CancelToken | None) -> None:
    if cancel is not None and cancel.is_set():
        raise Cancelled("Scoring was stopped.")
