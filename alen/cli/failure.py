"""How a command says that it failed: one line for people on stderr, one JSON object for programs on stdout."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

import click

from alen.cli.output import emit_json
from alen.cli.printable import printable
from alen.errors import AlenError, Cancelled, RequestError

WRONG_REQUEST = 2
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Report:
    """Where and how failures of one command are shown."""

    as_json: bool
    verbose: bool

    def error(self, error: Exception) -> int:
        """Show any error and return the exit code it stands for."""
        if isinstance(error, click.ClickException):
            parts = {"message": error.format_message(), "hint": _usage_hint(error)}
            name, code = "UsageError", WRONG_REQUEST
        elif isinstance(error, Cancelled):
            self.interrupted()
            return INTERRUPTED
        elif isinstance(error, AlenError):
            parts, name, code = _parts(error), type(error).__name__, error.exit_code
        else:
            parts, name, code = self._unexpected(error), type(error).__name__, 1
        self._show(name, parts)
        return code

    def interrupted(self) -> None:
        self._show("Interrupted", {"message": "stopped on request", "hint": ""}, word="stopped")

    def _show(self, name: str, parts: dict[str, str], word: str = "error") -> None:
        if word == "stopped":
            print("stopped", file=sys.stderr)
        else:
            print(f"error: {_line(parts)}", file=sys.stderr)
        if self.as_json:
            fields: dict[str, Any] = {key: parts.get(key) or None for key in ("field", "found", "allowed", "hint")}
            emit_json({"error": {"type": name, "message": parts["message"], **fields}})

    def _unexpected(self, error: Exception) -> dict[str, str]:
        if self.verbose:
            import traceback

            traceback.print_exception(error)
        if isinstance(error, OSError) and error.strerror:
            where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
            message = f"{where}{error.strerror}"
        else:
            message = " ".join(f"{type(error).__name__}: {error}".split())
        hint = "" if self.verbose else "Run it again with --verbose to see where it happened."
        return {"message": message, "hint": hint}


def _parts(error: AlenError) -> dict[str, str]:
    if isinstance(error, RequestError):
        message = f"{error.field}: found {error.found}. Allowed: {error.allowed}."
        return {
            "message": message,
            "field": error.field,
            "found": error.found,
            "allowed": error.allowed,
            "hint": error.hint,
        }
    return {"message": getattr(error, "what", str(error)), "hint": getattr(error, "hint", "")}


def _usage_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"See: {context.command_path} --help" if context is not None else ""


def _line(parts: dict[str, str]) -> str:
    return printable(f"{parts['message']} {parts['hint']}".strip(), keep_lines=False)
