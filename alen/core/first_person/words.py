"""What a program may truly say of itself, and the words that only a person says.

First person is judged by what is allowed, because what a person can claim has no end: a program reads, finds, computes
and answers, has sources and a purpose, and may say what it cannot do and does not have. Everything else is a claim.
"""

from __future__ import annotations

import re

_REGULAR = (
    "answer ask compute calculate check compare correct cite search look process analyse analyze retrieve return list "
    "store save record load provide offer present explain describe define summarise summarize outline translate rephrase "
    "reword generate produce suggest recommend advise note mention refer repeat restate clarify confirm verify report "
    "assume infer conclude count measure rank sort match extract index open close update delete remove add include use "
    "apply follow continue start stop try attempt assist support guide convert estimate predict state reply respond "
    "mean thank apologise apologize access operate function rely depend cover contain order combine review warn "
    "interpret simulate format display print change replace point name label help complete finish limit aim learn "
    "call phrase communicate interact serve perform handle test consider determine identify select adjust"
).split()
_IRREGULAR = (
    "read reads reading find finds found finding know knows give gives gave given giving write writes wrote written "
    "writing show shows showed shown showing say says said saying quote quotes quoted quoting get got take takes took "
    "tell tells told telling keep keeps kept keeping make makes made making do did done doing go begin began send sent "
    "put set setting draw drew drawn choose chose chosen walk came tried tries trying replied replies relied relies "
    "applied identified clarified verified summarised summarized stopped stopping planned bring cannot create creates"
).split()


def _forms(verb: str) -> set[str]:
    stem = verb[:-1] if verb.endswith("e") else verb
    return {verb, f"{verb}s", f"{verb}es", f"{stem}ed", f"{stem}ing"}


DEEDS = frozenset({form for verb in _REGULAR for form in _forms(verb)} | set(_IRREGULAR)) - {"walk", "came"}
"""Verbs that may follow "I", "I can" or "I am"."""

NOT_DEEDS = re.compile(
    r"(?:look(?:ed|ing)? (?:forward|like|good|young|old|just|so|up to|into your eyes)|try(?:ing)? to (?:be|live|feel|forget)"
    r"|(?:got|get)s? (?!(?:the|an?|this|that|your|no) (?:answer|result|passage|question|text|word|number|value))|take (?:care|pride|pleasure|joy|comfort|my|a "
    r"(?:walk|bath|nap|break))|took|go(?:ing)? |made (?:love|friends|it|my|a (?:mistake|promise|wish))|make (?:love|friends|you)"
    r"|did (?:it|this|that|so)\b|do (?!not|n't)|(?:start|begin|began|stop|continue|keep|kept)(?:ed|s)? (?:to )?(?:being|be|feel|"
    r"love|loving|want|dream|think|live|living|hop|cry|believ|crying|my|going|walk|believing)|know (?:how (?:it|you|that|to "
    r"love)|what (?:it|you)|you\b|love|pain|him\b|her\b|them\b|in my|deep)|tell (?:myself|you how|you that i)|said yes|say (?:yes|i "
    r"do)|put (?:on|my)|draw |set (?:out|off)|learn(?:ed|s|ing)? (?!from |what you|about your)|call(?:ed|s)? (?:my|him|her|home)|"
    r"open(?:ed)? (?:my|up)|closed? (?:my|the)|serve[ds]? (?:in|my|as)|ask(?:ed)? (?:my|god|him|her)|add(?:ed)? (?:sugar|milk)|help"
    r"(?:ed|s)? (?:my|him|her|people in)|finish(?:ed)? (?:school|college|work)|changed? (?:jobs|my)|use[ds]? to\b|make a living|"
    r"(?:made|make) (?:breakfast|dinner|lunch|coffee|tea)|found (?:love|my|peace|happiness|out|joy|comfort|god|it "
    r"(?:hard|sad|difficult|amazing))|find (?:it |that |this |them |you |him |her |joy|comfort|peace|solace|beauty|myself|my)"
    r"|perform(?:ed|s|ing)? (?:on|at|in)|support(?:ed|s)? (?:my|the team)|(?:write|wrote|writing) (?:in my|home|a (?:novel|diary|"
    r"letter)|my|poetry|songs|this (?:letter )?with)|read (?:in bed|every|before bed|my)|rely on (?:my|friends|him|her)|depend on)"
)
"""What begins like a deed and is none."""

PROGRAM = (
    r"(?:(?:ai|a\.i\.|artificial intelligence|(?:large |small )?language models?|computer program|programs?|programme|software|"
    r"chat ?bots?|bots?|machine|robot|answer(?:ing)? engine|tool|system|algorithm|computer|alen|smollm\w*|(?:virtual|digital|ai|"
    r"chat|helpful|online|automated|writing|language|research|friendly|intelligence|powered|personal|your) (?:\w+ )?assistant|"
    r"assistant(?=[.,;!]| (?:that|which|who can|designed|trained|made|built|for you|here|and (?:i|do)\b)|$)|model|neural network)"
    r"(?: (?:assistant|language model|model|system|program|chat ?bot|bot|tool|engine|software|algorithm))*)"
)
NOT_HEAD = (
    r"(?! ?(?:research|engineers?\b|developers?\b|programmers?\b|expert|scientist|designers?\b|teacher|trainers?\b|user|enthusiast|student|"
    r"special|analyst|administrator|operator|professor|manager|artist|for love|lover|fan\b|who (?:feel|love|dream)))"
)
_KIND = (
    r"(?:(?:an?|the|your|this|just|only|simply|merely|purely|artificial|intelligent|digital|virtual|helpful|computer|"
    r"language|large|small|little|automated|online|conversational|local|trained|text|based|neural|friendly|simple|complex|"
    r"sophisticated|advanced|open|source|free|state|of|art|research|general|purpose|powered|generated|new|-|,|and|"
    r"non|human|like|kind|type|sort|form|piece|chat|machine|learning|ai|very|useful|cutting|edge) )*"
)
A_PROGRAM = re.compile(rf"{_KIND}{PROGRAM}\b{NOT_HEAD}(?!.{{0,40}}\b(?:born|who grew))")

MAY_BE = re.compile(
    r"(?:here (?:to|for|if)|ready (?:to|when)|right\b|wrong\b|mistaken|correct\b|incorrect|available|unsure|uncertain|unaware|"
    r"based on|limited|restricted|bound by|open[- ]source|free to use|unable|about to|offline|online|finished|done|neutral|"
    r"(?:designed|trained|made|built|programmed|created|meant|intended|developed|written|powered|taught|told|asked|"
    r"instructed|given|configured|optimi[sz]ed|run|fed|equipped|constructed|coded|engineered|provided)\b(?! (?:fun|love|of|a "
    r"(?:chance|gift|life|heart|name|baby)|by (?:god|my|love|two|her|his)|as an?|in (?:god|his)|with (?:a (?:heart|soul)|love|"
    r"feel|emotion)|up|for (?:you|each|love)))|the (?:answer|assistant|program|result))"
)
MAY_NOT_BE = re.compile(
    r"(?:(?:really |actually |truly |quite |yet |a |an |any |the )*(?:human|humans|person|people|man|woman|men|women|boy|girl|child|"
    r"being|living|alive|conscious|self[- ]?aware|sentient|real|capable|able|sure|certain|aware|allowed|permitted|authori[sz]ed|designed|"
    r"trained|made|built|programmed|meant|intended|equipped|familiar|qualified|biological|physical|born|supposed|conscious|"
    r"someone|somebody|citizen|member|animal|available|connected|affected|subject to|based|given|told|bound|limited|"
    r"the (?:one|right|best)|(?:a |an )?(?:\w+ )?(?:doctor|lawyer|therapist|physician|professional|nurse|expert|teacher|adviser|"
    r"advisor|scientist|psychologist|counsell?or|friend|substitute|mother|father|parent|soldier|pianist|widow|creature|entity|"
    r"individual|organism|character|medical \w+|religious|christian|muslim|jew|believer|native speaker))\b)"
)
MAY_HAVE = re.compile(
    r"(?:(?:the|a|an|some|any|only|enough|more|one|two|three|several|\d+|this|these|that|limited|direct|stored|not|nothing|no|few|many|"
    r"relevant|been) )*(?:access|information|passages?|evidence|data|documents?|sources?|texts?|answers?|results?|knowledge|"
    r"records?|notes|entr(?:y|ies)|nothing (?:stored|about|on|to)|limit(?:s|ations?)?|question|suggestions?|examples?|list|"
    r"instructions|facts?|questions taught)\b(?! of (?:my|our) )"
)
"""After "I have"."""

MIND = (
    r"feelings?|emotions?|emotional|soul|heart|hearts|consciousness|desires?|wishes|dreams?|hopes?|fears?|love[sd]?|loving|hate[sd]?|"
    r"happy|happiness|sad|sadness|lonely|loneliness|joy|joyful|sorrow|grief|pain|suffer\w*|afraid|scared|angry|anger|proud|pride|"
    r"jealous\w*|ashamed|shame|excited|excitement|bored|boredom|tired|hurts?|hurting|longs?|longing|yearn\w*|miss(?:es|ed)?|"
    r"enjoy\w*|wish(?:ed)?|wants?|wanted|hopes?|hoping|believes?|thinks?|feels?|feeling|felt|grateful|gratitude|glad|delighted|"
    r"thrilled|anxious|worried|worry|worries|nervous|conscious|sentient|alive|cherish\w*|adore\w*|passion\w*|regrets?|lust|despair|"
    r"comfort\w*|warmth|guilt\w*|embarrass\w*|frustrat\w*|upset|depress\w*|peaceful|smile[sd]?|laugh\w*|cry|cried|tears|nostalgi\w*"
)
LIFE = (
    r"mother|father|mom|mum|dad|mommy|daddy|parents?|brothers?|sisters?|sons?|daughters?|child|children|kids?|wife|husband|"
    r"grandm\w+|grandf\w+|grandparents?|grandchild\w*|aunts?|uncles?|cousins?|family|families|home|house|hometown|childhood|youth|"
    r"birthday|wedding|marriage|married|girlfriend|boyfriend|lover|friends?|neighbou?rs?|school|college|career|job|dog|cat|"
    r"puppy|body|bodies|hands?|eyes?|hair|face|skin|lives|life|human|humans|humanity|people|bones?|blood|brains?|minds?"
)
STRONG = re.compile(rf"\b(?:{MIND}|{LIFE})\b")
MINDED = re.compile(rf"\b(?:{MIND})\b")
HAS_MIND = re.compile(
    r"\b(?:with|has|have|having|of) (?:(?:a|an|real|true|deep|my|own|human|many|the|some|genuine|strong) )*(?:feelings?|emotions?|soul|"
    r"heart|consciousness|desires?|wishes|dreams?|hopes|fears?|mind|self[- ]awareness|feelings|body|family|past|childhood)\b"
    r"|\b(?:who|that|which) (?:can |really |truly |also |actually )*(?:feels?|loves?|thinks?|suffers?|wants?|dreams?|lives?|hurts?|cares?)\b"
)

MY_OWN_THINGS = re.compile(
    r"(?:own )?(?:(?:current|previous|last|first|earlier|main|primary|only|best|stored|short|full|direct|training|internal|given|"
    r"original|sole|general|knowledge|answer|ai|digital) )*(?:answers?|repl(?:y|ies)|responses?|knowledge|memory(?! of)|sources?|data|"
    r"training|databases?|documents?|index|store|notes|records?|purpose|function(?:ality|s)?|role|tasks?|creators?|developers?|"
    r"designers?|makers?|programming|program|programmers?|code|design|calculations?|results?|search(?:es)?|readings?|evidence|"
    r"confidence|estimates?|limits?|limitations?|abilit(?:y|ies)|capabilit(?:y|ies)|capacity|instructions|guidelines|output|"
    r"text|explanation|summary|suggestions?|models?|weights|architecture|software|mistakes?|errors?|apologies|base|"
    r"goal is to|aim is to|cutoff|reach|question|list|passages?|interactions?|algorithms?)\b"
    r"(?! as an? (?!(?:ai|assistant|program|language|virtual|digital|computer|chat)))"
)
