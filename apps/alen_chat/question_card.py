"""A question in the transcript."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from alen.cli.printable import printable


class QuestionCard(Static):
    """What the person asked, shown as typed: brackets in it are not markup."""

    def __init__(self, text: str) -> None:
        super().__init__(Text(printable(text)), classes="question")
