"""Stop strings in a stream of text pieces: a stop string may begin in one piece and end in another."""

from __future__ import annotations

from collections.abc import Sequence


class StopScanner:
    """Feeds text through and ends it before the first stop string. Text that could be the beginning of one is held
    back until it is clear, so a reader never sees a part of a stop string."""

    def __init__(self, stop: Sequence[str]) -> None:
        self.stop = tuple(stop)
        self.stopped = False
        self._held = ""

    def feed(self, piece: str) -> str:
        """What may be shown now. After ``stopped`` everything is swallowed."""
        if self.stopped or not piece:
            return ""
        if not self.stop:
            return piece
        text = self._held + piece
        ends = [place for place in (text.find(word) for word in self.stop) if place >= 0]
        if ends:
            self.stopped, self._held = True, ""
            return text[: min(ends)]
        held = max(self._overlap(text, word) for word in self.stop)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def finish(self) -> str:
        """What was held back when the text ended without completing a stop string."""
        held, self._held = self._held, ""
        return held

    @staticmethod
    def _overlap(text: str, word: str) -> int:
        for length in range(min(len(word) - 1, len(text)), 0, -1):
            if text.endswith(word[:length]):
                return length
        return 0
