"""What people put before and behind a question for courtesy's sake: "Could you tell me who built it, please?" asks who
built it. Only what leaves a whole question is taken away."""

from __future__ import annotations

import re

_GREETING = (
    r"(?:(?:hi|hello|hey|greetings|good (?:morning|afternoon|evening)|excuse me|pardon me|sorry|thanks|ok|okay|so|well|"
    r"now|um|please|just curious|(?:quick |one |another |a )?question)(?: there| all| everyone)?\s*[,.!:;–—-]+\s*)"
)
_HOW = r"(?:(?:please|kindly|maybe|perhaps|possibly|just|quickly|also|really) )?"
_ME = r"(?: me| us)"
_REQUEST = "|".join(
    (
        rf"(?:can|could|would|will) (?:you|someone|somebody|anyone|anybody) {_HOW}"
        rf"(?:tell{_ME}|inform{_ME}|remind{_ME}|explain(?: to{_ME})?|let{_ME} know|help{_ME} find out|say)",
        rf"(?:do|would) you {_HOW}(?:happen to )?(?:know|recall|remember)",
        rf"(?:does|would) (?:someone|somebody|anyone|anybody) {_HOW}(?:happen to )?(?:know|recall|remember)",
        rf"(?:please |kindly )?(?:tell{_ME}|inform{_ME}|remind{_ME}|let{_ME} know|explain(?: to{_ME})?)",
        r"(?:i|we)(?:['’]d| would) (?:(?:really|also|just) )?(?:like|love) to (?:know|ask|learn|find out|hear|be told)",
        r"(?:i|we) (?:(?:really|also|just) )?(?:want|wanted|wish|need) to (?:know|ask|learn|find out)",
        r"(?:i|we)(?:['’](?:m|re)| am| are| was| were)? (?:just )?(?:curious(?: to know)?|wondering|wonder)",
        r"(?:may|can|could|might) (?:i|we) (?:just )?ask(?: you)?",
        r"(?:my|the|our) question (?:is|was)",
        r"(?:does (?:anyone|anybody) have |do you have |have you )?any idea",
    )
)
_OPENING = re.compile(
    rf"^\s*{_GREETING}*(?:(?:and|but) )?(?:{_REQUEST})(?: please)?"
    r"(?:\s*[:,–—]+\s*(?=\S+\s+\S)|\s+(?=(?:who|whom|whose|what|which|when|where|why|how)\s+\S))",
    re.I,
)
_GREETED = re.compile(
    rf"^\s*{_GREETING}+(?=(?:who|whom|whose|what|which|when|where|why|how|in which|in what|is|are|was|were|do|does|did)"
    r"\s)",
    re.I,
)
_CLOSING = re.compile(
    r"\s{0,3}[,;–—]\s{0,3}(?:please|thanks|thank you|(?:do|would) you (?:happen to )?know|if (?:you know|i may ask))"
    r"(?=[\s?!.]*$)",
    re.I,
)


def without_courtesy(question: str) -> str:
    """The question itself; as it is when there is nothing before or behind it."""
    opening = _OPENING.match(question) or _GREETED.match(question)
    return _CLOSING.sub("", question[opening.end() :] if opening else question)
