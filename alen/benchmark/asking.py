"""The run of the main job: encode, teach, rank and ask, participants in turns, every answer graded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from alen.benchmark.harness import Report, blocks, in_turns, timed
from alen.benchmark.participant import Participant, Reply
from alen.benchmark.squad import Data, Question
from alen.validation.metrics import exact_match, is_right, token_f1

RANKED = 5
WARM_UP = ("What is described here?", "Who wrote it?")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question put to one participant. ``rank`` is the gold passage's place from 0, None when below ``RANKED``."""

    question: Question
    reply: Reply
    seconds: float
    rank: int | None
    f1: float
    exact: float
    right: bool

    def to_json(self) -> dict[str, Any]:
        return {
            **asdict(self.question),
            **asdict(self.reply),
            "answer": self.reply.text,
            "text": self.question.text,
            "seconds": round(self.seconds, 4),
            "rank": self.rank,
            "f1": round(self.f1, 4),
            "exact": self.exact,
            "right": self.right,
        }


@dataclass(slots=True)
class Run:
    """What one participant did. ``encode_rates`` are passages a second, one a round."""

    name: str
    asked: list[Asked] = field(default_factory=list)
    encode_rates: list[float] = field(default_factory=list)
    teach_seconds: float = 0.0


def measure(
    participants: Sequence[Participant],
    data: Data,
    questions: Sequence[Question],
    *,
    peer_questions: int,
    encode_rounds: int,
    block: int,
    report: Report,
    keep: Callable[[str, Asked], None] = lambda name, asked: None,
) -> dict[str, Run]:
    """Runs by name. The first participant answers every question, the others the first ``peer_questions`` shared out
    evenly over the blocks, so that all times come from the same minutes. ``keep`` gets each answer as soon as it is
    there, so that a run that breaks off is not lost."""
    runs = {participant.name: Run(participant.name) for participant in participants}
    by_name = {participant.name: participant for participant in participants}
    _encode(by_name, runs, list(data.passages.values()), encode_rounds, report)
    for done, participant in enumerate(participants):
        report("teach", done, len(participants))
        _, runs[participant.name].teach_seconds = timed(partial(participant.teach, data))
    report("teach", len(participants), len(participants))
    for participant in participants:
        for text in WARM_UP:
            participant.ask(text)
    pieces = blocks(questions, block)
    shares = _shares([len(piece) for piece in pieces], peer_questions)
    total = len(questions) + sum(shares) * (len(participants) - 1)
    done = 0
    for turn, name in in_turns(len(pieces), list(by_name)):
        own = name == participants[0].name
        for question in pieces[turn] if own else pieces[turn][: shares[turn]]:
            runs[name].asked.append(_ask(by_name[name], question))
            keep(name, runs[name].asked[-1])
            done += 1
            report("ask", done, total)
    return runs


def _encode(
    by_name: dict[str, Participant], runs: dict[str, Run], texts: list[str], rounds: int, report: Report
) -> None:
    for participant in by_name.values():
        participant.encode(texts[:8])
    for turn, name in in_turns(rounds, list(by_name)):
        report("encode", turn, rounds)
        _, seconds = timed(partial(by_name[name].encode, texts))
        runs[name].encode_rates.append(len(texts) / seconds)
    report("encode", rounds, rounds)


def _ask(participant: Participant, question: Question) -> Asked:
    reply, seconds = timed(partial(participant.ask, question.text))
    ranking = participant.rank(question.text, RANKED)
    return Asked(
        question=question,
        reply=reply,
        seconds=seconds,
        rank=ranking.index(question.passage) if question.passage in ranking else None,
        f1=token_f1(reply.text, question.golds),
        exact=exact_match(reply.text, question.golds),
        right=is_right(reply.text, question.golds, unanswerable=question.unanswerable),
    )


def _shares(sizes: Sequence[int], wanted: int) -> list[int]:
    """How many of each block a peer is asked, ``wanted`` in all, in proportion to the blocks."""
    total, shares, seen = sum(sizes), [], 0
    wanted = min(wanted, total)
    for size in sizes:
        before, seen = wanted * seen // total, seen + size
        shares.append(wanted * seen // total - before)
    return shares
