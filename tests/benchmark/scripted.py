"""A small data set and an engine that follows a script, for tests of the benchmark."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from alen.types import Answer, Candidate, Evidence, Passage, PassageHit, Recollection, TeachReport

ARTICLES = ("Imperialism", "Packet_switching", "Normans")


def write_data(folder: Path, per_article: int = 12) -> Path:
    """Three articles of two passages; question i of an article is about passage i % 2 and every third has no answer."""
    folder.mkdir(parents=True, exist_ok=True)
    contexts, questions = [], []
    for a, article in enumerate(ARTICLES):
        for half in (0, 1):
            contexts.append(
                {"id": 2 * a + half, "title": article, "text": f"{article} part {half} holds stone {a}{half}."}
            )
        for i in range(per_article):
            empty = i % 3 == 2
            questions.append(
                {
                    "id": f"{article}-{i}",
                    "ctx": 2 * a + i % 2,
                    "question": f"{article} {i}: which stone is in part {i % 2}?",
                    "answers": [] if empty else [f"stone {a}{i % 2}"],
                    "unanswerable": empty,
                }
            )
    extra = [{"id": "x0", "title": "Elsewhere", "text": "Nothing to do with it."}]
    for name, rows in (("contexts", contexts), ("contexts_extra", extra), ("dev", questions)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return folder


class ScriptedEngine:
    """Names the stone of the part that is asked for: with 0.9, or 0.2 on every third question, which has no answer."""

    def __init__(self) -> None:
        self.encoder = SimpleNamespace(encode=self._encode)
        self.memory = SimpleNamespace(recollect=self._recollect)
        self.passages: list[Passage] = []
        self.taught: list[str] = []
        self.asked: list[str] = []
        self.encoded = 0
        self.closed = False

    def __enter__(self) -> ScriptedEngine:
        return self

    def __exit__(self, *error: object) -> None:
        self.closed = True

    def teach(self, *, passages: Path) -> TeachReport:
        self.taught.append(passages.name)
        rows = [json.loads(line) for line in passages.read_text("utf-8").splitlines()]
        for row in rows:
            number = len(self.passages)
            self.passages.append(Passage(number, row["text"], passages.name, row["title"], external_id=str(row["id"])))
        return TeachReport(len(rows), 0, 0, 0.0)

    def ask(self, question: str) -> Answer:
        self.asked.append(question)
        found = self._best(question)
        if not found:
            return Answer(question, None, 0.0, (0.0, 0.0), "abstain", "nothing found")
        passage = found[0]
        sure = 0.2 if int(question.split()[1].rstrip(":")) % 3 == 2 else 0.9
        stone = passage.text.removesuffix(".").partition("holds ")[2]
        evidence = Evidence(str(passage.id), "passage", passage.text, passage.source, None, 0, len(passage.text), 1.0)
        candidate = Candidate(stone, ("extract",), confidence=sure, evidence=(evidence,))
        decision: Any = "answer" if sure >= 0.5 else "abstain"
        text = stone if decision == "answer" else None
        reason = "" if text else "unsure"
        timings = {"recall": 1.0, "total": 2.0}
        return Answer(question, text, sure, (sure, sure), decision, reason, (candidate,), (evidence,), timings)

    def _best(self, question: str) -> list[Passage]:
        words = set(question.rstrip("?").split())
        hits = [passage for passage in self.passages if passage.title in words]
        return sorted(hits, key=lambda passage: f"part {question.rstrip('?')[-1]}" not in passage.text)

    def _recollect(
        self, question: str, vector: np.ndarray | None, *, passages: int, episodes: int, asked: str | None = None
    ) -> Recollection:
        return Recollection(tuple(PassageHit(passage, 1.0) for passage in self._best(question)[:passages]))

    def _encode(self, texts: list[str]) -> np.ndarray:
        self.encoded += len(texts)
        return np.ones((len(texts), 4), dtype=np.float32) / 2
