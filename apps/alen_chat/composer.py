"""The line in which a question is written."""

from __future__ import annotations

from textual import on
from textual.binding import Binding
from textual.widgets import Input

from alen_chat.messages import Sent


class Composer(Input):
    """Sends what is written on Enter. Up and Down walk through what was sent before."""

    BINDINGS = [  # noqa: RUF012 Textual declares it so
        Binding("up", "earlier", "Earlier", show=False),
        Binding("down", "later", "Later", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(placeholder="Ask a question", id="composer")
        self._sent: list[str] = []
        self._shown = 0

    @on(Input.Submitted)
    def _send(self, event: Input.Submitted) -> None:
        event.stop()
        text = self.value.strip()
        if text:
            self.post_message(Sent(text))

    def accept(self, text: str) -> None:
        """The message is on its way: empty the line and remember what was in it."""
        self._sent.append(text)
        self._shown = len(self._sent)
        self.value = ""

    def give_back(self, text: str) -> None:
        """Put a failed message back, unless something else has been written meanwhile."""
        if not self.value:
            self.value = text
            self.cursor_position = len(text)

    def action_earlier(self) -> None:
        self._show(self._shown - 1)

    def action_later(self) -> None:
        self._show(self._shown + 1)

    def _show(self, number: int) -> None:
        if 0 <= number < len(self._sent):
            self._shown, self.value = number, self._sent[number]
        elif number == len(self._sent):
            self._shown, self.value = number, ""
        self.cursor_position = len(self.value)
