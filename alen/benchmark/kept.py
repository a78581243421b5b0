"""What a long benchmark has found so far, so that a run that was stopped goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

from alen.benchmark import machine


class Kept:
    """Findings by name in a file of JSON lines; those of another commit are found again. Without a file nothing is
    kept. May be used by several threads."""

    def __init__(self, file: Path | None) -> None:
        self._file, self._lock, self._commit = file, Lock(), machine.commit()
        self._found: dict[str, Any] = {}
        if file is not None and file.is_file():
            lines = map(json.loads, file.read_text("utf-8").splitlines())
            self._found = {line["name"]: line["found"] for line in lines if line["commit"] == self._commit}

    def get(self, name: str, work: Callable[[], Any]) -> Any:
        """What was found under this name, or what ``work`` finds now: something that JSON can hold."""
        if name not in self._found:
            found = work()
            with self._lock:
                self._found[name] = found
                if self._file is not None:
                    with self._file.open("a", encoding="utf-8") as lines:
                        lines.write(json.dumps({"name": name, "commit": self._commit, "found": found}) + "\n")
        return self._found[name]
