"""The reader's prompt: the question before the passage, so that a causal model reads the passage for it, and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

BEFORE = "Question: {question}\nPassage:"
AFTER = "\n\nQuestion: {question}\nAnswer:"


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


@dataclass(frozen=True, slots=True)
class ReadingPrompt:
    """The tokens round the passage. What comes next is the answer's first token, or the end mark for "none here"."""

    before: tuple[int, ...]
    after: tuple[int, ...]

    def around(self, begin: int, passage: tuple[int, ...]) -> list[int]:
        """The whole prompt, from the begin mark on."""
        return [begin, *self.before, *passage, *self.after]


def encode_question(tokenizer: OffsetTokenizer, question: str) -> ReadingPrompt:
    """The tokens that stand round the passage."""
    before, after = (tuple(tokenizer.encode(part.format(question=question.strip()))) for part in (BEFORE, AFTER))
    return ReadingPrompt(before, after)
