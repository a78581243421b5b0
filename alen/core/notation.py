"""What people write when they calculate, in one notation: digits, + - * / ^ ( ) % and =, words where they were."""

from __future__ import annotations

import re

SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
ANNOTATION = re.compile(r"<<([^<>\n]{1,200})>>")
_PLAIN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"[^\S\n]+", " "),
        (r"\\?[$£€¥] ?", ""),
        (r"(?<=\d),(?=\d{3}(?!\d))", ""),
        (r"\.(?!\d)", ";"),
        (r"[−–]", "-"),
        (r"(?<=\d) ?per ?cent\b", "%"),
        (r"(?<=[\d)]) ?\*\* ?(?=[\d(])", "^"),
        (r"\*\*", ""),
        (r"[×·]|\\times|\\cdot| times (?=[\d(])|(?:(?<=[\d)%]) ?|(?<= ))[xX](?: ?(?=[\d(.])| (?=-\d))", " * "),
        (r"÷|\\div", " / "),
        (r"(%|/ ?\d{1,15}\)?) of (?=[\d(.])", r"\1 * "),
        # Up to five words of a unit: "9 days * 14 pages a day", "3 goats * 500/goat".
        (r"(?<=[\d)%])(?: ?/)? ?[^\W\d_]{2,20}(?:[ /][^\W\d_]{1,20}){0,4}(?= {0,2}[-+*/=)])", ""),
        (r"≈|=+", "="),
    )
)


def plain(text: str) -> str:
    """Line by line; where annotations ("<<3*4=12>>") stand in a line they are read in its place. A full stop becomes a
    semicolon, and units before a sign are dropped. Linear in the text's length."""
    if "<<" in text:
        text = "\n".join("; ".join(ANNOTATION.findall(line)) or line for line in text.split("\n"))
    for pattern, replacement in _PLAIN:
        text = pattern.sub(replacement, text)
    return text
