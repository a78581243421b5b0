"""Whether the turns that answer a question about a long conversation are found: LoCoMo, retrieval alone.

    python benchmarks/locomo.py path/to/locomo --work path/for/environments

The folder holds turns.jsonl and qa.jsonl. Each conversation is a namespace of one memory. Beside ALEN, BM25 by the
package rank-bm25 ranks the same texts. No language model takes part, in answering or in judging."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import numpy as np

from alen.benchmark import locomo, locomo_ways, machine, report
from alen.benchmark.harness import progress
from alen.benchmark.locomo import Question, Scores, Turn
from alen.benchmark.memory_process import STORES, environment
from alen.benchmark.schema import Measured, Result, Row, Target
from alen.errors import WorkError
from alen.memory.episode_recall import Mode
from alen.types import Encoder
from alen.validation.intervals import mean_estimate

OUT = Path(__file__).resolve().parent / "results" / "locomo.json"
BM25 = ("rank-bm25==0.2.2", "numpy==2.4.6")
DEEP = 100
"""Turns that are ranked: enough for ten distinct sessions."""
WANTED = 0.95
LABELS = {
    "recall_5": "R@5",
    "recall_10": "R@10",
    "reciprocal_rank": "MRR",
    "session_of_ten": "session in 10 turns",
    "session_any": "session in 10 sessions",
    "session_all": "all sessions in 10",
}
NOTES = (
    "R@5 and R@10: the share of a question's evidence turns among the first five and ten; MRR: one over the rank of "
    "the first of them, of a hundred.",
    "Session in 10 turns: one of the first ten turns is of a session that holds evidence, as Hebb-Mind counts its "
    "published 0.914 with the same encoder, on all ten conversations. Session in 10 sessions: such a session is among "
    "the first ten distinct ones; all sessions in 10: each session of the evidence is.",
    "ms: the median time to find ten turns, once the question is encoded.",
    "Adversarial questions presume what is not so; their evidence are the turns that they twist. They are kept apart.",
    "Ways of storing are structural: what is in a text. No weight was chosen on these questions, and every way that "
    "was tried is in the tables.",
)

Ranking = Callable[[Question], list[str]]
Scored = list[tuple[Question, Scores]]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    return report.finish("locomo", lambda: run(options), options.out)


def run(options: argparse.Namespace) -> Result:
    """Everything but the printing."""
    begun = machine.begin()
    turns, questions, left_out = locomo.load(options.data)
    encoder = locomo_ways.EncodedOnce(_encoder(options))
    encoder.encode([question.text for question in questions])
    found: dict[tuple[str, str], Scored] = {}
    spent: dict[tuple[str, str], list[float]] = {}
    with progress() as show, tempfile.TemporaryDirectory(prefix="alen-locomo-") as folder:
        for way in options.ways:
            with locomo_ways.WAYS[way](Path(folder) / way.replace(" ", "-"), turns, encoder) as stored:
                for mode in locomo_ways.MODES:
                    key = (way, mode)
                    found[key], spent[key] = _asked(
                        stored, mode, questions, lambda n, k=key: show(" ".join(k), n, len(questions))
                    )
    if options.peers == "rank-bm25":
        for name, texts in (
            ("rank-bm25", _texts(turns)),
            ("rank-bm25 with the turn before", _texts(turns, before=True)),
        ):
            found[name, "lexical"] = _bm25(options, turns, texts, questions)
    conditions = machine.conditions(begun)
    conditions["versions"] |= dict(one.split("==") for one in BM25[:1])
    return Result(
        name="locomo",
        title=f"LoCoMo: {len(turns):,} turns of {len({turn.conversation for turn in turns})} conversations, "
        f"{len(questions):,} questions",
        **conditions,
        settings={"ways": options.ways, "peers": options.peers, "encoder": encoder.name, "left_out": left_out},
        rows=tuple(_rows(found, options.ways[0])),
        tables=_tables(found, spent),
        notes=(*NOTES, f"{left_out} questions name no turn that exists and are left out."),
    )


def _asked(
    stored: locomo_ways.Stored, mode: Mode, questions: Sequence[Question], show: Callable[[int], None]
) -> tuple[Scored, list[float]]:
    """Every question's scores, and the seconds that finding ten turns took."""
    scored, seconds = [], []
    for number, question in enumerate(questions, 1):
        started = time.perf_counter()
        first = stored(question.conversation, question.text, mode, 10)
        seconds.append(time.perf_counter() - started)
        # Asked again for more, which may order them otherwise: the first ten are those of ten.
        ranked = [*first, *stored(question.conversation, question.text, mode, DEEP)]
        scored.append((question, locomo.score(question, ranked)))
        show(number)
    return scored, seconds


def _bm25(
    options: argparse.Namespace, turns: Sequence[Turn], texts: dict[str, list[str]], questions: Sequence[Question]
) -> Scored:
    """The package in an environment of its own. Raises WorkError."""
    interpreter = environment(options.work / "envs" / "rank-bm25", BM25)
    of = {name: [question for question in questions if question.conversation == name] for name in texts}
    groups = {name: {"texts": texts[name], "questions": [each.text for each in of[name]]} for name in texts}
    done = subprocess.run(
        [str(interpreter), str(STORES / "rank_bm25_turns.py")],
        input=json.dumps({"groups": groups, "count": DEEP}),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise WorkError(f"rank-bm25 failed: {done.stderr.strip()[-300:]}", "Leave it out with --peers none.")
    names = {name: [turn.name for turn in turns if turn.conversation == name] for name in texts}
    return [
        (question, locomo.score(question, [names[name][place] for place in places]))
        for name, rankings in json.loads(done.stdout).items()
        for question, places in zip(of[name], rankings, strict=True)
    ]


def _texts(turns: Sequence[Turn], *, before: bool = False) -> dict[str, list[str]]:
    """By conversation: what was said, by whom and when, which is what ALEN is given too."""
    found: dict[str, list[str]] = {}
    for turn, last in locomo_ways.with_before(turns):
        text = locomo_ways.said_after(turn, last) if before else locomo_ways.said(turn)
        found.setdefault(turn.conversation, []).append(f"{turn.date} {text}")
    return found


def _rows(found: dict[tuple[str, str], Scored], way: str) -> list[Row]:
    """The first way, hybrid: answerable questions first, then all as others publish them."""
    scored = found[way, "hybrid"]
    answerable = [(question, one) for question, one in scored if question.category != locomo.ADVERSARIAL]
    wanted = {"session_of_ten", "session_any"}
    return [
        Row(
            name=f"{name}{suffix}",
            label=f"{label}, {whose}",
            unit="number",
            ours=Measured.of(mean_estimate([getattr(one, name) for _, one in part])),
            target=Target(relation="at least", value=WANTED) if name in wanted else None,
        )
        for suffix, whose, part in (("", "answerable", answerable), ("_all", "all questions", scored))
        for name, label in LABELS.items()
    ]


def _tables(
    found: dict[tuple[str, str], Scored], spent: dict[tuple[str, str], list[float]]
) -> dict[str, list[dict[str, Any]]]:
    def line(scored: Scored) -> dict[str, str]:
        columns = np.array([astuple(one) for _, one in scored]).mean(axis=0)
        values = zip(fields(Scores), columns, strict=True)
        return {"questions": str(len(scored))} | {LABELS[field.name]: f"{value:.3f}" for field, value in values}

    def table(keep: Callable[[Question], bool]) -> list[dict[str, Any]]:
        lines = []
        for (way, mode), scored in found.items():
            part = [(question, one) for question, one in scored if keep(question)]
            took = spent.get((way, mode))
            lines.append(
                {"way": way, "mode": mode}
                | (line(part) if part else {})
                | {"ms": f"{1000 * float(np.median(took)):.1f}" if took else ""}
            )
        return lines

    best = next(iter(found))
    by_category = [
        {"category": name} | line([(question, one) for question, one in found[best] if question.category == category])
        for category, name in locomo.CATEGORIES.items()
        if any(question.category == category for question, _ in found[best])
    ]
    return {
        "answerable": table(lambda question: question.category != locomo.ADVERSARIAL),
        "adversarial": table(lambda question: question.category == locomo.ADVERSARIAL),
        "all_questions": table(lambda question: True),
        "by_category": by_category,
    }


def _encoder(options: argparse.Namespace) -> Encoder:
    from alen.sentence_encoder import SentenceEncoder

    return SentenceEncoder.from_pretrained(home=options.home)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder with turns.jsonl and qa.jsonl")
    parser.add_argument("--work", type=Path, required=True, help="folder for the peer's environment")
    parser.add_argument("--ways", nargs="+", choices=list(locomo_ways.WAYS), default=list(locomo_ways.WAYS))
    parser.add_argument("--peers", choices=("rank-bm25", "none"), default="rank-bm25")
    parser.add_argument("--home", type=Path, help="where the models are; ALEN_HOME when not given")
    parser.add_argument("--out", type=Path, default=OUT, help="result file")
    options = parser.parse_args(arguments)
    options.work = options.work.absolute()
    return options


if __name__ == "__main__":
    sys.exit(main())
