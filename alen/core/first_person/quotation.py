"""Which words of a text are somebody else's: quoted, reported, or evidence that the caller vouches for."""

from __future__ import annotations

import re
from collections.abc import Sequence

HIDDEN = "\x00"
"""Stands for each character of somebody else's words."""

_QUOTES = re.compile(
    r"[“„][^“”„]{1,4000}(?:[”“]|\Z)|«[^«»]{1,4000}(?:»|\Z)|\"[^\"\n]{1,4000}(?:\"|$)|"
    r"(?<!\w)'(?=\w)[^\n]{1,300}?(?<=[\w.,!?…])'(?!\w)",
    re.MULTILINE,
)
_OWN_WORDS = re.compile(
    r"\b(?:I|i|me|my|mine|myself)\b|\b(?:answer|repl(?:y|ies)|respon[ds]e?s?|version|rewritten|revised|"
    r"follow(?:s|ing))\b[^.!?]*[:,]\s*$"
)
_SAY = (
    r"(?:said|says?|wrote|writes|asked|asks|replied|replies|answered|answers|cried|shouted|whispered|sang|sings|"
    r"exclaimed|"
    r"told (?:him|her|them|us|\w+)|declared|explained|added|states?|stated|reads?|announced|recalled|remarked|insisted)"
)
_REPORTED = re.compile(
    r"(?:^|(?<=[.!?\n]\s))(?:(?:then|and|but|so|later|once),? )?"
    r"(?:[Hh]e|[Ss]he|[Tt]hey|(?:[Tt]he|[Hh]is|[Hh]er|[Tt]heir|[Aa]n?|[Oo]ne) \w+(?: \w+){0,3}?|"
    r"[A-Z]\w+(?: [A-Z]\w+){0,3}) "
    r"(?:\w+ly |once |then |later |also )?" + _SAY + r"(?: [\w' ]{1,40})?[:,] (?P<said>[^\n]*?(?:[.!?…]+(?=\s|$)|$))",
    re.MULTILINE,
)
_ITSELF = re.compile(r"\b(?:alen|assistant|ai|bot|chatbot|model|program|answer|response|reply)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?…]\s|\n\s*\n")
NEAR = 300
"""Characters around a quotation in which its frame is looked for."""
_SHORTEST = 3
"""Words; shorter evidence hides nothing unless it is the whole text, because "I" in a passage would hide every "I"."""


def others_words_hidden(text: str, evidence: Sequence[str] = ()) -> str:
    """``text`` of the same length, with everything that is not the speaker's own word made ``HIDDEN``.

    A quotation counts when a sentence of another's frames it: a reply that is nothing but a quotation, or follows "my
    answer is", is the speaker's own."""
    for piece in evidence:
        text = _without(text, piece)
    hidden = list(text)
    for match in _QUOTES.finditer(text):
        if _is_framed(text, *match.span()):
            _hide(hidden, match.start() + 1, match.end() - 1)
    for match in _REPORTED.finditer(text):
        if not _ITSELF.search(text[match.start() : match.start("said")]):
            _hide(hidden, *match.span("said"))
    return "".join(hidden)


def is_copied(sentence: str, evidence: Sequence[str]) -> bool:
    """Whether a whole sentence stands word for word in a piece of evidence, white space aside."""
    words = sentence.split()
    return len(words) >= _SHORTEST and any(" ".join(words) in piece for piece in evidence)


def _is_framed(text: str, start: int, end: int) -> bool:
    """Whether the sentence around a quotation says whose it is, or at least what it is."""
    begins = max((match.end() for match in _SENTENCE_END.finditer(text, max(0, start - NEAR), start)), default=0)
    before = _QUOTES.sub(" ", text[max(begins, start - NEAR) : start])
    ends = _SENTENCE_END.search(text, end, end + NEAR)
    after = _QUOTES.sub(" ", text[end : ends.start() if ends else end + NEAR])
    if _OWN_WORDS.search(before) or re.search(r"\bI (?:said|say|replied|answered|whispered)\b", after):
        return False
    return len(re.findall(r"[^\W\d_]{2,}", before + " " + after)) >= 2


def _hide(letters: list[str], start: int, end: int) -> None:
    """All but the last mark, which may end a sentence."""
    for place in range(start, end):
        if not (letters[place] in ".!?" and place == end - 1):
            letters[place] = HIDDEN


def _without(text: str, piece: str) -> str:
    words = piece.split()
    if not words or (len(words) < _SHORTEST and words != text.split()):
        return text
    pattern = r"(?<!\w)" + r"\s+".join(re.escape(word) for word in words) + r"(?!\w)"
    return re.sub(pattern, lambda match: re.sub(r"\w", HIDDEN, match.group()), text)
