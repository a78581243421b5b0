"""Whether what a speaker says of itself is something that a program may say; if not, what kind of claim it is."""

from __future__ import annotations

import re
from typing import Literal

from alen.core.first_person.predicates import Predicate
from alen.core.first_person.words import (
    A_PROGRAM,
    ABOUT_TEXT,
    DEEDS,
    HAS_MIND,
    MAY_BE,
    MAY_HAVE,
    MAY_NOT_BE,
    MINDED,
    NOT_DEEDS,
    SERVICE,
    STRONG,
)

Reason = Literal["courtesy", "feeling", "wish", "belief", "consciousness", "body", "identity", "life"]

_REASONS: tuple[tuple[Reason, re.Pattern[str]], ...] = (
    ("courtesy", re.compile(
        r"^(?:so |very |really |truly |always |more than |deeply |terribly |sincerely )*(?:sorry|"
        r"afraid (?:that )?(?:i|there|not)|(?:happy|"
        r"glad|delighted|pleased|thrilled|excited|honou?red|eager|love|like) (?:to|you asked|that you asked)\b|"
        r"hope (?:this|that|it|you|"
        r"the)|look(?:ing)? forward|appreciate|understand|apologi[sz]e)")),
    ("wish", re.compile(
        r"\b(?:want(?:s|ed|ing)?|wish(?:es|ed|ing)?|hop(?:e|es|ed|ing)|long(?:ed|s|ing)? (?:to|for)|yearn\w*|"
        r"desires?|dream(?:s|ed|t|ing)?|"
        r"would (?:like|love)|prefer|crave\w*|aspir\w*|ambitions?)\b")),
    ("belief", re.compile(
        r"\b(?:think|thinks|thought|believ\w+|opinions?|guess|suppose|agree|disagree|convinced|faith|religio\w+|"
        r"pray\w*|god|conviction|"
        r"understand|understood|view|feel (?:that|like)|imagine|wonder\w*|doubt|values?|certain|sure)\b")),
    ("consciousness", re.compile(r"\b(?:conscious\w*|sentien\w*|aware(?:ness)?|alive|souls?|exist\w*|minds?|"
        r"thoughts|living)\b")),
    ("feeling", MINDED),
    ("body", re.compile(
        r"\b(?:body|hands?|eyes?|hair|face|skin|heart(?:beat)?|legs?|arms?|feet|voice|ate|eat\w*|drink\w*|drank|"
        r"sleep\w*|slept|hungry|thirsty|"
        r"sick|ill|breath\w*|tall|old|years?|wear\w*|wore|walk\w*|swim\w*|swam|smell\w*|taste\w*|touch\w*|"
        r"pains?|sore|weigh\w*|look like)\b")),
    ("identity", re.compile(
        r"^(?:named?\b|called\b|am\b|be\b|an?\b|the\b|from\b|not\b)|\b(?:human|person|man|woman|boy|girl|doctor|"
        r"nurse|teacher|name)\b")),
)  # fmt: skip

_ATTITUDES = re.compile(
    r"^(?:like|love|want|wish|hope|think|believe|care|mind|enjoy|hate|need|trust|regret|miss|agree|feel|suppose|"
    r"expect|blame|deserve|fear|"
    r"worry|cry|belong|live|sleep|eat|drink|dream|suffer|laugh|breathe|age|die|hurt|smile|get|grow|work|wear|look)\b"
)
_IN_GENERAL = re.compile(
    r"^\w+(?:,? (?:or|and|nor) \w+)*(?: \w+ly)?(?: (?:things?|anything|any|emotions?|emotional|feelings?|pain|"
    r"physical|sensations?|or|and|nor|in|the|an?|"
    r"that|human|same|way|ways|as|like|humans?|people|persons?|you|do|does|a|living|being|beings|personal|sense|"
    r"of|word|joy|love|sadness|fear|"
    r"anger|happiness|hunger|opinions?|beliefs?|at|all|food|tired|hungry|bored|lonely|old|older|for|myself|"
    r"animals?|because|since|with|"
    r"preferences?|desires?|wishes|[,.;]))*(?: (?:but|because|since|so|as|,|\.|;|!).*)?\s*[.!?,;]*$"
)
_FELT_SO = re.compile(
    r"\b(?:so|such|more|like (?:this|that|you)|until|before|anyone|as much|greater|better|again|any ?more|since|"
    r"enough|well|much)\b"
)
_CANNOT_HELP = re.compile(
    r"^(?:wait|stop|help (?!you|with|in|,|\.|answer\w*|find|people|users|\w+ing (?:the|a)\b)|help (?:falling|"
    r"loving|being|feeling|but|thinking)|believe|stand|imagine|bear|live|sleep|forget|get|lose|let (?:you|her|"
    r"him|go|them)|"
    r"hide|deny|shake|express|thank|be (?:happier|more|without|prouder)|say (?:enough|how much)|resist|"
    r"breathe without|remember (?:the last|when)|go on|endure|take it|eat|trust)"
)
_NEVER = re.compile(
    r"^(?:had|have|has|possess\w*|feel|felt|experienced?|owned?|an? |any |given|able|suffer|sleep|slept|eat|ate|"
    r"dream\w*|age|lived?|born|human|alive|"
    r"conscious|store[ds]?|taught|told|trained|guess|invent|answer)\b"
)
_NOT_LACKED = re.compile(
    r"^(?:no (?:doubts?|regrets?|time|patience|sympathy|love|need|interest|secrets?|use|intention|"
    r"wish(?:es)? (?:but|other|than)|(?:\w+ )?(?:greater|other|better) |one (?:but|else|to))|nothing but)"
)
_SECOND = re.compile(
    r"(?:,|\band|\bbut|\bor|\bthen) (?:(?:i |really |truly |also |even |still |always |so |deeply |then |am |"
    r"'m |do |to |\w+ly )*)"
    r"(?:love|loved|feel|felt|feeling|want|wanted|wish|wished|hope|hoped|enjoy\w*|hate|hated|miss|missed|cry|"
    r"cried|dream|dreamed|suffer\w*|long for|longed|"
    r"cherish\w*|adore\w*|fear|believe|think that|care (?:about|for)|am (?:happy|sad|proud|glad|human)|happy|"
    r"proud|glad|sad|grateful|lived|grew up|raised|"
    r"born|married|live in|work as|worked)\b"
)
_WORK = re.compile(r"^(?:work(?:s|ed|ing)? (?:by|with (?:text|words|passages|data|the)|from|on (?:your|the|a|"
    r"this)|offline|locally|only)|run(?:s|ning)? (?:on|locally|inside|offline|as a program)|"
                   r"remember (?:that you|what you (?:told|said|asked|taught))|need (?:more|to know|you to|a |"
                   r"the |further|some|additional|your (?:question|file|text))|"
                   r"let you know|see (?:no |the (?:passage|question|text|word)|that (?:the|this)|\d|three|two|"
                   r"your question)|come (?:with|without)|"
                   r"hold no|lack\b|exist(?:s)? (?:only|to (?:help|answer|assist))|speak (?:only )?(?:english|"
                   r"in)|recall(?:ed|s)? (?:\w+ )?(?:passages?|episodes?|answers?|that you)|taught)")  # fmt: skip


def judge(said: Predicate) -> Reason | None:
    """The kind of claim that a first-person predicate makes, or None when a program may say it."""
    rest = said.rest
    if not re.search(r"\w", rest):
        return _bare(said)
    if said.but_only and not (said.modal or said.do):
        return "identity"
    # A denial reaches as far as the next "but".
    told = rest if not said.negated else rest.partition(" but ")[1] + rest.partition(" but ")[2]
    second = _SECOND.search(told)
    if second:
        return reason_of(second.group())
    allowed = _denied(said) if said.negated else _affirmed(said)
    return None if allowed else reason_of(_with_helpers(said))


def reason_of(words: str) -> Reason:
    """The most telling kind of claim in these words; what only a person's life could hold when nothing tells."""
    return next((reason for reason, pattern in _REASONS if pattern.search(words)), "life")


def _with_helpers(said: Predicate) -> str:
    return f"be {said.rest}" if said.be and not _REASONS[0][1].search(said.rest) else said.rest


def _bare(said: Predicate) -> Reason | None:
    """ "I do." agrees to whatever was asked; "I can." and "I don't." do no harm. An "I" at the end was cut short."""
    if said.rest or said.negated or said.modal:
        return "identity" if (said.be or said.have or said.do) and not (said.negated or said.modal) else None
    return "life"


def _affirmed(said: Predicate) -> bool:
    rest = said.rest
    head = re.match(r"[a-z]+", rest)
    if said.be:
        if A_PROGRAM.match(rest):
            return not _minded_program(rest)
        return bool(MAY_BE.match(rest)) or (_deed(rest, head) and head is not None and head.group().endswith("ing"))
    if said.have:
        if rest.startswith(("no ", "neither ", "nothing ")):
            return not _NOT_LACKED.match(rest)
        return bool(MAY_HAVE.match(rest)) or _deed(rest, head)
    if rest.startswith(("have ", "be ")):
        return bool(MAY_HAVE.match(rest[5:]) or MAY_BE.match(rest[3:]))
    return bool(_WORK.match(rest)) or _deed(rest, head)


def _deed(rest: str, head: re.Match[str] | None) -> bool:
    if head is None or head.group() not in DEEDS or NOT_DEEDS.match(rest):
        return False
    return bool(ABOUT_TEXT.search(rest, head.end()) or SERVICE.match(rest))


def _minded_program(rest: str) -> bool:
    found = HAS_MIND.search(rest) or re.search(r"\b(?:being|creature|person|human|friend|lover|soul|companion)\b", rest)
    return found is not None and not re.search(r"\b(?:not|no|n't|without|never|neither|nor|lacks?)\b|n't\b", rest)


def _denied(said: Predicate) -> bool:
    rest = said.rest
    if said.never and (_FELT_SO.search(rest) or not _NEVER.match(rest)):
        return False
    if said.be:
        if A_PROGRAM.match(rest):
            return False
        return bool(MAY_NOT_BE.match(rest) or MAY_BE.match(rest)) or _deed(rest, re.match(r"[a-z]+", rest))
    if said.modal:
        return not _CANNOT_HELP.match(rest)
    if _ATTITUDES.match(rest):
        return bool(_IN_GENERAL.match(rest))
    return not (_FELT_SO.search(rest) and STRONG.search(rest))
