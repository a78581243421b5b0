"""A file of answers that grows while questions are asked: a line per answer, safe to stop at any moment and go on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from alen.errors import BadInput
from alen.text.strict_json import json_line

OPENING = b'{"id": '
"""How every line of the file begins."""


class AnswersFile:
    """Opens ``path`` for appending. ``done`` holds the ids that are already answered in it (as JSON texts).

    A last line that a killed run left unfinished is cut off. Raises BadInput when another line is not an answer: then
    the file is something else, and nothing of it is touched. ``field`` is what errors call the place."""

    def __init__(self, path: Path, field: str = "--out") -> None:
        self.path = path
        self.field = field
        self.done: set[str] = set()
        whole = self._read()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream: BinaryIO = path.open("ab")
        except OSError as error:
            raise BadInput(
                self.field, f"{path} ({error.strerror})", "a file that can be written", "Choose another place."
            ) from None
        if self._stream.tell() > whole:
            self._stream.truncate(whole)

    def __enter__(self) -> AnswersFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def append(self, row: dict[str, Any]) -> None:
        """Write one answer; it is in the file when this returns."""
        line = json_line(row).encode("utf-8", "backslashreplace") + b"\n"
        self._stream.write(line)
        self._stream.flush()
        self.done.add(id_key(row["id"]))

    def rows(self) -> Iterator[dict[str, Any]]:
        """What is in the file, in its order."""
        with self.path.open("rb") as stream:
            yield from (json.loads(line) for line in stream if line.strip())

    def _read(self) -> int:
        """Collect the ids and return the length of the whole lines, in bytes."""
        if not os.path.lexists(self.path):
            return 0
        if not self.path.is_file():
            raise BadInput(
                self.field, f"{self.path}, which is not a file", "a file of answers, or a new name", "Name another."
            )
        whole = 0
        with self.path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if not line.endswith(b"\n"):
                    if not (line.startswith(OPENING) or OPENING.startswith(line)):
                        raise self._strange(line, number)
                    break  # torn: the question is asked again
                if line.strip():
                    self.done.add(self._id(line, number))
                whole += len(line)
        return whole

    def _id(self, line: bytes, number: int) -> str:
        try:
            row = json.loads(line)
            if "answer" in row and "decision" in row:
                return id_key(row["id"])
        except (ValueError, KeyError, TypeError):
            pass
        raise self._strange(line, number)

    def _strange(self, line: bytes, number: int) -> BadInput:
        return BadInput(
            f"{self.path} line {number}",
            repr(line[:60].decode("utf-8", "replace")),
            "an answer that this command wrote",
            f"Give {self.field} a new name, or correct that line.",
        )


def id_key(value: Any) -> str:
    """Ids may be texts or numbers; 1 and "1" are two ids."""
    return json.dumps(value, sort_keys=True)
