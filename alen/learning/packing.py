"""Packing: the questions of a passage as the rows of one batch, each followed by its answer.

Axis letters: B questions, T tokens of a row (padded at its end), N predictions, A allowed next tokens (padded).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from alen.text.reading_prompt import PassageTokens, ReadingPrompt
from alen.text.spans import choices_along


@dataclass(frozen=True, slots=True)
class Block:
    """A question and, when it has one to learn, the token span [first, last) of its answer."""

    prompt: ReadingPrompt
    answerable: bool
    span: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Pack:
    """One batch and what is predicted in it.

    ``first_B`` are the places (in T) of the last prompt token of each question, ``answerable_B`` their labels.
    Prediction n of an answer's tokens stands in row ``owner_N`` at ``place_N``, chooses among ``allowed_NA`` (-1 pads)
    and is right at column ``target_N``. ``starts_A`` are the tokens a span may begin with."""

    tokens_BT: Tensor
    first_B: Tensor
    answerable_B: Tensor
    place_N: Tensor
    owner_N: Tensor
    allowed_NA: Tensor
    target_N: Tensor
    starts_A: Tensor


def pack(passage: PassageTokens, blocks: Sequence[Block], *, bos: int, eos: int) -> Pack:
    """Lay out ``blocks``, one a row. Padding stands at the end, where no causal row looks."""
    rows, first, place, owner, allowed, target = [], [], [], [], [], []
    for index, block in enumerate(blocks):
        answer = list(passage.ids[block.span[0] : block.span[1]]) if block.span else []
        prompt = block.prompt.around(bos, passage.ids)
        rows.append([*prompt, *answer])
        first.append(len(prompt) - 1)
        if not block.span:
            continue
        steps = zip(choices_along(passage.ids, *block.span), [*answer, eos], strict=True)
        for step, (choices, wanted) in enumerate(steps):
            options = choices if step == 0 else [*choices, eos]
            place.append(first[-1] + step)
            owner.append(index)
            allowed.append(options)
            target.append(options.index(wanted))
    longest = max(map(len, rows))
    width = max((len(options) for options in allowed), default=1)
    padded = [options + [-1] * (width - len(options)) for options in allowed]
    return Pack(
        torch.tensor([row + [eos] * (longest - len(row)) for row in rows]),
        torch.tensor(first),
        torch.tensor([block.answerable for block in blocks]),
        torch.tensor(place, dtype=torch.long),
        torch.tensor(owner, dtype=torch.long),
        torch.tensor(padded, dtype=torch.long).view(-1, width),
        torch.tensor(target, dtype=torch.long),
        torch.tensor(sorted(set(passage.ids))),
    )
