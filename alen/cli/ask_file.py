"""``alen ask --file --out``: every question of a file, resumable, with a progress bar."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from alen.cli import opening
from alen.cli.interrupt import cancel_on_interrupt
from alen.cli.options import Common
from alen.cli.output import say
from alen.cli.progress import progress_bar
from alen.errors import BadInput, Cancelled
from alen.text.answers_file import AnswersFile, id_key
from alen.types import Effort


def ask_file(
    common: Common, file: Path, out: Path, *, session: str | None, effort: Effort | None, private: bool
) -> dict[str, Any]:
    """Answer the questions that ``out`` lacks, one line each, in order. Returns what was done.

    The whole input is read and checked before any model loads. Raises BadInput with the number of a broken line."""
    from alen.text.documents import read_questions

    started = time.perf_counter()
    questions = read_questions(file)
    if out.exists() and out.samefile(file):
        raise BadInput("--out", str(out), "another file than --file", "The answers must not replace the questions.")
    answered = asked = 0
    with AnswersFile(out) as answers:
        waiting = [row for row in questions if id_key(row["id"]) not in answers.done]
        skipped = len(questions) - len(waiting)
        if waiting:
            with opening.open_engine(common) as engine, progress_bar() as progress, cancel_on_interrupt() as cancel:
                progress("asking", skipped, len(questions))
                for row in waiting:
                    if cancel.is_set():
                        break
                    try:
                        answer = engine.ask(
                            row["question"], session=session, effort=effort, private=private, cancel=cancel
                        )
                    except Cancelled:
                        break
                    except BadInput as error:
                        place = f"{file}, id {row['id']!r}: {error.field}"
                        raise BadInput(place, error.found, error.allowed, error.hint) from None
                    answers.append({"id": row["id"], **answer.to_json()})
                    asked += 1
                    answered += answer.decision == "answer"
                    progress("asking", skipped + asked, len(questions))
            if asked < len(waiting):
                say(f"{skipped + asked} of {len(questions)} are in {out}; the same command goes on from there")
                raise Cancelled("Asking was stopped.")
    return {
        "asked": asked,
        "answered": answered,
        "skipped": skipped,
        "out": str(out),
        "seconds": time.perf_counter() - started,
    }
