"""A question in a batch is computed as it would be alone."""

from __future__ import annotations

import pytest
import torch

from alen.learning.packing import Block, pack
from alen.learning.reader_loss import pack_loss
from alen.text.reading_prompt import encode_passage, encode_question
from tests.byte_reader import byte_tokenizer, tiny_model

TEXT = "Rollo led the Normans in 911. In 1066 they crossed the sea."


def blocks() -> list[Block]:
    tokenizer = byte_tokenizer()
    passage = encode_passage(tokenizer, TEXT)
    when = TEXT.index("1066")
    return [
        Block(encode_question(tokenizer, "Who led them?"), True, passage.tokens_of(0, 5)),
        Block(encode_question(tokenizer, "Who was the cook?"), False, None),
        Block(encode_question(tokenizer, "When did they cross the sea?"), True, passage.tokens_of(when, when + 4)),
    ]


def test_packed_losses_are_those_of_each_question_alone() -> None:
    tokenizer = byte_tokenizer()
    passage = encode_passage(tokenizer, TEXT)
    model = tiny_model(tokenizer.vocab_size)
    together = pack_loss(model, pack(passage, blocks(), bos=0, eos=1), 1)
    for index, block in enumerate(blocks()):
        alone = pack_loss(model, pack(passage, [block], bos=0, eos=1), 1)
        assert together.answerable_B[index].item() == pytest.approx(alone.answerable_B.item(), abs=1e-5)
        assert together.span_B[index].item() == pytest.approx(alone.span_B.item(), abs=1e-4)
    assert together.span_B[1].item() == 0
    assert (together.span_B[[0, 2]] > 0).all()


def test_every_prediction_has_its_target_among_the_allowed() -> None:
    tokenizer = byte_tokenizer()
    packed = pack(encode_passage(tokenizer, TEXT), blocks(), bos=0, eos=1)
    chosen = packed.allowed_NA.gather(1, packed.target_N[:, None])[:, 0]
    row_ends = packed.tokens_BT.shape[1] - 1
    following = packed.tokens_BT[packed.owner_N, (packed.place_N + 1).clamp(max=row_ends)]
    last = torch.tensor([index in {5, 10} for index in range(len(chosen))])
    assert (chosen[last] == 1).all()
    assert (chosen[~last] == following[~last]).all()


def test_the_question_stands_on_both_sides_of_the_passage() -> None:
    tokenizer = byte_tokenizer()
    packed = pack(encode_passage(tokenizer, TEXT), blocks(), bos=0, eos=1)
    first = tokenizer.decode(packed.tokens_BT[0, 1 : packed.first_B[0] + 1].tolist())
    assert first.index("Who led them?") < first.index(TEXT) < first.rindex("Who led them?")
