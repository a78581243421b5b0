"""A turn of a conversation: an answer, with both sides kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from alen.engine import asking
from alen.types import Answer, CancelToken, Effort

if TYPE_CHECKING:
    from alen.engine.engine import Engine


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
    message = asking.checked(engine, message)
    if private:
        return asking.ask(engine, message, effort=effort, private=True, cancel=cancel, on_stage=on_stage)
    session = engine.memory.session(session)
    # The user's words are kept even when the answer is cancelled or fails.
    engine.memory.add_message(session, "user", message)
    answer = asking.ask(engine, message, session=session, effort=effort, cancel=cancel, on_stage=on_stage)
    engine.memory.add_message(session, "assistant", answer.text or f"I don't know. {answer.reason}", answer.episode)
    return answer
