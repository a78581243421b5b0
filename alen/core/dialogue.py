"""A message that leans on what was said before, as a question that stands alone: "When was it built?" after a question
about the Halden kiln asks when the Halden kiln was built.

By words and their places alone: what does not clearly lean on a turn before stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from alen.thought import answer_type, entities, numbers

_PERSON = frozenset("he she him her his hers".split())
_POSSESSIVE = frozenset("his its their hers".split())
_PLACE = frozenset("there".split())
_PRONOUN = re.compile(r"\b(he|she|him|her|his|hers|it|its|they|them|their|there|this one|that one)\b", re.I)
_EMPTY_IT = re.compile(
    r"\bit (?:is|was|'s|takes?|took|rains?) (?:true|possible|that|\w+ to)\b|"
    r"\b(?:is|was) it (?:true|possible|right|that|\w+ to)\b|\b(?:is|are|was|were) there\b",
    re.I,
)
_ELLIPSIS = re.compile(
    r"^(?:and|but|what about|how about|and what about|and how about)\s+(?:(?:in|on|at|for|of|by|with|to)\s+)?"
    r"(?P<new>.{1,80}?)\s*\?*$",
    re.I,
)
_ASKS = re.compile(
    r"\b(?:who|whom|whose|what|which|when|where|why|how|is|are|was|were|did|does|do|can|could|has)\b", re.I
)
# Words after a noun that are none themselves.
_NO_NOUN = (
    r"(?!(?:is|was|are|were|has|have|had|do|does|did|of|in|at|on|to|for|from|by|with|get|go|come|make|cost|weigh|look|"
    r"work|live|stand|hang|lie|open|close|begin|start|end|keep|give|use|need|hold|made|built|born|sold|kept|held|found|"
    r"called|\w+ed)\b)"
)
_NAME = re.compile(
    r"\b(?P<the>the\s+)?(?P<name>[A-Z][\w'’-]*(?:\s+(?:&|and|of|of the|de|von|van)\s+[A-Z][\w'’-]*|\s+[A-Z][\w'’-]*)*)"
    rf"(?P<noun>\s+{_NO_NOUN}[a-z][\w-]+)?"
)
_THING = re.compile(rf"\b(?:the|my|our|your|this|that)\s+[a-z][\w-]*(?:\s+{_NO_NOUN}[a-z][\w-]*)?")
_AFTER_HER = re.compile(
    r"her\s+(?!(?:is|was|in|on|at|to|for|from|with|by|as|and|or|when|after|before|there)\b)[a-z]", re.I
)


@dataclass(frozen=True)
class Turn:
    """What was asked and what was answered; None where ALEN abstained."""

    question: str
    answer: str | None


def resolve(message: str, turns: Sequence[Turn]) -> str:
    """The message as it would be asked without what came before; ``turns`` are oldest first, resolved themselves."""
    if not turns:
        return message
    shortened = _ELLIPSIS.match(message.strip())
    if shortened and not _ASKS.search(shortened["new"]):
        return _replaced(turns[-1].question, _named(shortened["new"], turns)) or message
    return _named(message, turns)


def _named(message: str, turns: Sequence[Turn]) -> str:
    """With the thing itself in place of its pronouns, unless the message names something they could mean."""
    if _names(message) or _EMPTY_IT.search(message):
        return message
    pronouns = {match.group(1).lower() for match in _PRONOUN.finditer(message)}
    meant = {pronoun: _meant(pronoun, turns) for pronoun in pronouns}

    def name(match: re.Match[str]) -> str:
        word = match.group(1)
        thing = meant[word.lower()]
        if thing is None:
            return word
        if word.lower() in _PLACE:
            return f"in {thing}"
        owns = word.lower() in _POSSESSIVE or _AFTER_HER.match(message, match.start())
        return thing + ("'" if thing.endswith("s") else "'s") if owns else thing

    found = _PRONOUN.sub(name, message)
    return found[:1].upper() + found[1:]


def _meant(pronoun: str, turns: Sequence[Turn]) -> str | None:
    for turn in reversed(turns):
        kind = answer_type(turn.question)
        said = turn.answer if turn.answer and len(turn.answer.split()) <= 6 else None
        names = _names(turn.question)
        if pronoun in _PERSON:
            if said is not None and (kind == "human" or _is_name(said)):
                return said
            if names and kind != "human":
                return names[-1]
        elif pronoun in _PLACE:
            if said is not None and kind == "location":
                return said
        elif names or _things(turn.question):
            return (names or _things(turn.question))[-1]
        elif said is not None and kind == "entity":
            return said
    return None


def _replaced(question: str, new: str) -> str | None:
    """The question before with ``new`` in the place of what is of its kind; None where nothing is."""
    new = new.strip()
    for kind in (numbers, _names, _things):
        old, fresh = kind(question), kind(new)
        if old and fresh:
            at = question.rfind(old[-1])
            return question[:at] + new + question[at + len(old[-1]) :]
    return None


def _names(text: str) -> tuple[str, ...]:
    """Names with their article and, after one, the noun that they belong to: "the Halden kiln"."""
    known = {part for name in entities(text) if name != "I" for part in name.split()}
    found = []
    for match in _NAME.finditer(text):
        if match["name"].split()[0] in known:
            found.append((match["the"] or "") + match["name"] + ((match["noun"] or "") if match["the"] else ""))
    return tuple(found)


def _things(text: str) -> tuple[str, ...]:
    return tuple(_THING.findall(text))


def _is_name(text: str) -> bool:
    return all(word[:1].isupper() for word in text.split())
