"""Whether a reply is right, in one place: the same labels for everybody who is compared."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction

from alen.benchmark.tasks.item import GraderKind, Item
from alen.text.grading import is_right, normalise_answer

_LETTER = re.compile(r"^\W*(?:(?:the )?(?:correct )?(?:answer|option)(?: is)?:?\s*)?\(?([A-Z])\)?(?:[.):,]|\s*$)", re.I)
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:\s*/\s*\d+)?|-?\.\d+")
_ANSWER_IS = re.compile(r"(?:answer is|answer:|####|=)\s*\$?(?=-?[\d.])", re.I)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WORDS = {
    word: str(value)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
}


def grade(reply: str, item: Item) -> bool:
    """The label of one reply to a question."""
    return _GRADERS[item.grader](reply, item.golds, item.options)


def chosen_option(reply: str, options: Sequence[str]) -> int | None:
    """Which option a reply means: its letter, its text, or the only one that it mentions; None when that is unclear."""
    texts = [normalise_answer(option) for option in options]
    said = normalise_answer(reply)
    if said in texts:
        return texts.index(said)
    letter = _LETTER.match(reply.strip())
    if letter and LETTERS.index(letter[1].upper()) < len(options):
        return LETTERS.index(letter[1].upper())
    held = [place for place, text in enumerate(texts) if text and f" {text} " in f" {said} "]
    # "Saudi Arabia" mentions the option "Arabia" too: what lies inside a longer option that is there does not count.
    held = [place for place in held if not any(texts[place] in texts[other] for other in held if other != place)]
    return held[0] if len(held) == 1 else None


def number_in(text: str) -> Fraction | None:
    """The number that a reply ends with: what follows "answer is", "####" or the last "=", else its last number."""
    told = [match.end() for match in _ANSWER_IS.finditer(text)]
    found = _NUMBER.search(text[told[-1] :]) if told else None
    numbers = [found[0]] if found else _NUMBER.findall(text)
    if numbers:
        number = numbers[-1].replace(",", "").replace(" ", "")
        return None if re.search(r"/0+$", number) else Fraction(number)
    words = [_WORDS[word] for word in re.findall(r"[a-z]+", text.lower()) if word in _WORDS]
    return Fraction(words[-1]) if words else None


def _choice(reply: str, golds: Sequence[str], options: Sequence[str]) -> bool:
    place = chosen_option(reply, options)
    return place is not None and options[place] in golds


def _number(reply: str, golds: Sequence[str], options: Sequence[str]) -> bool:
    value = number_in(reply)
    return value is not None and value in {number_in(gold) for gold in golds}


def _f1(reply: str, golds: Sequence[str], options: Sequence[str]) -> bool:
    return is_right(reply, golds)


def _label(reply: str, golds: Sequence[str], options: Sequence[str]) -> bool:
    """The first label that is mentioned counts; ``options`` are the labels."""
    said = f" {normalise_answer(reply)} "
    places = {said.find(f" {normalise_answer(label)} "): label for label in sorted(options, key=len)}
    first = min((place for place in places if place >= 0), default=None)
    return first is not None and places[first] in golds


def _word(reply: str, golds: Sequence[str], options: Sequence[str]) -> bool:
    """The first word must be the gold one."""
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", reply.lower())
    return bool(words) and words[0] in {gold.lower() for gold in golds}


_GRADERS: dict[GraderKind, Callable[[str, Sequence[str], Sequence[str]], bool]] = {
    "choice": _choice,
    "number": _number,
    "f1": _f1,
    "label": _label,
    "word": _word,
}
