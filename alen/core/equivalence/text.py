"""The text of an answer: SQuAD's normalisation (Rajpurkar et al., 2016), and the cleaning of Unicode before parsing."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from fractions import Fraction

MOST_DIGITS = 400
"""A longer number is text: nobody means its value, and exact arithmetic on it takes long."""

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NOT_WORD = re.compile(r"[^\w\s.%-]|(?<!\d)[.%-]|[.-](?!\d)")
_NUMBER = re.compile(r"^[^\d-]{0,2}(-?\d+(?:\.\d+)?)\s*(.*)$")
_NUMBER_WORDS = {
    word: str(value)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
}

# Soft hyphen, zero-width characters, marks of direction, variation selectors, byte order mark.
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
_SUPERSCRIPT = re.compile("[\u00b2\u00b3\u00b9\u2070\u2074-\u2079\u207b]+")
_VULGAR = re.compile("(?<=\\d)(?=[\u00bc-\u00be\u2150-\u215e])")
_MARKS = re.compile("(?<=[A-Za-z])[\u0300-\u036f]+")
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d", "-"),
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u2032`\u00b4", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        "\u2044": "/",
        "\u00d7": "x",
        "\u0142": "l",
        "\u0141": "L",
        "\u00f8": "o",
        "\u00d8": "O",
        "\u0111": "d",
        "\u0131": "i",
        "\u00f0": "d",
        "\u00fe": "th",
        "\u00e6": "ae",
        "\u00c6": "Ae",
        "\u0153": "oe",
        "\u0152": "Oe",
        "\u00df": "ss",
    }
)
# Cyrillic and Greek letters that look like Latin ones (the common part of Unicode's confusables table, UTS 39).
_LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420"
    "\u0421\u0422\u0423\u0425\u0406\u0408\u0405\u03bf\u03b1\u03bd\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d"
    "\u039f\u03a1\u03a4\u03a5\u03a7",
    "aeopcyxijsABEKMHOPCTYXIJSoavABEZHIKMNOPTYX",
)
_FOREIGN = re.compile("[\u0370-\u03ff\u0400-\u04ff]")
_WORD = re.compile(r"\w+")


def normalise(text: str) -> str:
    """Lower case, no articles, no punctuation except inside numbers, number words as digits, single spaces."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text.lower())
    text = _ARTICLES.sub(" ", _NOT_WORD.sub(" ", text))
    return " ".join(_NUMBER_WORDS.get(token, token) for token in text.split())


def number_of(text: str) -> tuple[Fraction, str] | None:
    """The leading number and what follows it ("1,240 degrees" -> (1240, "degrees")), or None."""
    match = _NUMBER.match(normalise(text))
    if not match or len(match.group(1)) > MOST_DIGITS:
        return None
    return Fraction(match.group(1)), match.group(2).strip()


def overlap(first: str, second: str) -> float:
    """Token F1 of two answers, 0..1."""
    a, b = Counter(normalise(first).split()), Counter(normalise(second).split())
    shared = sum((a & b).values())
    return 2.0 * shared / (sum(a.values()) + sum(b.values())) if shared else 0.0


def clean(text: str) -> str:
    """The same text as a person sees it: compatibility forms (NFKC), no invisible characters, plain quotes and dashes,
    no accents on Latin letters, lookalikes of other alphabets as Latin. Case stays. Linear in the length."""
    if text.isascii():
        return text
    text = _INVISIBLE.sub("", text)
    text = _VULGAR.sub(" ", text)
    text = _SUPERSCRIPT.sub(lambda match: "^" + unicodedata.normalize("NFKC", match.group()), text)
    text = unicodedata.normalize("NFKC", text).translate(_PLAIN)
    text = unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", text)))
    return _WORD.sub(lambda match: _latin(match.group()), text) if _FOREIGN.search(text) else text


def _latin(word: str) -> str:
    """The word in Latin letters when every other letter in it looks like one, else as it is."""
    folded = word.translate(_LOOKALIKES)
    return folded if folded.isascii() else word
