"""Questions in other words, by rules that keep their meaning."""

from __future__ import annotations

import random
import re

REWORDINGS = (
    (r"^In what year (did|was|were)\b", r"When \1"),
    (r"^(What|Which) year\b", "In which year"),
    (r"^When (did|was|were)\b", r"In what year \1"),
    (r"^Who (was|is|were)\b", r"Which person \1"),
    (r"^How many\b", "What number of"),
    (r"^What (is|was|are|were) the name of\b", r"What \1"),
    (r"^What (is|was)\b", r"Which \1"),
    (r"^Which\b", "What"),
    (r"^Where\b", "In which place"),
    (r"\b(begin|began)\b", "start"),
    (r"\bstart(ed)?\b", "begin"),
    (r"\b(large|big)\b", "great"),
    (r"\bcalled\b", "named"),
    (r"\btype\b", "kind"),
    (r"\bbuilt\b", "constructed"),
    (r"\b(the|a|an) ", ""),
)


def reword(question: str, chance: random.Random) -> str:
    """The same question in other words, by two or three of the rules that apply."""
    rules = [rule for rule in REWORDINGS if re.search(rule[0], question)]
    for pattern, replacement in chance.sample(rules, min(len(rules), chance.choice((2, 3)))):
        question = re.sub(pattern, replacement, question, count=1)
    opening = chance.choice(("", "", "Could you tell me: ", "Do you know, ", "I would like to know: "))
    return opening + question
