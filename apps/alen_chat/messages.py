"""What the worker thread tells the screen."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from alen.types import Answer


@dataclass
class Sent(Message):
    """The person asked something."""

    text: str


@dataclass
class EngineFailed(Message):
    """The engine could not be opened; nothing can be asked."""

    error: Exception


@dataclass
class StageReached(Message):
    """The running answer came to its next stage."""

    stage: str


@dataclass
class Answered(Message):
    answer: Answer


@dataclass
class Stopped(Message):
    """The running answer was stopped on request."""


@dataclass
class Failed(Message):
    """The running answer ended in an error. ``wrong_text`` goes back into the input line, so that it can be mended."""

    error: Exception
    wrong_text: str
