"""A turn of a conversation: what leans on earlier turns is understood by them, what a person tells is remembered."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from alen.core.dialogue import Turn, resolve
from alen.engine import asking
from alen.types import Answer, CancelToken, Effort

if TYPE_CHECKING:
    from alen.engine.engine import Engine

TURNS = 6
"""Earlier turns that a message may lean on."""

_ASKS = re.compile(
    r"^(?:(?:and|but|so|ok|okay|well|please|hi|hello|hey)\b[\s,]*)*(?:who|whom|whose|what|which|when|where|why|how|is|are|"
    r"was|were|am|do|does|did|can|could|will|would|shall|should|may|might|must|has|have|had|tell|say|give|list|show|name|"
    r"find|explain|describe|define|calculate|compute|convert|solve|translate|write|summari[sz]e|compare|help|search|look|"
    r"work out|let)\b",
    re.I,
)
_WONDERS = re.compile(
    r"^(?:(?:and|but|so|ok|okay|well|hi|hello|hey|just|still|really)\b[\s,]*)*"
    r"(?:(?:i|we)\b[^.!?\n]{0,30}?\bwonder(?:ed|ing)?\b|wondering\b|"
    r"(?:i|we)\b[^.!?\n]{0,30}?(?:\b(?:want|wanted|wish|need|have|hoping|trying)|(?:['’]d|\bwould)\s+(?:\w+\s+)?(?:like|love))"
    r"\s+to\s+(?:know|ask|learn|hear|find\s+out|be\s+told)\b|(?:my|the|one|another|a)\s+(?:\w+\s+)?question(?:\s+is|:)|"
    r"(?:(?:i|we)\b[^.!?\n]{0,30}?\b)?(?:any\s+(?:idea|clue)|(?:any|some)\s*(?:one|body)\s+knows?|curious|no\s+(?:idea|clue)|"
    r"not\s+(?:\w+\s+)?(?:sure|certain)|unsure|dunno|(?:do\s+not|don['’]?t|cannot|can['’]?t)\s+(?:\w+\s+)?"
    r"(?:know|remember|recall|tell|see|say)|forg[eo]t|forgotten)\b[^.!?\n]{0,30}?"
    r"\b(?:who|whom|whose|what|which|when|where|why|how|if|whether|about)\b)",
    re.I,
)
"""Questions that are put as statements ("I wonder who built it")."""
_TELLS = re.compile(
    r"^(?:[Pp]lease\s+)?(?:[Rr]emember|[Nn]ote|[Kk]now|[Kk]eep in mind)(?:\s+that|\s*[:,])\s+(?P<told>.+)$|"
    r"^(?:[Ii]|[Ii]'m|[Ii]'ve|[Ww]e|[Ww]e're|[Mm]y|[Oo]ur|[Tt]he|(?!(?:This|That|It|Its|He|She|They|Thanks?|Great|Good|Nice|Cool|Wow|Yes|No|Right|"
    r"Wrong|Sorry|Ok|Okay|Hello|Hi)\b)[A-Z][\w'’-]+)\b.*\b(?:am|is|are|was|were|"
    r"'m|'s|'re|has|have|had|will|called|named|lives?|lived|works?|worked|likes?|loves?|hates?|prefers?|costs?|weighs?|"
    r"means|contains?|holds?|opens?|closes?|begins?|starts?|ends?|moved|bought|sold|born|made|built|founded|owns?|needs?|"
    r"takes?|uses?|keeps?|hangs?|lies|stands?)\b",
    re.S,
)


def chat(
    engine: Engine,
    message: str,
    *,
    session: str | None = None,
    effort: Effort | None = None,
    private: bool = False,
    cancel: CancelToken | None = None,
    on_stage: Callable[[str], None] | None = None,
) -> Answer:
    """See Engine.chat."""
    told = what_is_told(message)
    message = asking.checked(engine, message, told=told is not None)
    if private:
        if told is not None:
            return _noted(message, "Not kept: this conversation is private.", 0.0)
        return asking.ask(engine, message, effort=effort, private=True, cancel=cancel, on_stage=on_stage)
    session = engine.memory.session(session)
    # What is told is kept as it was said.
    meant = message if told is not None else resolve(message, turns(engine, session))
    # The user's words are kept even when the answer is cancelled or fails.
    engine.memory.add_message(session, "user", message)
    if told is not None:
        begun = time.perf_counter()
        # Each under a name of its own: what is taught again under one name replaces what it said before.
        moment = datetime.now(UTC).isoformat(sep=" ", timespec="milliseconds")
        stored = engine.teach(told, source=f"conversation {session}, {moment}").stored
        said = "I will remember that." if stored else "I knew that already."
        answer = replace(_noted(message, said, (time.perf_counter() - begun) * 1000), session=session)
    else:
        answer = asking.ask(engine, meant, session=session, effort=effort, cancel=cancel, on_stage=on_stage)
        if meant != message:
            answer = replace(answer, question=message, understood=meant)
    engine.memory.add_message(session, "assistant", answer.text or f"I don't know. {answer.reason}", answer.episode)
    return answer


def what_is_told(message: str) -> str | None:
    """The statement in a message that tells something instead of asking; None for a question or a request."""
    text = message.strip() if isinstance(message, str) else ""
    asked = _TELLS.match(text)
    if not asked or text.endswith("?") or len(text.split()) < 3:
        return None
    if asked["told"]:
        return str(asked["told"])
    return None if _ASKS.match(text) or _WONDERS.match(text) else text


def turns(engine: Engine, session: str) -> list[Turn]:
    """The newest questions of a session with what was answered, oldest first, each as it was understood; what was told
    as it was said, with no answer: that it will be remembered is nothing that a question could mean."""
    found: list[Turn] = []
    told = False
    for message in engine.memory.messages(session)[-2 * TURNS :]:
        if message["role"] == "user":
            said = message["text"]
            told = what_is_told(said) is not None
            found.append(Turn(said if told else resolve(said, found), None))
        elif found and not told:
            answer = None if message["text"].startswith("I don't know.") else message["text"]
            found[-1] = replace(found[-1], answer=answer)
    return found


def _noted(message: str, said: str, milliseconds: float) -> Answer:
    return Answer(
        question=message,
        text=said,
        confidence=1.0,
        interval=(1.0, 1.0),
        decision="answer",
        reason="told: this was no question",
        timings_ms={"total": round(milliseconds, 3)},
    )
