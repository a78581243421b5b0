"""The chat screen: a transcript, a line to write in, and a worker thread that talks to the engine."""

from __future__ import annotations

import threading
from typing import Any

from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.widgets import Footer

from alen.errors import Cancelled
from alen.types import Effort
from alen_chat.answer_card import AnswerCard
from alen_chat.composer import Composer
from alen_chat.conversation import Conversation
from alen_chat.messages import Answered, EngineFailed, Failed, Sent, StageReached, Stopped
from alen_chat.transcript import Transcript

LOADING = "the models load on first use"
THINKING = "thinking"


def run(
    *,
    store: str | None = None,
    namespace: str | None = None,
    model: str | None = None,
    url: str | None = None,
    session: str | None = None,
    effort: Effort | None = None,
    private: bool = False,
) -> dict[str, Any]:
    """Show the screen until the person leaves; return {"session", "answers"}.

    ``url`` is that of a server that answers in place of an engine in this process. Raises what opening the engine
    raises: a memory or a home that cannot be used ends the chat."""

    def open_engine() -> Any:
        if url is not None:
            from alen.client import RemoteEngine

            return RemoteEngine.open(url)
        from alen.engine import Engine  # torch comes with it: the screen is there first

        return Engine.open(store=store, namespace=namespace, model=model)

    conversation = Conversation(open_engine, session=session, effort=effort, private=private)
    app = ChatApp(conversation, loads_models=url is None)
    try:
        failure = app.run()
    finally:
        conversation.close()
    if failure is not None:
        raise failure
    return {"session": conversation.session, "answers": conversation.answered}


class ChatApp(App[Exception]):
    """One screen. Model work happens in worker threads, which report by messages; the screen never waits for it."""

    TITLE = "ALEN"
    CSS_PATH = "chat.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = [  # noqa: RUF012 Textual declares it so
        Binding("escape", "stop", "Stop", priority=True),
        Binding("ctrl+o", "unfold", "Evidence", priority=True),
        Binding("ctrl+q", "quit", "Quit", priority=True),
        Binding("pageup", "scroll(-1)", "Scroll", show=False),
        Binding("pagedown", "scroll(1)", "Scroll", show=False),
    ]

    def __init__(self, conversation: Conversation, *, loads_models: bool = True) -> None:
        super().__init__()
        self._conversation = conversation
        self._card: AnswerCard | None = None
        self._models_loaded = not loads_models

    def compose(self) -> ComposeResult:
        yield Transcript()
        yield Composer()
        yield Footer()

    def on_mount(self) -> None:
        self.query_one(Composer).focus()
        self._open()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._card is not None if action == "stop" else True

    @work(thread=True, group="open")
    def _open(self) -> None:
        try:
            self._conversation.open()
        except Cancelled:
            return
        except Exception as error:  # whatever it is, it is shown after the screen has gone
            self.post_message(EngineFailed(error))

    @work(thread=True, group="answer")
    def _answer(self, text: str, cancel: threading.Event) -> None:
        def show(stage: str) -> None:
            self.post_message(StageReached(stage))

        try:
            answer = self._conversation.send(text, cancel, show)
        except Cancelled:
            self.post_message(Stopped())
        except Exception as error:  # shown in the transcript; the conversation goes on
            self.post_message(Failed(error, text))
        else:
            self.post_message(Answered(answer))

    @on(Sent)
    async def _begin(self, sent: Sent) -> None:
        if self._card is not None:
            self.notify("One question at a time. Esc stops the running answer.", timeout=3)
            return
        self.query_one(Composer).accept(sent.text)
        self._card = await self.query_one(Transcript).add(sent.text, self._worded(THINKING))
        self.refresh_bindings()
        self._answer(sent.text, self._conversation.begin())

    @on(StageReached)
    def _show_stage(self, event: StageReached) -> None:
        if self._card is not None:
            self._card.show_stage(self._worded(event.stage))

    @on(Answered)
    async def _show_answer(self, event: Answered) -> None:
        self._models_loaded |= event.answer.tokens > 0  # a sum is answered without them
        await self._take_card().show_answer(event.answer)

    @on(Stopped)
    async def _show_stopped(self) -> None:
        await self._take_card().show_stopped()

    @on(Failed)
    async def _show_error(self, event: Failed) -> None:
        await self._take_card().show_error(event.error)
        self.query_one(Composer).give_back(event.wrong_text)

    @on(EngineFailed)
    def _leave(self, event: EngineFailed) -> None:
        self.exit(event.error)

    def action_stop(self) -> None:
        if self._card is not None:
            self._conversation.stop()
            self._card.show_stage("stopping")

    async def action_quit(self) -> None:
        self._conversation.stop()
        self.exit()

    def action_unfold(self) -> None:
        """Show or hide what the newest answer rests on."""
        cards = self.query(AnswerCard)
        if cards:
            cards.last().toggle_details()

    def action_scroll(self, pages: int) -> None:
        transcript = self.query_one(Transcript)
        transcript.scroll_page_up() if pages < 0 else transcript.scroll_page_down()

    def _worded(self, stage: str) -> str:
        return stage if self._models_loaded else f"{stage} ({LOADING})"

    def _take_card(self) -> AnswerCard:
        card = self._card
        assert card is not None  # a worker reports once, and only one runs
        self._card = None
        self.refresh_bindings()
        return card


if __name__ == "__main__":
    run()
