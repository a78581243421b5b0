"""The conversation so far, newest at the bottom."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from alen_chat.answer_card import AnswerCard
from alen_chat.question_card import QuestionCard

WELCOME = "Ask about anything you have taught. ALEN answers with its evidence, or says that it does not know."


class Transcript(VerticalScroll, can_focus=False):
    """Follows its end as it grows."""

    def compose(self) -> ComposeResult:
        yield Static(WELCOME, id="welcome", markup=False)

    def on_mount(self) -> None:
        self.anchor()

    async def add(self, question: str, stage: str) -> AnswerCard:
        """Append a question and the card in which its answer will appear."""
        await self.query("#welcome").remove()
        card = AnswerCard(stage)
        await self.mount_all([QuestionCard(question), card])
        self.anchor()
        return card
