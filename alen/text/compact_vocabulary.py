"""The few words that some texts are made of, out of a tokenizer's many: what is seldom said needs no weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from alen.errors import BadInput

END, OTHER = 0, 1
"""The slot that ends a text, and the one that stands for every word that is not listed."""

_FIRST = 2


@dataclass(frozen=True)
class CompactVocabulary:
    """``tokens`` are ids of a tokenizer, each once, in ascending order; slots count from 0: the end, the others, then
    these."""

    tokens: tuple[int, ...]
    _slots: dict[int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if list(self.tokens) != sorted(set(self.tokens)) or (self.tokens and self.tokens[0] < 0):
            raise BadInput("tokens", "ids out of order or twice", "ascending ids", "Make it with of_texts.")
        object.__setattr__(self, "_slots", {token: slot for slot, token in enumerate(self.tokens, _FIRST)})

    @classmethod
    def of_texts(cls, texts: Iterable[Sequence[int]], ends: Iterable[int] = ()) -> CompactVocabulary:
        """Of all tokens that occur but for ``ends``, which have a slot of their own."""
        return cls(tuple(sorted({token for text in texts for token in text} - set(ends))))

    def __len__(self) -> int:
        return _FIRST + len(self.tokens)

    def slots(self, tokens: Sequence[int]) -> list[int]:
        return [self._slots.get(token, OTHER) for token in tokens]

    def token(self, slot: int) -> int:
        """Raises BadInput for the end and for the others, which are no single word."""
        if not _FIRST <= slot < len(self):
            raise BadInput("slot", str(slot), f"{_FIRST} to {len(self) - 1}", "The end and the others are no words.")
        return self.tokens[slot - _FIRST]
