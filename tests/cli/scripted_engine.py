"""An engine that says what the test wrote for it, with the engine's own signatures."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from alen.cli.options import Common
from alen.errors import BadInput, Cancelled, UnknownEpisode, UnknownNamespace
from alen.types import Answer, Candidate, Check, Evidence, TeachReport

KILN = "The Halden kiln stands in the yard. It fires stoneware at 1,240 degrees Celsius. Nobody else may light it."


def known(
    question: str = "How hot does the kiln get?", *, session: str | None = None, episode: str | None = "e1"
) -> Answer:
    """An answer with evidence and checks."""
    evidence = Evidence("p7", "passage", KILN, "kiln.md", 3, 100, 100 + len(KILN), 0.91)
    candidate = Candidate(
        "1,240 degrees Celsius",
        ("span",),
        (Check("grounded", "pass", 0.97), Check("type_fits", "fail", 0.2), Check("computed", "not_applicable")),
        energy=-2.6,
        confidence=0.93,
        interval=(0.88, 0.97),
        evidence=(evidence,),
    )
    return Answer(
        question,
        candidate.text,
        0.93,
        (0.88, 0.97),
        "answer",
        "the evidence supports it",
        (candidate,),
        (evidence,),
        {"recall": 4.0, "read": 300.0, "total": 310.0},
        tokens=412,
        episode=episode,
        session=session,
    )


def unknown(question: str = "Which bank?", *, guess: str = "Lloyds") -> Answer:
    """An abstention that had a guess."""
    candidate = Candidate(guess, ("span",), (Check("grounded", "fail", 0.1),), 1.2, 0.23, (0.15, 0.34))
    return Answer(
        question, None, 0.23, (0.15, 0.34), "abstain", "nothing taught says so", (candidate,), (), {"total": 200.0}
    )


class ScriptedEngine:
    """Answers with ``known`` unless a question has an entry in ``script``: an Answer, or an exception to raise."""

    def __init__(self, script: dict[str, Answer | Exception] | None = None) -> None:
        self.script = script or {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.closed = False
        self.opened: Common | None = None
        self.ray: str | None = None
        self.holding: threading.Event | None = None
        """While set to an event, chat and ask wait for it, or for their cancel token."""

    def __enter__(self) -> ScriptedEngine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self.closed = True

    def ask(
        self,
        question: str,
        *,
        session: str | None = None,
        effort: str | None = None,
        private: bool = False,
        cancel: threading.Event | None = None,
    ) -> Answer:
        self.calls.append(("ask", {"question": question, "session": session, "effort": effort, "private": private}))
        if self.holding is not None:
            while not self.holding.wait(0.01):
                if cancel is not None and cancel.is_set():
                    raise Cancelled("The answer was stopped.")
        scripted = self.script.get(question, known(question, session=session))
        if isinstance(scripted, Exception):
            raise scripted
        return scripted

    def chat(
        self,
        message: str,
        *,
        session: str | None = None,
        effort: str | None = None,
        private: bool = False,
        cancel: threading.Event | None = None,
        on_stage: Callable[[str], None] | None = None,
    ) -> Answer:
        if on_stage is not None:
            on_stage("reading [3] passages")
        return self.ask(message, session=session or "s1", effort=effort, private=private, cancel=cancel)

    def teach(
        self,
        text: str | None = None,
        *,
        paths: Sequence[Path] = (),
        qa: Path | None = None,
        source: str | None = None,
        progress: Callable[[str, int, int], None] | None = None,
        **files: Path | None,
    ) -> TeachReport:
        self.calls.append(("teach", {"text": text, "paths": paths, "qa": qa, "source": source, **files}))
        if progress is not None:
            progress("reading", 1, 2)
            progress("reading", 2, 2)
        return TeachReport(3, 1, 0, 0.25)

    def feedback(self, episode: str, *, correct: bool, answer: str | None = None) -> dict[str, str]:
        if episode != "e1":
            raise UnknownEpisode("episode", repr(episode), "an episode of this namespace", "Take it from an answer.")
        self.calls.append(("feedback", {"episode": episode, "correct": correct, "answer": answer}))
        return {"episode": episode, "status": "gold" if correct else "quarantined"}

    def commit_verified(self, epsilon: float) -> dict[str, Any]:
        self.calls.append(("commit_verified", {"epsilon": epsilon}))
        return {"proved": 2, "certified": 0, "epsilon": epsilon, "waiting": 5, "graded": 0}

    def consolidate(self, *, minutes: float, progress: Any = None) -> dict[str, Any]:
        self.calls.append(("consolidate", {"minutes": minutes}))
        told = {"recalled": 0.985, "reworded": 0.9, "reworded_before": None, "parameters": 1_000_000, "steps": 600}
        return {"pairs": 1200, "left_out": 0, "kept": "new", **told, "seconds": 31.4}

    def calibrate(self, questions_path: Path, passages: Path | None = None, progress: Any = None) -> dict[str, Any]:
        self.calls.append(("calibrate", {"questions": questions_path, "passages": passages}))
        certificate = {"alpha": 0.1, "delta": 0.05, "threshold": 0.8, "answered": 120, "wrong": 4}
        return {
            "questions": 400,
            "solutions": 80,
            "families": {
                "read": {"rows": 390, "right": 180, "fitted": True, "sets": 1, "single": None, "log_loss": 0.4512},
                "recall": {"rows": 12, "right": 12, "fitted": False},
            },
            "certified_on": 160,
            "certified_groups": 90,
            "groups": 220,
            "log_loss": 0.4612,
            "log_loss_of_constant": 0.69,
            "certificates": [certificate, {**certificate, "alpha": 0.05, "threshold": None}],
        }


NOWHERE = UnknownNamespace("namespace", "'nowhere'", "default", "Teach it first: alen teach --namespace nowhere FILE")
EMPTY = BadInput("question", "an empty question", "a text", "Write a question.")
