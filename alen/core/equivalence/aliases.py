"""Words that say the same, words that add nothing, and words that say the opposite. Lower case, without dots."""

from __future__ import annotations

_SAME = {
    "united states": "us, usa, united states of america",
    "united kingdom": "uk, united kingdom of great britain and northern ireland",
    "united nations": "un, united nations organization",
    "european union": "eu",
    "soviet union": "ussr, union of soviet socialist republics",
    "united arab emirates": "uae",
    "netherlands": "holland",
    "czech republic": "czechia",
    "myanmar": "burma",
    "new york city": "nyc",
    "washington dc": "washington d c, district of columbia",
    "ww1": "wwi, world war 1, 1# world war, great war",
    "ww2": "wwii, world war 2, 2# world war",
    "percent": "per cent, pct",
    "television": "tv",
    "phd": "doctor of philosophy",
    "versus": "vs",
    "ok": "okay",
    "nobody": "no 1",
    "saint": "st",
    "mount": "mt",
    "junior": "jr",
    "senior": "sr",
}
ALIASES: dict[tuple[str, ...], tuple[str, ...]] = {
    tuple(form.split()): tuple(name.split()) for name, forms in _SAME.items() for form in forms.split(",")
}
"""Other form -> the form that stands for both, word by word (an ordinal is written "1#")."""
LONGEST_ALIAS = max(len(form) for form in ALIASES)
ALIAS_STARTS = frozenset(form[0] for form in ALIASES)
CAPITAL_ALIASES = frozenset("us un eu uk usa".split())
"""Aliases that are words of their own in small letters ("us")."""

TITLES = frozenset("mr mrs ms miss mister sir dr doctor prof professor president senator governor rev reverend".split())
"""What may stand before a person's name without changing who is meant."""
RANKS = TITLES | frozenset(
    "dame lord lady former minister prime king queen prince princess emperor empress pope general colonel captain "
    "lieutenant sergeant admiral rabbi judge justice chancellor secretary mayor actor actress singer author musician "
    "director rapper american british english french german canadian".split()
)
"""The same where the question asks for a person; elsewhere these words are part of names ("General Motors")."""

ROYAL = frozenset("king queen prince princess emperor empress pope lord lady sir dame".split())
"""Ranks that tell one person from another of the same name."""

QUALIFIERS = frozenset(
    "new north south east west northern southern eastern western northeast northwest southeast southwest upper lower "
    "inner outer greater lesser central mid old former ex vice deputy assistant anti non pre post proto neo pseudo "
    "semi half step grand counter under sub inter intra un de".split()
)
"""Words before another that make something else of it: "York" is not "New York"."""

NICKNAMES = {
    nick: name
    for name, nicks in {
        "william": "bill will billy",
        "robert": "bob rob bobby",
        "thomas": "tom tommy",
        "james": "jim jimmy",
        "michael": "mike mick",
        "joseph": "joe",
        "david": "dave",
        "richard": "dick rick",
        "edward": "ed eddie ted",
        "charles": "charlie chuck",
        "anthony": "tony",
        "samuel": "sam",
        "benjamin": "ben",
        "daniel": "dan danny",
        "elizabeth": "liz beth",
        "katherine": "kate kathy catherine katharine",
        "alexander": "alex",
        "christopher": "chris",
        "steven": "steve stephen",
        "john": "jack johnny",
    }.items()
    for nick in nicks.split()
}

NEGATIONS = frozenset("not no never without neither nor none nobody nothing non cannot false".split())

_OPPOSITES = (
    "north/south east/west northern/southern eastern/western northeast/southwest northwest/southeast left/right "
    "up/down upper/lower above/below over/under inside/outside before/after 1#/last early/late increase/decrease "
    "rise/fall more/less most/least higher/lower high/low highest/lowest larger/smaller largest/smallest big/small "
    "long/short male/female man/woman men/women boy/girl king/queen prince/princess brother/sister mother/father "
    "son/daughter husband/wife hot/cold warm/cool black/white positive/negative odd/even maximum/minimum "
    "ancient/modern old/new bc/ad bce/ce am/pm true/false legal/illegal true/untrue internal/external major/minor "
    "day/night summer/winter begin/end start/end open/closed win/lose won/lost all/none always/never"
)
OPPOSITES: dict[str, frozenset[str]] = {}
for _one, _two in (pair.split("/") for pair in _OPPOSITES.split()):
    OPPOSITES[_one] = OPPOSITES.get(_one, frozenset()) | {_two}
    OPPOSITES[_two] = OPPOSITES.get(_two, frozenset()) | {_one}

STOP = frozenset(
    "of in on at to for from by with as is are was were be been and or but that this it its they their he she his her "
    "about into there which who what has have had do does did will would can could may might s".split()
)
"""Words that carry little of an answer's content. Negations are not among them."""
