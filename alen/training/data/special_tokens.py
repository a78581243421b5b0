"""The tokens of a vocabulary that are no text, by what they are for."""

from __future__ import annotations

from dataclasses import dataclass

from tokenizers import Tokenizer as Fast

from alen.errors import BadInput
from alen.text.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """``end`` closes a document, ``around`` are the first and the last token of what an encoder reads, ``pad`` fills
    rows up and ``mask`` stands for a token that is to be found; None where the vocabulary has none. ``all`` are those
    and whatever else is no text."""

    end: int
    around: tuple[int, int] | None
    pad: int | None
    mask: int | None
    all: frozenset[int]


def fast_copy(tokenizer: Tokenizer) -> Fast:
    """The library's own, which encodes many texts at once; it pads and truncates nothing."""
    fast = Fast.from_str(tokenizer.to_json())
    fast.no_padding()
    fast.no_truncation()
    return fast


def special_tokens(tokenizer: Tokenizer) -> SpecialTokens:
    """By the names of BERT and RoBERTa. Raises BadInput when nothing can end a document."""
    fast = fast_copy(tokenizer)

    def named(*names: str) -> int | None:
        return next((token for name in names if (token := fast.token_to_id(name)) is not None), None)

    first, last = named("[CLS]", "<s>"), named("[SEP]", "</s>")
    around = None if first is None or last is None else (first, last)
    pad, mask = named("[PAD]", "<pad>"), named("[MASK]", "<mask>")
    end = tokenizer.eos_id if tokenizer.eos_id is not None else last
    if end is None:
        allowed = "one with an end token, such as <|endoftext|> or [SEP]"
        raise BadInput("tokenizer", "one without an end token", allowed, "Choose another tokenizer.")
    special = {token for token, added in fast.get_added_tokens_decoder().items() if added.special}
    known = {token for token in (end, pad, mask, *(around or ())) if token is not None}
    return SpecialTokens(end, around, pad, mask, frozenset(special | known))
