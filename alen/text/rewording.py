"""A question as others might put it, by rules that keep its meaning: what is taught once is asked in many ways."""

from __future__ import annotations

import random
import re

_OPENINGS = (
    "{q}",
    "{q} please",
    "Please tell me: {q}",
    "Can you say {q}",
    "I wonder: {q}",
    "Quick question, {q}",
    "Do you remember {q}",
)
_UNASKED = frozenset(
    "a an and are at be been by can could did do does for from had has have how in is it its many much of on or that "
    "the their there this to was were what when where which who whom whose why will with would".split()
)
_SYNONYMS = (
    (r"^what (?:is|was) the name of\b", "what is"),
    (r"^in (?:what|which) year\b", "when"),
    (r"^(?:what|which) year\b", "when"),
    (r"^when\b", "in which year"),
    (r"^who\b", "which person"),
    (r"^where\b", "in which place"),
    (r"^how many\b", "what number of"),
    (r"^how long\b", "of what length"),
    (r"^what (?=\w+ (?:does|do|did|is|was|are|were))", "which "),
    (r"^which\b", "what"),
    (r"^at what\b", "at which"),
)


def reword(question: str, chance: random.Random) -> str:
    """One of many: another question word, another opening, or only the words that matter."""
    bare = question.strip().rstrip("?!. ")
    kind = chance.random()
    if kind < 0.25:
        return keywords(bare, chance)
    lowered = bare[:1].lower() + bare[1:]
    for pattern, other in _SYNONYMS:
        if kind < 0.75 and re.search(pattern, lowered, re.IGNORECASE):
            lowered = re.sub(pattern, other, lowered, count=1, flags=re.IGNORECASE)
            break
    said = chance.choice(_OPENINGS).format(q=lowered)
    said = said[:1].upper() + said[1:] if chance.random() < 0.7 else said
    return said + chance.choice(("?", "?", ""))


def asked_otherwise(question: str) -> str:
    """A wording that ``reword`` never makes: what was trained on those is measured on this."""
    bare = question.strip().rstrip("?!. ")
    return f"Somebody wants to know {bare[:1].lower() + bare[1:]}, what do I say?"


def keywords(question: str, chance: random.Random) -> str:
    """What somebody types who is in a hurry, sometimes in another order."""
    words = [word for word in question.split() if word.lower().strip(",:;'\"") not in _UNASKED]
    if len(words) < 2:
        return question
    if chance.random() < 0.5:
        place = chance.randrange(1, len(words))
        words = words[place:] + words[:place]
    return " ".join(words)
