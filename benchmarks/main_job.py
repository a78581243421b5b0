"""The main job: learn 816 paragraphs, answer 800 questions of unseen articles, and say how likely each answer is right.

    python benchmarks/main_job.py path/to/squad2

The folder holds contexts.jsonl, contexts_extra.jsonl and dev.jsonl of SQuAD 2.0. Questions come only from articles that
nothing was fitted on, half of them unanswerable. Beside ALEN, in turns in the same run, the hand-written pipeline of
plain_pipeline.py answers the same questions with the same two models."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alen.benchmark import machine, measures, report, squad
from alen.benchmark.asking import Asked, measure
from alen.benchmark.harness import progress
from alen.benchmark.participant import Alen, Participant
from alen.benchmark.schema import Result
from alen.errors import WorkError

OUT = Path(__file__).resolve().parent / "results" / "main_job.json"
NOTES = (
    "A probability is judged against: answerable, and token F1 of the best candidate at least 0.5.",
    "Intervals: 95 % bootstrap over passages with their questions, 2,000 draws; encoding: extremes of the rounds.",
    "F1 and exact match grade the answer that would be given if it could not abstain; declined counts as not given.",
    "Base rate of the log-loss: the share of right answers in these very questions, the hardest constant to beat.",
    "Plain has no probability; it declines when it says that it does not know.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    return report.finish("main_job", lambda: run(options), options.out)


def run(options: argparse.Namespace) -> Result:
    """Everything but the printing."""
    from alen import Engine

    data = squad.load(options.data)
    questions = squad.sample(data.test_questions(), options.questions, options.seed)
    begun = machine.begin()
    _set_threads(options.threads)
    with (
        tempfile.TemporaryDirectory(prefix="alen-main-job-") as folder,
        progress() as show,
        _rows(options.rows) as keep,
    ):
        store = f"sqlite:///{Path(folder) / 'memory.db'}"
        with Engine.open(home=options.home, store=store) as engine:
            participants: list[Participant] = [Alen(engine)]
            if options.peers == "plain":
                participants.append(_plain(options))
            runs = measure(
                participants,
                data,
                questions,
                peer_questions=len(questions) if options.plain_questions is None else options.plain_questions,
                encode_rounds=options.encode_rounds,
                block=options.block,
                report=show,
                keep=keep,
            )
    ours, plain = runs["alen"], runs.get("plain")
    return Result(
        name="main_job",
        title=f"SQuAD 2.0: {len(data.passages)} passages taught, {len(questions)} questions of unseen articles",
        **machine.conditions(begun),
        settings=_public(options),
        rows=tuple(measures.rows(ours, plain)),
        curves=measures.curves(ours),
        tables=measures.tables(ours, plain),
        notes=NOTES,
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("data", nargs="?", type=Path, help="folder of the data")
    parser.add_argument("--data", dest="data_option", type=Path, help="the same, as an option")
    parser.add_argument("--questions", type=int, default=800, help="how many to ask")
    parser.add_argument("--seed", type=int, default=0, help="of the choice and order of questions")
    parser.add_argument("--peers", choices=("plain", "none"), default="plain")
    parser.add_argument("--plain-questions", type=int, help="how many of them plain is asked; all when not given")
    parser.add_argument("--plain-passages", type=int, default=1, help="passages in its prompt")
    parser.add_argument("--encode-rounds", type=int, default=3, help="times that everything is encoded, in turns")
    parser.add_argument("--block", type=int, default=20, help="questions before the next participant's turn")
    parser.add_argument("--threads", type=int, default=0, help="of torch, for all participants; 0 leaves its default")
    parser.add_argument("--home", type=Path, help="where the models are; ALEN_HOME when not given")
    parser.add_argument("--out", type=Path, default=OUT, help="result file")
    parser.add_argument("--rows", type=Path, help="also write every question and answer here, as JSON lines")
    options = parser.parse_args(arguments)
    options.data = options.data_option or options.data
    if options.data is None:
        parser.error("the folder of the data is missing: python benchmarks/main_job.py path/to/squad2")
    for name in ("questions", "plain_questions", "plain_passages", "encode_rounds", "block"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    return options


def _public(options: argparse.Namespace) -> dict[str, Any]:
    """The options that change numbers."""
    names = ["questions", "seed", "peers", "plain_questions", "plain_passages", "encode_rounds", "block", "threads"]
    return {name: getattr(options, name) for name in names}


def _plain(options: argparse.Namespace) -> Participant:
    from alen import settings
    from alen.models import locate

    home = settings.load(home=options.home).home
    encoder, model = (locate(name, home).path for name in ("all-minilm-l6-v2", "smollm2-135m-instruct"))
    try:
        from plain_pipeline import PlainPipeline  # lies beside this script

        return PlainPipeline(encoder, model, options.plain_passages)
    except ModuleNotFoundError as error:
        raise WorkError(
            f"The plain pipeline needs {error.name}.", "Install alen[dev], or give --peers none."
        ) from error


def _set_threads(threads: int) -> None:
    import torch

    if threads:
        torch.set_num_threads(threads)


@contextmanager
def _rows(file: Path | None) -> Iterator[Callable[[str, Asked], None]]:
    """Writes every answer at once, so that a run that breaks off leaves what it has."""
    if file is None:
        yield lambda name, asked: None
        return
    with file.open("w", encoding="utf-8", buffering=1) as out:
        yield lambda name, asked: print(json.dumps({"participant": name, **asked.to_json()}), file=out)


if __name__ == "__main__":
    sys.exit(main())
