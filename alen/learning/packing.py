"""Packing: all questions of a passage in one sequence, each seeing the passage and itself only.

Axis letters: T tokens of the packed sequence, N predictions, A allowed next tokens (padded).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from alen.text.reading_prompt import PassageTokens
from alen.text.spans import choices_along


@dataclass(frozen=True, slots=True)
class Block:
    """A question and, when it has one to learn, the token span [first, last) of its answer."""

    question: tuple[int, ...]
    answerable: bool
    span: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Pack:
    """One packed sequence and what is predicted in it.

    ``first_Q`` are the places (in T) of the last prompt token of each question, ``answerable_Q`` their labels.
    Prediction n of an answer's tokens stands at place ``place_N``, belongs to question ``owner_N``, chooses among
    ``allowed_NA`` (-1 pads) and is right at column ``target_N``. ``starts_A`` are the tokens a span may begin with."""

    tokens_T: Tensor
    positions_T: Tensor
    mask_TT: Tensor
    first_Q: Tensor
    answerable_Q: Tensor
    place_N: Tensor
    owner_N: Tensor
    allowed_NA: Tensor
    target_N: Tensor
    starts_A: Tensor


def pack(passage: PassageTokens, blocks: Sequence[Block], *, bos: int, eos: int) -> Pack:
    """Lay out ``blocks`` after ``passage``. Positions restart at the passage's end for each question, so every
    question sees exactly what it would see alone."""
    prefix = [bos, *passage.ids]
    tokens, positions, owners = list(prefix), list(range(len(prefix))), [-1] * len(prefix)
    first, place, owner, allowed, target = [], [], [], [], []
    for index, block in enumerate(blocks):
        answer = list(passage.ids[block.span[0] : block.span[1]]) if block.span else []
        begin = len(tokens)
        tokens += [*block.question, *answer]
        positions += range(len(prefix), len(prefix) + len(tokens) - begin)
        owners += [index] * (len(tokens) - begin)
        first.append(begin + len(block.question) - 1)
        if not block.span:
            continue
        steps = zip(choices_along(passage.ids, *block.span), [*answer, eos], strict=True)
        for step, (choices, wanted) in enumerate(steps):
            options = choices if step == 0 else [*choices, eos]
            place.append(first[-1] + step)
            owner.append(index)
            allowed.append(options)
            target.append(options.index(wanted))
    owner_T = torch.tensor(owners)
    same = (owner_T[:, None] == owner_T[None, :]) | (owner_T[None, :] == -1)
    mask = same & torch.ones(len(tokens), len(tokens), dtype=torch.bool).tril()
    width = max((len(options) for options in allowed), default=1)
    padded = [options + [-1] * (width - len(options)) for options in allowed]
    return Pack(
        torch.tensor(tokens),
        torch.tensor(positions),
        mask,
        torch.tensor(first),
        torch.tensor([block.answerable for block in blocks]),
        torch.tensor(place, dtype=torch.long),
        torch.tensor(owner, dtype=torch.long),
        torch.tensor(padded, dtype=torch.long).view(-1, width),
        torch.tensor(target, dtype=torch.long),
        torch.tensor(sorted(set(passage.ids))),
    )
