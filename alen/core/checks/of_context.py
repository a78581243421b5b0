"""Checks of an answer beside the text that was given with the question, and beside the question itself. No model is
asked.
"""

from __future__ import annotations

from alen.core.checks.looking import check, content_words, coverage
from alen.types import Check

NAMES = ("verbatim", "words_by_answer", "adds_to_question")


def of_context(question: str, answer: str, context: str) -> list[Check]:
    """Whether the answer stands in ``context`` in its own words, what share of the question's words the sentence around
    it holds, and what share of the answer's words the question does not say already. The first two do not apply where
    no text was given."""
    said, asked = set(content_words(answer)), set(content_words(question))
    adds = check("adds_to_question", 1.0 - len(said & asked) / len(said) if said else None, 0.5)
    if not context:
        return [check("verbatim", None), check("words_by_answer", None), adds]
    at = context.lower().find(answer.lower()) if answer else -1
    around = coverage(question, _sentence(context, at, at + len(answer))) if at >= 0 else None
    return [check("verbatim", float(at >= 0), 1.0), check("words_by_answer", around, 0.5), adds]


def _sentence(text: str, start: int, end: int) -> str:
    """The sentence around these characters, with them."""
    first, last = text.rfind(". ", 0, start) + 1, text.find(". ", end)
    return text[first : last if last >= 0 else len(text)]
