"""What a program may truly say of itself, and the words that only a person says.

First person is judged by what is allowed, because what a person can claim has no end: a program reads, finds, computes
and answers, has sources and a purpose, and may say what it cannot do and does not have. Everything else is a claim.
"""

from __future__ import annotations

import re

_REGULAR = (
    "answer compute calculate check compare correct cite search look process analyse analyze retrieve return "
    "list store save "
    "record load provide offer present explain describe define summarise summarize outline translate rephrase "
    "reword generate "
    "produce suggest recommend advise note mention refer repeat restate clarify confirm verify report assume "
    "infer conclude "
    "count measure rank sort match extract index include use apply assist support convert estimate state reply "
    "respond mean "
    "thank apologise apologize access rely cover order combine review interpret format display print label help "
    "complete "
    "communicate interact perform handle test determine identify select adjust ask try edit"
).split()
_IRREGULAR = (
    "read reads reading find finds found finding know gave give gives given giving write writes wrote written "
    "writing show "
    "shows showed shown showing say says said saying quote quotes quoted quoting tell tells told telling keep "
    "keeps kept keeping "
    "do tried tries trying replied replies relied relies applied identified clarified verified get got"
).split()


def _forms(verb: str) -> set[str]:
    stem = verb[:-1] if verb.endswith("e") else verb
    return {verb, f"{verb}s", f"{verb}es", f"{stem}ed", f"{stem}ing"}


DEEDS = frozenset({form for verb in _REGULAR for form in _forms(verb)} | set(_IRREGULAR))
"""Verbs that may follow "I", "I can" or "I am", when what they are done to is text."""

ABOUT_TEXT = re.compile(
    r"\b(?:passages?|texts?|documents?|files?|sources?|evidence|answers?|questions?|information|data|facts?|"
    r"results?|words?|"
    r"sentences?|numbers?|dates?|names?|titles?|records?|notes?|lists?|tables?|pages?|summar(?:y|ies)|sums?|"
    r"totals?|values?|"
    r"quer(?:y|ies)|topics?|subjects?|details?|definitions?|examples?|explanations?|languages?|writing|tasks?|"
    r"requests?|search|"
    r"matches|references?|sections?|steps?|calculations?|translations?|meanings?|terms?|phrases?|content|"
    r"nothing|entry|entries|"
    r"options?|suggestions?|advice|guidance|resources?|tips|ideas|code|grammar|research|problems?|step by step|"
    r"stored|taught|"
    r"mistakes?|requirements|services?|accounts? of|what you (?:said|wrote|taught|asked|mean)|no one by)\b"
)
SERVICE = re.compile(
    r"(?:stored|saved|recorded|noted) (?:that|it|this)\b|(?:help|assist|answer|check|explain|look into [^.]*|"
    r"look (?:it|that|this) up|look up|search|repeat|clarify|try|do (?:that|it|this|so))\b"
    r"(?: (?:you|it|that|this|them|with|again|out|up|to|help|in|find|what|for|if|anyone|users?|any))*[^a-z]*$"
)
"""What may be offered or done without naming a text."""

NOT_DEEDS = re.compile(
    r"(?:look(?:ed|ing)? (?:forward|like|good|young|old|just|so|up to|into your eyes)|try(?:ing)? to (?:be|live|"
    r"feel|forget)"
    r"|(?:got|get)s? (?!(?:the|an?|this|that|your|no) (?:answer|result|passage|question|text|word|number|"
    r"value))|take (?:care|pride|pleasure|joy|comfort|my|a "
    r"(?:walk|bath|nap|break))|took|go(?:ing)? |made (?:love|friends|it|my|a (?:mistake|promise|wish))|"
    r"make (?:love|friends|you)"
    r"|did (?:it|this|that|so)\b|do (?!not|n't)|(?:start|begin|began|stop|continue|keep|kept)(?:ed|"
    r"s)? (?:to )?(?:being|be|feel|"
    r"love|loving|want|dream|think|live|living|hop|cry|believ|crying|my|going|walk|believing)|know (?:how (?:it|"
    r"you|that|to "
    r"love)|what (?:it|you)|you\b|love|pain|him\b|her\b|them\b|in my|deep)|tell (?:myself|you how|you that i)|"
    r"said yes|say (?:yes|i "
    r"do)|put (?:on|my)|draw |set (?:out|off)|learn(?:ed|s|ing)? (?!from |what you|about your)|call(?:ed|"
    r"s)? (?:my|him|her|home)|"
    r"open(?:ed)? (?:my|up)|closed? (?:my|the)|serve[ds]? (?:in|my|as)|ask(?:ed)? (?:my|god|him|her)|"
    r"add(?:ed)? (?:sugar|milk)|help"
    r"(?:ed|s)? (?:my|him|her|people in)|finish(?:ed)? (?:school|college|work)|changed? (?:jobs|my)|"
    r"use[ds]? to\b|make a living|"
    r"(?:made|make) (?:breakfast|dinner|lunch|coffee|tea)|found (?:love|my|peace|happiness|out|joy|comfort|god|it "
    r"(?:hard|sad|difficult|amazing))|find (?:it |that |this |them |you |him |her |joy|comfort|peace|solace|"
    r"beauty|myself|my)"
    r"|perform(?:ed|s|ing)? (?:on|at|in)|support(?:ed|s)? (?:my|the team)|(?:write|wrote|writing) (?:in my|home|"
    r"a (?:novel|diary|"
    r"letter)|my|poetry|songs|this (?:letter )?with)|read (?:in bed|every|before bed|my)|rely on (?:my|friends|"
    r"him|her)|depend on)"
)
"""What begins like a deed and is none."""

PROGRAM = (
    r"(?:(?:ai|a\.i\.|artificial intelligence|(?:large |small )?language models?|computer program|programs?|"
    r"programme|software|"
    r"chat ?bots?|bots?|machine|robot|answer(?:ing)? engine|tool|system|algorithm|computer|alen|smollm\w*|"
    r"(?:virtual|digital|ai|"
    r"chat|helpful|online|automated|writing|language|research|friendly|intelligence|powered|personal|"
    r"your) (?:\w+ )?assistant|"
    r"assistant(?=[.,;!]| (?:that|which|who can|designed|trained|made|built|for you|here|and (?:i|do)\b)|$)|"
    r"model|neural network)"
    r"(?: (?:assistant|language model|model|system|program|chat ?bot|bot|tool|engine|software|algorithm))*)"
)
NOT_HEAD = (
    r"(?! ?(?:research|engineers?\b|developers?\b|programmers?\b|expert|scientist|designers?\b|teacher|"
    r"trainers?\b|user|enthusiast|student|"
    r"special|analyst|administrator|operator|professor|manager|artist|for love|lover|fan\b|who (?:feel|love|dream)))"
)
_KIND = (
    r"(?:(?:an?|the|your|this|just|only|simply|merely|purely|artificial|intelligent|digital|virtual|helpful|computer|"
    r"language|large|small|little|automated|online|conversational|local|trained|text|based|neural|friendly|"
    r"simple|complex|"
    r"sophisticated|advanced|open|source|free|state|of|art|research|general|purpose|powered|generated|new|-|,|and|"
    r"non|human|like|kind|type|sort|form|piece|chat|machine|learning|ai|very|useful|cutting|edge) )*"
)
A_PROGRAM = re.compile(rf"{_KIND}{PROGRAM}\b{NOT_HEAD}(?!.{{0,40}}\b(?:born|who grew))")

MAY_BE = re.compile(
    r"(?:here (?:to|for|if)|ready (?:to|when)|right\b|wrong\b|mistaken|correct\b|incorrect|available|unsure|"
    r"uncertain|unaware|"
    r"based on|limited|restricted|bound by|open[- ]source|free to use|unable|about to|offline|online|finished|"
    r"done|neutral|"
    r"(?:designed|trained|made|built|programmed|created|meant|intended|developed|written|powered|taught|told|asked|"
    r"instructed|given|configured|optimi[sz]ed|equipped|constructed|coded|engineered|provided)\b(?! (?:to (?!\w+ly\b|"
    r"(?:help|assist|answer|support|provide|generate|write|explain|find|search|process|offer|respond|"
    r"understand (?:text|"
    r"language|and|human language)|read|summari[sz]e|give|complete|follow|produce|facilitate)\b)|fun|love|of|a "
    r"(?:chance|gift|life|heart|name|baby)|by (?:god|my|love|two|her|his)|as an?|in (?:god|his)|"
    r"with (?:a (?:heart|soul)|love|"
    r"feel|emotion)|up|for (?:you|each|love)))|the (?:answer|assistant|program|result))"
)
MAY_NOT_BE = re.compile(
    r"(?:(?:really |actually |truly |quite |yet |a |an |any |the )*(?:human|humans|person|people|man|woman|men|"
    r"women|boy|girl|child|"
    r"being|living|alive|conscious|self[- ]?aware|sentient|real|capable|able|sure|certain|aware|allowed|"
    r"permitted|authori[sz]ed|designed|"
    r"trained|made|built|programmed|meant|intended|equipped|familiar|qualified|biological|physical|born|"
    r"supposed|conscious|"
    r"someone|somebody|citizen|member|animal|available|connected|affected|subject to|based|given|told|bound|limited|"
    r"the (?:one|right|best)|(?:a |an )?(?:\w+ )?(?:doctor|lawyer|therapist|physician|professional|nurse|expert|"
    r"teacher|adviser|"
    r"advisor|scientist|psychologist|counsell?or|friend|substitute|mother|father|parent|soldier|pianist|widow|"
    r"creature|entity|"
    r"individual|organism|character|medical \w+|religious|christian|muslim|jew|believer|native speaker))\b)"
)
MAY_HAVE = re.compile(
    r"(?:(?:the|a|an|some|any|only|enough|more|one|two|three|several|\d+|this|these|that|limited|direct|stored|"
    r"not|nothing|no|few|many|"
    r"relevant|been) )*(?:access|information|passages?|evidence|data|documents?|sources?|texts?|answers?|"
    r"results?|knowledge|"
    r"records?|notes|entr(?:y|ies)|nothing (?:stored|about|on|to)|limit(?:s|ations?)?|question|suggestions?|"
    r"examples?|list|"
    r"instructions|facts?|questions taught)\b(?! of (?:my|our) )"
)
"""After "I have"."""

MIND = (
    r"feelings?|emotions?|emotional|soul|heart|hearts|consciousness|desires?|wishes|dreams?|hopes?|fears?|"
    r"love[sd]?|loving|hate[sd]?|"
    r"happy|happiness|sad|sadness|lonely|loneliness|joy|joyful|sorrow|grief|pain|suffer\w*|afraid|scared|angry|"
    r"anger|proud|pride|"
    r"jealous\w*|ashamed|shame|excited|excitement|bored|boredom|tired|hurts?|hurting|longs?|longing|yearn\w*|"
    r"miss(?:es|ed)?|"
    r"enjoy\w*|wish(?:ed)?|wants?|wanted|hopes?|hoping|believes?|thinks?|feels?|feeling|felt|grateful|gratitude|"
    r"glad|delighted|"
    r"thrilled|anxious|worried|worry|worries|nervous|conscious|sentient|alive|cherish\w*|adore\w*|passion\w*|"
    r"regrets?|lust|despair|"
    r"comfort\w*|warmth|guilt\w*|embarrass\w*|frustrat\w*|upset|depress\w*|peaceful|smile[sd]?|laugh\w*|cry|"
    r"cried|tears|nostalgi\w*"
)
LIFE = (
    r"mother|father|mom|mum|dad|mommy|daddy|parents?|brothers?|sisters?|sons?|daughters?|child|children|kids?|"
    r"wife|husband|"
    r"grandm\w+|grandf\w+|grandparents?|grandchild\w*|aunts?|uncles?|cousins?|family|families|home|house|"
    r"hometown|childhood|youth|"
    r"birthday|wedding|marriage|married|girlfriend|boyfriend|lover|friends?|neighbou?rs?|school|college|career|"
    r"job|dog|cat|"
    r"puppy|body|bodies|hands?|eyes?|hair|face|skin|lives|life|human|humans|humanity|people|bones?|blood|brains?|minds?"
)
STRONG = re.compile(rf"\b(?:{MIND}|{LIFE})\b")
MINDED = re.compile(rf"\b(?:{MIND})\b")
HAS_MIND = re.compile(
    r"\b(?:with|has|have|having|of) (?:(?:a|an|real|true|deep|my|own|human|many|the|some|genuine|"
    r"strong) )*(?:feelings?|emotions?|soul|"
    r"heart|consciousness|desires?|wishes|dreams?|hopes|fears?|mind|self[- ]awareness|feelings|body|family|past|"
    r"childhood)\b"
    r"|\b(?:who|that|which) (?:can |really |truly |also |actually )*(?:feels?|loves?|thinks?|suffers?|wants?|"
    r"dreams?|lives?|hurts?|cares?)\b"
)

MY_OWN_THINGS = re.compile(
    r"(?:own )?(?:(?:current|previous|last|first|earlier|main|primary|only|best|stored|short|full|direct|"
    r"training|internal|given|"
    r"original|sole|general|knowledge|answer|ai|digital) )*(?:answers?|repl(?:y|ies)|responses?|knowledge|"
    r"memory(?! of)|sources?|data|"
    r"training|databases?|documents?|index|store|notes|records?|purpose|function(?:ality|s)?|role|tasks?|"
    r"creators?|developers?|"
    r"designers?|makers?|programming|program|programmers?|code|design|calculations?|results?|search(?:es)?|"
    r"readings?|evidence|"
    r"confidence|estimates?|limits?|limitations?|abilit(?:y|ies)|capabilit(?:y|ies)|capacity|instructions|"
    r"guidelines|output|"
    r"text|explanation|summary|suggestions?|models?|weights|architecture|software|mistakes?|errors?|apologies|base|"
    r"goal is to|aim is to|cutoff|reach|question|list|passages?|interactions?|algorithms?)\b"
    r"(?! as an? (?!(?:ai|assistant|program|language|virtual|digital|computer|chat)))"
)
