"""Takes claims of a mind, a body or a life out of a text by the smallest edit that leaves whole sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from alen.core.first_person.claims import Claim, claims
from alen.core.first_person.letters import plain
from alen.core.first_person.quotation import others_words_hidden
from alen.core.first_person.sentences import sentences
from alen.core.first_person.statements import STATEMENTS

Finds = Callable[[str], tuple[Claim, ...]]

_ADVERBS = (
    r"(?:(?:so|very|really|truly|always|more than|also|just|deeply|would|'d|will|'ll|do|be|am|was|'m|"
    r"personally|honestly|still|firmly) ?)*"
)
_SUBJECT = (
    r"(?=(?:the|a|an|it|this|that|these|those|there|he|she|they|you|we|his|her|its|their|your|each|every|"
    r"all|some|most|many|no|[A-Z0-9])\b)"
)
_EDITS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (rf"\bI(?: |(?=')){_ADVERBS}(?:happy|glad|delighted|pleased|thrilled|excited|honou?red|eager|love|like|"
            rf"want|hope) to "
         r"(?=(?:help|assist|answer|explain|show|find|look|tell|give|provide|describe|list|offer|check|"
         r"clarify)\b)", "I can "),
        (rf"(?:^|(?<=\s))(?:well, |oh, )?I(?: |(?='))?{_ADVERBS}sorry(?: to (?:say|tell you|"
            rf"inform you)(?: that)?| about (?:that|this|it)| for (?:the|any) \w+(?: \w+)?)?"
         r"(?:, but|,| but| that| –| —)\s+", ""),
        (rf"(?:^|(?<=\s))I(?: |(?=')){_ADVERBS}afraid(?: that)?,? (?=I\b|{_SUBJECT[3:]}", ""),
        (rf"(?:^|(?<=\s))I(?: |(?=')){_ADVERBS}(?:think|believe|feel|guess|suppose|imagine|agree|understand|"
            rf"suspect|hope|sure|certain|convinced|confident)(?: that)?,? {_SUBJECT}", ""),
        (rf"(?:^|(?<=\s))(?:in|to) my (?:\w+ )?(?:opinion|view|mind|humble opinion|experience),? {_SUBJECT}", ""),
        (r",? (?:in my (?:\w+ )?(?:opinion|view|experience)|I (?:think|believe|guess|suppose|hope|feel|"
            r"imagine))(?=[.,!?])", ""),
        (r"^(?:happy|glad|delighted|pleased) to (?=(?:help|assist|answer|explain)\b)", "I can "),
    )
)  # fmt: skip
_JOINT = re.compile(r"(?:, (?:but|and|so|yet|although|though|because)|;|\s[–—-]{1,2}|—| but|, (?=I\b))\s*")
_STARTS_CLAUSE = re.compile(
    r"(?:I|you|he|she|it|they|we|the|this|that|these|those|there|a|an|your|its|their)\b(?! I\b)", re.IGNORECASE
)
_LEADS_ON = re.compile(
    r"\W*(?:he|she|they|we|his|her|their|our|it's like|and|but|so|because|that's|which|who|both|together)\b",
    re.IGNORECASE,
)
_ASSENT = re.compile(
    r"\W*(?:yes|no|yeah|yep|sure|of course|absolutely|definitely|certainly|indeed|oh|ah|aww?|well|honestly|"
    r"exactly|always|very much|hi|hello|hey)?\W*",
    re.IGNORECASE,
)
_LISTED = re.compile(r"\s*(?:\d{1,3}[.)]|[-*+•>])?\s*")


@dataclass(frozen=True, slots=True)
class Safe:
    """``text`` may be said. ``findings`` are the claims of the text as it was written, empty when nothing changed."""

    text: str
    changed: bool
    findings: tuple[Claim, ...] = ()


def speak_safely(text: str, evidence: Sequence[str] = (), *, strict: bool = False) -> Safe:
    """``text`` without claims of a mind, a body or a life of the speaker's own: what ALEN may say.

    A text without claims comes back untouched. Otherwise a sentence loses the words that claim ("I think the kiln is
    hot" says "The kiln is hot"), or the part that does, or goes; when nothing is left, a plain statement stands in its
    place. ``evidence`` and ``strict``: see ``claims``. Never empty unless ``text`` is, never with a claim, and the same
    when applied again."""
    find = partial(claims, evidence=evidence, strict=strict)
    found = find(text)
    if not found:
        return Safe(text, False)
    fallback = STATEMENTS[found[0].reason]
    repaired = text
    # What is left of a sentence may claim something when it stands alone, so it is looked at again.
    for _ in range(3):
        repaired = _without(repaired, find, _pieces(repaired, evidence))
        if not find(repaired):
            break
    else:
        repaired = ""
    if not re.search(r"\w\W*\s+\W*\w|\d", repaired):
        repaired = fallback
    return Safe(repaired, True, found)


def _without(text: str, find: Finds, pieces: Sequence[tuple[int, int]]) -> str:
    found = find(text)
    kept: list[str] = []
    gone = ""
    for start, end in pieces:
        sentence = text[start:end]
        here = [claim for claim in found if claim.start < end and claim.end > start]
        if not here:
            if gone == "life" and _LEADS_ON.match(sentence):
                continue
            kept.append(sentence)
            gone = ""
            continue
        edited = _edited(sentence, find)
        if edited:
            kept.append(edited)
        else:
            gone = "courtesy" if all(claim.reason == "courtesy" for claim in here) else "life"
            while kept and _ASSENT.fullmatch(kept[-1]):
                kept.pop()
    return _tidy("".join(kept))


def _pieces(text: str, evidence: Sequence[str]) -> list[tuple[int, int]]:
    """Sentences in characters of the original."""
    plainly = plain(text)
    hidden = others_words_hidden(plainly.text, [plain(piece).text for piece in evidence])
    ends = [plainly.places[end] for _, end in sentences(hidden)]
    return list(zip([0, *ends[:-1]], [*ends[:-1], len(text)], strict=True)) if ends else [(0, len(text))]


def _edited(sentence: str, find: Finds) -> str:
    """The sentence with the claiming words or part left out; empty when it must go."""
    mark = _LISTED.match(sentence)
    lead = mark.group() if mark else ""
    body, tail = sentence[len(lead) :].rstrip(), sentence[len(sentence.rstrip()) :]
    for pattern, replacement in _EDITS:
        shorter = _capital(pattern.sub(replacement, body).strip())
        if shorter != body and _stands(shorter, find):
            return lead + shorter + tail
    joints = list(_JOINT.finditer(body))
    for joint in reversed(joints):
        before = body[: joint.start()].rstrip(" ,;–—-")
        if _stands(before, find):
            return lead + before + "." + tail
    for joint in joints:
        after = body[joint.end() :]
        if _STARTS_CLAUSE.match(after) and _stands(after, find):
            return lead + _capital(after) + tail
    return ""


def _stands(part: str, find: Finds) -> bool:
    """Whether a part can be a sentence of its own: some words with a verb's worth of length, and no claim."""
    return (
        len(re.findall(r"\w+", part)) >= 4 and not _ASSENT.fullmatch(part) and not _is_opening(part) and not find(part)
    )


def _is_opening(part: str) -> bool:
    """ "As a program" and "When the kiln is hot" wait for what follows them."""
    start = (
        r"(?:(?:and|but|so|or) )?(?:as (?!an? )|(?:when|if|while|although|because|since|though|in|on|at|"
        r"with|without|for|to|by|from|during|after|before|despite)\b)"
    )
    return (
        re.match(rf"{start}[^,]*$|(?:\w+ )?as an? (?:(?!\b(?:I|it|you|there|this)\b).)*$", part, re.IGNORECASE)
        is not None
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _tidy(text: str) -> str:
    text = re.sub(r"[ \t]+\n", "\n", text)
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    ended = re.search(r"[.!?…:;\"”')\]*]\s*(?:\S+(?: \S+)?)$", text)
    if ended and not re.search(r"[.!?…\"”')\]*]$", text):
        # A writer that was cut short leaves a word or two, which mean nothing after an edit.
        text = re.sub(r"(?<=[.!?…\"”')\]*])\s+\S+(?: \S+)?$", "", text)
    # A list that lost its items leaves no numbers behind, and a text does not end on what introduces something.
    return re.sub(r"(?m)^\s*(?:\d{1,3}[.)]|[-*+•])\s*$\n?", "", text).strip()
