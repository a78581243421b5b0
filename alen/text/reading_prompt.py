"""The reader's prompt: the passage first, so that its keys and values serve every question, then the question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

QUESTION = "\n\nQuestion: {question}\nAnswer:"


class OffsetTokenizer(Protocol):
    """What the prompt needs of a tokenizer."""

    def encode(self, text: str) -> list[int]: ...
    def encode_with_offsets(self, text: str) -> tuple[list[int], list[tuple[int, int]]]: ...


@dataclass(frozen=True, slots=True)
class PassageTokens:
    """A passage as tokens. ``ids`` leaves out the begin mark that precedes it in the model's input; ``spans`` are the
    tokens' (start, end) character offsets in ``text``, a token's leading space included."""

    text: str
    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]

    def tokens_of(self, start: int, end: int) -> tuple[int, int] | None:
        """Token range [first, last) that covers the characters [start, end), or None when there is no such token."""
        inside = [i for i, (a, b) in enumerate(self.spans) if a < end and b > start and b > a]
        return (inside[0], inside[-1] + 1) if inside else None

    def characters_of(self, first: int, last: int) -> tuple[int, int]:
        """Character range of the tokens [first, last), without white space at its ends."""
        start, end = self.spans[first][0], self.spans[last - 1][1]
        while start < end and self.text[start].isspace():
            start += 1
        while end > start and self.text[end - 1].isspace():
            end -= 1
        return start, end


def encode_passage(tokenizer: OffsetTokenizer, text: str) -> PassageTokens:
    """The passage's tokens. A space goes before it, so that its first word is the same token as it is further on."""
    ids, spans = tokenizer.encode_with_offsets(" " + text)
    return PassageTokens(text, tuple(ids), tuple((max(a - 1, 0), max(b - 1, 0)) for a, b in spans))


def encode_question(tokenizer: OffsetTokenizer, question: str) -> tuple[int, ...]:
    """The tokens that follow the passage; the next token is the answer's first, or the end mark for "none here"."""
    return tuple(tokenizer.encode(QUESTION.format(question=question.strip())))
