"""An answer on a terminal (rich) or in a pipe (plain)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alen.cli.answer_lines import Line, answer_lines
from alen.types import Answer

if TYPE_CHECKING:
    from rich.console import RenderableType


def answer_text(answer: Answer) -> RenderableType:
    """The answer for a rich console: any ``Console.print`` shows it. Nothing in it is taken for markup."""
    return styled(answer_lines(answer))


def styled(lines: list[Line]) -> RenderableType:
    """Lines for a rich console; a wrapped line keeps its indent."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    return Group(*(Padding(Text.assemble(*line.pieces), (0, 0, 0, line.indent)) for line in lines))


def answer_plain(answer: Answer) -> str:
    """The same for a pipe or a file: one fact a line, no colours, no bars."""
    text = "\n".join(line.plain.rstrip() for line in answer_lines(answer, bars=False))
    return text.replace("\u00a0", " ")
