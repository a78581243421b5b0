"""An answer in the transcript: first its stage, then verdict, confidence and folded evidence, or why there is none."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Collapsible, Static

from alen.cli.answer_lines import check_lines, cost, evidence_lines, verdict_lines
from alen.cli.printable import printable
from alen.cli.rendering import styled
from alen.types import Answer

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class AnswerCard(Vertical):
    """Starts as "working"; becomes an answer, a stop or an error, once."""

    def __init__(self, stage: str) -> None:
        super().__init__(classes="answer working")
        self._stage = stage
        self._frame = 0
        self._status = Static(classes="status")

    def compose(self) -> ComposeResult:
        yield self._status

    def on_mount(self) -> None:
        self._spin()
        self._timer = self.set_interval(0.1, self._spin)

    def show_stage(self, stage: str) -> None:
        self._stage = stage
        self._spin()

    async def show_answer(self, answer: Answer) -> None:
        await self._finish(answer.decision)
        await self.mount(Static(styled(verdict_lines(answer)), classes="verdict"))
        evidence = evidence_lines(answer)
        if evidence:
            count = len(answer.evidence)
            title = "1 piece of evidence" if count == 1 else f"{count} pieces of evidence"
            await self.mount(Collapsible(Static(styled(evidence[1:])), title=title, classes="evidence"))
        checks = check_lines(answer.checks)
        if checks:
            passed = sum(check.status == "pass" for check in answer.checks)
            failed = sum(check.status == "fail" for check in answer.checks)
            title = f"checks: {passed} passed, {failed} failed"
            await self.mount(Collapsible(Static(styled(checks[1:])), title=title, classes="checks"))
        await self.mount(Static(Text(cost(answer)), classes="cost"))

    async def show_stopped(self) -> None:
        await self._finish("stopped")
        await self.mount(Static(Text("Stopped."), classes="verdict"))

    async def show_error(self, error: Exception) -> None:
        await self._finish("failed")
        message = " ".join(str(error).split()) or type(error).__name__
        await self.mount(Static(Text(printable(message)), classes="verdict"))

    def toggle_details(self) -> None:
        """Unfold evidence and checks, or fold them again when all are unfolded."""
        details = list(self.query(Collapsible))
        fold = all(not detail.collapsed for detail in details)
        for detail in details:
            detail.collapsed = fold

    async def _finish(self, outcome: str) -> None:
        self._timer.stop()
        self.remove_class("working")
        self.add_class(outcome)
        await self._status.remove()

    def _spin(self) -> None:
        self._frame = (self._frame + 1) % len(_FRAMES)
        self._status.update(Text(f"{_FRAMES[self._frame]} {printable(self._stage, keep_lines=False)}"))
