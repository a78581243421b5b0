"""An answer as a row of words: as written, and in one form for all spellings that mean the same word."""

from __future__ import annotations

import re
from collections.abc import Sequence

from alen.core.equivalence import numerals
from alen.core.equivalence.aliases import ALIAS_STARTS, ALIASES, CAPITAL_ALIASES, LONGEST_ALIAS

_WORD = re.compile(
    r"(?:(?<![\w.)\]])[+-])?\d+(?:[.,]\d+)*(?:[eE][+-]?\d{1,3}\b|(?i:st|nd|rd|th|s|k|mn|bn)\b)?"
    r"|[^\W\d_][^\W_]*(?:'[^\W\d_]+)*(?:(?:\+\+?|#)(?!\w)|(?:(?<=\b\w)|(?<=\b\w\w))-(?!\s*\S))?"
    r"|[%$€£¥₹°#+*/^&-]"
)
_SPACED_THOUSANDS = re.compile(r"(?<![\w.,])\d{1,3}(?:[ \u00a0]\d{3}){1,9}(?![\w])")
_MONEY = re.compile(r"([$€£]\s?\d[\d.,]*)\s?([mMbB])\b")
_INITIALS = re.compile(r"(?<![^\W_])(?:[A-Za-z]\.\s?){2,}")
_ARTICLES = frozenset({"a", "an", "the"})
_DROPPED = frozenset("-/*^$€£¥₹°")
_CONTRACTED = {
    f"{verb}n't": verb for verb in "is are was were do does did has have had could would should must need might".split()
} | {"can't": "can", "cannot": "can", "won't": "will", "shan't": "shall", "ain't": "is"}
_TENS = ((50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


def _roman(value: int) -> str:
    letters = ""
    for size, letter in _TENS:
        count, value = divmod(value, size)
        letters += letter * count
    return letters


_ROMANS = {_roman(value): str(value) for value in range(1, 90)}


def split(text: str) -> list[str]:
    """Words, numbers and meaningful signs of a cleaned text, in its own case. Initials are joined: "U.S." is "US"."""
    if "." in text:
        text = _INITIALS.sub(lambda match: match.group().replace(".", "").replace(" ", "") + " ", text)
    if "$" in text or not text.isascii():
        text = _MONEY.sub(lambda match: f"{match[1]} {'million' if match[2] in 'mM' else 'billion'}", text)
    if " " in text:
        text = _SPACED_THOUSANDS.sub(lambda match: re.sub(r"\s", "", match.group()), text)
    return _WORD.findall(text)


def canonical(written: Sequence[str], lowered: list[str]) -> list[str]:
    """One form for what means the same: numbers by value ("1#" for first), Roman numerals, aliases, spellings.

    Articles, possessive endings and punctuation are gone. ``lowered`` is ``written`` in small letters."""
    if lowered == ["none"]:
        return ["0"]
    out: list[str] = []
    at, last = 0, len(lowered) - 1
    while at <= last:
        word = lowered[at]
        if word[0].isdecimal() or word in numerals.NUMBER_WORDS or (word[0] in "+-" and len(word) > 1):
            number = numerals.read(lowered, at)
            if number is not None:
                # At the end "the eighth" is what "VIII" and "8" are.
                out.append(f"{number.value}#" if number.ordinal and number.end <= last else str(number.value))
                at = number.end
                continue
        at += 1
        if word in _ARTICLES and not (word == "a" and written[at - 1] == "A" and (at <= last or at > 1)):
            continue
        if word in _DROPPED:
            continue
        if word in _CONTRACTED:
            out += _CONTRACTED[word], "not"
            continue
        out.append(_word(written[at - 1], word, ends=at > last > 0, among=last > 0))
    return _aliased([word for word in out if word])


def _word(written: str, word: str, *, ends: bool, among: bool) -> str:
    if "'" in word:
        word = word.removesuffix("'s").replace("'", "")
    if word in _ROMANS and (len(word) > 1 or (ends and written.isupper())):
        return _ROMANS[word]
    if word == "&":
        return "and"
    if word == "%":
        return "percent"
    if word in CAPITAL_ALIASES and among and not written.isupper():
        return word + "_"  # "us", not the country
    return _spelt(word) if len(word) > 5 else word


def _spelt(word: str) -> str:
    """British and American spelling as one."""
    if word.endswith(("our", "ours")):
        return word.replace("our", "or")
    if word.endswith(("tre", "tres")):
        return re.sub(r"tre(?=s?$)", "ter", word)
    return re.sub(r"is(?=(?:e[sd]?|ing|ation)$)", "iz", word)


def _aliased(words: list[str]) -> list[str]:
    if ALIAS_STARTS.isdisjoint(words):
        return words
    out: list[str] = []
    at = 0
    while at < len(words):
        for length in range(min(LONGEST_ALIAS, len(words) - at), 0, -1):
            name = ALIASES.get(tuple(words[at : at + length]))
            if name is not None:
                out.extend(name)
                at += length
                break
        else:
            out.append(words[at])
            at += 1
    return out


def stem(word: str) -> str:
    """The word without its plural ending."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes", "sses", "zes")):
        return word[:-2]
    return word[:-1]
