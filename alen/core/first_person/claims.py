"""Finds where a text says, in its own voice, what only a person could say of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alen.core.first_person.judging import Reason, judge, reason_of
from alen.core.first_person.letters import plain
from alen.core.first_person.predicates import Predicate, Token, inverted_denial, predicate, tokens
from alen.core.first_person.quotation import is_copied, others_words_hidden
from alen.core.first_person.sentences import sentences
from alen.core.first_person.statements import is_statement
from alen.core.first_person.words import A_PROGRAM, DEEDS, MINDED, MY_OWN_THINGS, STRONG

FURTHEST = 30
"""Words of a predicate that are looked at."""

_SUBJECTS = frozenset({"i"})
_MANY = frozenset({"we", "us", "our", "ours", "ourselves"})
_NUMBERED = re.compile(
    r"(?:war|part|type|class|phase|chapter|volume|act|book|stage|level|appendix|title|article|section|grade|"
    r"category|group|division|schedule)$",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Z]\w+$")
_OPENERS = frozenset(
    "and but or so because when while if although though since as that what where who how why then now today "
    "yesterday tomorrow sometimes "
    "often usually always never yes no well oh ok okay sure hello hi hey thanks sorry maybe perhaps also here "
    "there once after before until "
    "whenever wherever unless not nor neither do does did am was can could will would should have had may might "
    "must which lately things all "
    "everything anything whatever honestly like still yet indeed please dear friend someday lately tonight "
    "nowadays soon later earlier recently mostly".split()
)
_ONLY_AFTER_THE_PRONOUN = frozenset(
    "am 'm 've 'll have do don ca will can could would love feel want think believe hate miss wish hope live "
    "need like know dream fear "
    "adore never always really just also still felt loved wanted".split()
)
_THIRD = frozenset(
    "was is has had of began ended were and or saw which took made with in by to at on became did".split()
)
_ME_IN_SERVICE = re.compile(
    r"\b(?:let|ask|tell|give|show|send|provide|allows?|helps?|excuse|teach|taught|told|asked|correct|inform|"
    r"lets|enables?|use|using|contact|"
    r"gave|given|remind|made available to|available to|known to|designed|built|trained|programmed|created) me\b|"
    r"\b(?:for|of) me to\b"
)
_ME_LATER = re.compile(r"\bme (?:to )?(?P<verb>[a-z]+)")
_AS = re.compile(
    r"(?:^|[,.;:(*\"]\s*|\b(?:and|but|so|that|speaking|because|work|working|worked|trained|serve|served|me|"
    r"you)\s+)(?:as|being|like) (?P<who>an? [^,.;!?]{1,60})"
)
_AS_A_THING = re.compile(
    r"an? (?:result|rule|consequence|matter|whole|reference|reminder|start|resort|step|example|note|summary|"
    r"bonus|source|guide|general|"
    r"few|little|lot|first|last|second|side|follow|short|quick|list|table|number|percentage|way|means|sign|sort|"
    r"kind of|replacement|"
    r"response|reply|answer|precaution|courtesy|token|basis|backup|check|alternative|large|small|good|great|"
    r"single|simple)\b"
)
_PERSON = re.compile(
    r"\ban? (?:[\w-]+ ){0,3}?(?:human|person|man|woman|boy|girl|child|friend|doctor|nurse|teacher|mother|father|"
    r"mom|mum|dad|parent|"
    r"grandmother|grandfather|soldier|believer|christian|muslim|scientist|writer|being|widow|citizen|"
    r"professional|sentient \w+|conscious \w+)\b"
)
_WITHOUT_I = re.compile(
    r"^\W*(?:(?:oh|well|yes|no|aww?|sure|hi|hello|hey|dear|so|very|really|truly|always|just|deeply|and|but|also|"
    r"of course),? )*"
    r"(?:(?:love|loved|loving|miss|missing|missed|hate|hated|adore|cherish)(?:d)? (?:you|it|him|her|them|this|"
    r"that|my)\b"
    r"|(?:happy|glad|sad|excited|thrilled|delighted|honou?red|grateful|proud|pleased|thankful|sorry|heartbroken|"
    r"overjoyed|relieved|curious|jealous)"
    r" (?:to|that|you|about|of you|for (?:you|your|the chance))\b(?!.*\b(?:he|she|they)\b)"
    r"|(?:hope|hoping|wish|wishing|longing|dreaming|dying|yearning) (?:you|this|that|to|for|it)\b|can(?:no|"
    r"')t wait\b|looking forward\b"
    r"|feeling (?:so |very |really |a bit |a little )?(?:happy|sad|good|great|tired|lonely|blessed|grateful|"
    r"loved|alive|down|blue|better|fine|well)\b[^,]*$"
    r"|it(?:'s| is| was| has been) (?:such |really |truly |always )*(?:an? )?(?:great |real |true |"
    r"huge )?(?:pleasure|honou?r|joy|delight|privilege) to\b"
    r"|(?:sending|with) (?:all )?(?:much |lots of |my )?love\b)"
)
_ITSELF = re.compile(
    r"\b(?:alen|this (?:ai|program|assistant|chatbot|bot|language model)|your (?:ai|chatbot|(?:\w+ )?assistant|"
    r"faithful \w+)) "
    r"(?:(?:really|truly|also|always|just|does|can|will|would|is|has|was|so|very|deeply|"
    r"'s) )*(?P<what>[a-z]+(?: [a-z]+){0,4})"
)
_NOT = re.compile(r"\b(?:not|no|never|cannot|without|neither|nor)\b|n't\b")
_TOGETHER = re.compile(
    r"\bwe (?:can |could |may |might |must |will |should |first |then |now |also |cannot |do not |"
    r"don't )*(?:see|find|get|know|have (?:the|an?|to|that)|obtain|"
    r"repeat|multiply|add|divide|subtract|compute|calculate|use|compare|assume|conclude|need|take|start|test|"
    r"count|check|look)\b"
    r"|\b(?:gives?|tells?|lets?|shows?|allows?|helps?|let) us\b|\bour (?:solar|planet|galaxy|sun|universe|"
    r"sources?|data|example|case|answers?|"
    r"understanding|knowledge|number|result|question|equation|language model|own)\b"
)
"""The "we" of an explanation, which takes the reader along."""
_WORKING = re.compile(
    r"we (?:can |could |may |must |will |should |first |then |now |also |need to |have to )*(?:see|find|get|obtain|"
    r"repeat|multiply|add|divide|subtract|compute|calculate|use|compare|conclude|count|solve|write|substitute|simplify)\b"
)
"""A step of a calculation, which the reader takes as well."""
_OPENS = re.compile(
    r"(?:^|[,;:.(]\s*|\b(?:then|so|and|first|now|next|finally|thus|hence|therefore)\s+)$", re.IGNORECASE
)
_A_MINE = re.compile(
    r"\b(?:an?|the|this|that|each|every|his|her|its|their|your|one|coal|gold|silver|copper|iron|lead|salt|tin|"
    r"diamond|land|sea|naval|anti-tank)\s+(?:\w+\s+)?$|\bto $",
    re.IGNORECASE,
)
_A_TITLE = re.compile(r"My [A-Z]\w+ [A-Z]")
_TITLE = re.compile(r"[Mm]y [A-Z]\w+ (?:[A-Z]|of|and)|\w+ My [A-Z]")


@dataclass(frozen=True, slots=True)
class Claim:
    """Characters ``start`` to ``end`` of a text, and why a program cannot mean them."""

    start: int
    end: int
    text: str
    reason: Reason


def claims(text: str, evidence: Sequence[str] = (), *, strict: bool = False) -> tuple[Claim, ...]:
    """Every claim of a mind, a body or a life that ``text`` makes in its own voice, in order.

    Quotations and reported speech are other people's. ``evidence`` are texts that the caller shows as somebody else's
    words, such as the span of a passage: where ``text`` repeats one of them word for word (or a whole sentence of one),
    that part is not the speaker's. English only.

    ``strict`` is for what a language model wrote: whatever it says of itself, or of a "we" that it counts itself among,
    is a claim, because it knows nothing about itself. Only the sentences of ``statements`` are not."""
    plainly = plain(text)
    shown = [" ".join(plain(piece).text.split()) for piece in evidence]
    hidden = others_words_hidden(plainly.text, shown)
    found = []
    for start, end in sentences(hidden):
        if is_copied(plainly.text[start:end], shown) or (strict and is_statement(plainly.text[start:end])):
            continue
        for left, right, reason in (in_own_voice if strict else of_sentence)(hidden[start:end]):
            begin, stop = plainly.places[start + left], plainly.places[min(start + right, len(plainly.text))]
            found.append(Claim(begin, stop, text[begin:stop], reason))
    return tuple(sorted(found, key=lambda claim: (claim.start, claim.end)))


def of_sentence(sentence: str) -> Iterator[tuple[int, int, Reason]]:
    """(start, end, reason) of each claim of one sentence in plain letters; of several about one place the first."""
    words = tokens(sentence)
    subjects = [place for place, token in enumerate(words) if _is_speaker(words, place, sentence)]
    denied: list[tuple[int, int]] = []
    for number, place in enumerate(subjects):
        until = subjects[number + 1] if number + 1 < len(subjects) else len(words)
        said = predicate(words, place, min(until, place + FURTHEST))
        if inverted_denial(words, place):
            said = Predicate(said.rest, True, said.never, False, said.be, said.have, said.modal, said.do, said.end)
        reason = judge(said)
        if reason:
            yield words[place].start, said.end, reason
        elif said.negated or said.rest.startswith("no "):
            before_but = re.search(r"\bbut\b", sentence[words[place].start : said.end])
            denied.append((words[place].start, words[place].start + before_but.start() if before_but else said.end))
    yield from _of_other_forms(sentence, words, denied)


def in_own_voice(sentence: str) -> Iterator[tuple[int, int, Reason]]:
    """(start, end, reason) of each claim of one sentence; without one, of the first word by which the speaker names
    itself."""
    found = list(of_sentence(sentence))
    if found:
        yield from found
        return
    words, shouted = tokens(sentence), sentence.isupper()
    for place, token in enumerate(words):
        if _is_speaker(words, place, sentence) or _names_itself(sentence, token, shouted):
            yield token.start, token.end, reason_of(sentence[token.start : token.end + 45].lower())
            return


def _names_itself(sentence: str, token: Token, shouted: bool) -> bool:
    before, after = sentence[max(0, token.start - 15) : token.start], sentence[token.start : token.end + 40]
    if token.word == "mine":
        return not _A_MINE.search(before)
    if token.word == "my":
        return not (_A_TITLE.match(after) or (sentence[token.start] == "M" and re.search(r"[A-Z]\w+ $", before)))
    if token.word in {"me", "myself"}:
        return _is_pronoun(sentence, token, shouted)
    works = _WORKING.match(after.lower()) and _OPENS.search(before)
    return token.word in _MANY and not after.startswith("US") and not works


def _of_other_forms(
    sentence: str, words: Sequence[Token], denied: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int, Reason]]:
    lowered, shouted = sentence.lower(), sentence.isupper()
    speaks = any(token.word in {"i", "my", "me", "myself", "mine"} for token in words)
    for token in words:
        in_denial = any(start <= token.start < end for start, end in denied)
        after = lowered[token.end : token.end + 80].lstrip()
        if token.word == "my" and not _is_my_own(sentence, token, after, in_denial):
            yield token.start, min(len(sentence), token.end + len(after.split(",")[0]) + 1), reason_of(after[:40])
        elif (
            token.word in {"me", "mine", "myself"}
            and _is_pronoun(sentence, token, shouted)
            and not _is_service(lowered, token, in_denial)
        ):
            yield token.start, token.end, reason_of(lowered[max(0, token.start - 40) : token.end + 20])
        elif token.word in _MANY and sentence[token.start : token.end] != "US":
            near = lowered[max(0, token.start - (30 if token.word == "us" else 0)) : token.end + 45]
            if STRONG.search(near) or not _TOGETHER.search(lowered[max(0, token.start - 8) : token.end + 30]):
                yield token.start, token.end, reason_of(near)
    for match in _AS.finditer(lowered):
        who = match.group("who")
        if (
            speaks
            and not _AS_A_THING.match(who)
            and not A_PROGRAM.match(who)
            and (match.start() < 3 or _PERSON.match(who))
        ):
            yield match.start("who"), match.end("who"), "identity"
    without = _WITHOUT_I.match(lowered)
    if without:
        yield without.start(), without.end(), reason_of(without.group())
    for match in _ITSELF.finditer(lowered):
        if MINDED.match(match.group("what")) and not _NOT.search(match.group()):
            yield match.start(), match.end(), reason_of(match.group("what"))


def _is_speaker(words: Sequence[Token], place: int, sentence: str) -> bool:
    """Whether a token is the pronoun: not a Roman numeral, an initial, the number of an item or a variable."""
    token = words[place]
    if token.word not in _SUBJECTS:
        return False
    following = words[place + 1] if place + 1 < len(words) else None
    before = sentence[words[place - 1].start : words[place - 1].end] if place else ""
    if following is None:
        # A writer cut short: what would have followed cannot be known.
        return (
            sentence[token.start] == "I"
            and not _NUMBERED.match(before)
            and not (_NAME.match(before) and before.lower() not in _OPENERS)
        )
    if following.word in {"/", ")", "]", "=", "<", ">"} or (
        following.word in {"-", ":", "."} and following.start == token.end and place == 0
    ):
        return False
    following_text = sentence[following.start : following.end]
    if (following.start == token.end and following.word == "-") or sentence[token.start - 1 : token.start] in {
        "'",
        "-",
    }:
        return False
    if (
        place
        and following_text.istitle()
        and len(following_text) > 1
        and following.word not in _ONLY_AFTER_THE_PRONOUN | {"am", "was"}
    ):
        return False
    if before and _NUMBERED.match(before) and before.lower() not in _OPENERS and not before.endswith("ly"):
        return following.word in _ONLY_AFTER_THE_PRONOUN
    if (
        _NAME.match(before)
        and before.lower() not in _OPENERS
        and (following.word in _THIRD or following.word in {",", ".", ";", ")"})
    ):
        return False
    return (
        sentence[token.start] == "I"
        or following.word[0] in "'"
        or (following.word.isalpha() and following.word not in _THIRD - {"was", "had"})
    )


def _is_pronoun(sentence: str, token: Token, shouted: bool) -> bool:
    """Not a coal mine, and not a word of a title."""
    # Only what stands right before: looking from the start of a long sentence at each of its words takes minutes.
    before = sentence[max(0, token.start - 15) : token.start]
    if token.word == "mine":
        return not before.strip() or bool(re.search(r"\b(?:of|is|are|was|were|be|than|like|and|as)\s+$", before))
    return not (sentence[token.start].isupper() and re.search(r"\w\s+$", before) and not shouted)


def _is_my_own(sentence: str, token: Token, after: str, in_denial: bool) -> bool:
    if after.startswith(("name is", "real name", "name's")):
        return bool(re.match(r"(?:real )?name(?: is|'s) (?:alen|smollm\w*)\b|name is not", after))
    lacks = in_denial or _NOT.search(sentence[max(0, token.start - 40) : token.start])
    if MY_OWN_THINGS.match(after) or (lacks and re.match(r"own\b", after)):
        return True
    return bool(_TITLE.search(sentence, max(0, token.start - 15), token.end + 25)) and not STRONG.match(after)


def _is_service(lowered: str, token: Token, in_denial: bool) -> bool:
    """ "Tell me", "let me check", "for me to answer"; and what a denial says of the speaker."""
    near = lowered[max(0, token.start - 25) : token.end + 30]
    if token.word == "myself":
        return in_denial or bool(re.search(r"\b(?:about|introduce|repeat|correct) myself", near))
    if re.search(r"\b(?:not possible|impossible|no way) (?:for|of) me\b", near):
        return True
    if re.search(r"\bif you ask me\b", near):
        return False
    if token.word != "me" or not _ME_IN_SERVICE.search(near):
        return in_denial and token.word == "me" and not STRONG.search(near)
    later = _ME_LATER.search(lowered, token.start, token.end + 30)
    if later and re.search(r"\b(?:let|for|allows?|help|enables?) me\b", near):
        return later.group("verb") in DEEDS or later.group("verb") in {
            "know",
            "if",
            "in",
            "with",
            "your",
            "the",
            "a",
            "about",
            "more",
        }
    return not STRONG.search(lowered, token.start, token.end + 45)
