"""What a trained model takes in from fifty new facts, and what it forgets over them: ``python benchmarks/learning.py
TEXT``.

The facts are of an invented world; they are asked as they were learnt and in words that were not, here and in plain
transformers after export. TEXT, which nothing learns from, tells what was forgotten.
"""

from __future__ import annotations

import argparse
import math
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from alen import LargeLanguageModel, paths
from alen.benchmark import machine, report
from alen.benchmark.harness import progress
from alen.benchmark.invented_facts import FACTS, Fact
from alen.benchmark.learning import Answering, answered_by_transformers, surprises
from alen.benchmark.schema import Measured, Result, Row, Target
from alen.text.grading import exact_match
from alen.validation.intervals import rate_estimate

OUT = Path(__file__).with_name("results") / "learning.json"
SECONDS = 300.0

NOTES = (
    "An answer is right when it is the one that was learnt and nothing else, but for capitals, articles and marks.",
    "Other words are two questions a fact that ask the same; nothing was learnt from them, nor tuned on them.",
    "The time is that of the whole call, with the writing of the model's own texts, which are kept for the next.",
    "Perplexity is of the weights in float32, before and after, over the same windows.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    return report.finish("learning", lambda: run(options), options.out)


def run(options: argparse.Namespace) -> Result:
    """Everything but the printing."""
    begun = machine.begin()
    shutil.rmtree(paths.own_texts_folder(paths.home()), ignore_errors=True)
    facts = FACTS[: options.facts]
    model = LargeLanguageModel.from_pretrained(options.model)
    tokens = model.tokenizer.encode(options.text.read_text("utf-8"))
    windows = torch.tensor(tokens[: options.windows * options.length]).view(-1, options.length)
    with progress() as show, tempfile.TemporaryDirectory() as folder:
        before = surprises(model.model, windows, lambda done, total: show("reading before", done, total))
        known = _right(facts, model_answers(model))
        started = time.perf_counter()
        learnt = model.learn_qa([(fact.question, fact.answer) for fact in facts], progress=show)
        seconds = time.perf_counter() - started
        after = surprises(model.model, windows, lambda done, total: show("reading after", done, total))
        ours = _right(facts, model_answers(model))
        exported = Path(folder) / "exported"
        model.export(exported)
        theirs = _right(facts, answered_by_transformers(exported))
    ratio = math.exp((sum(after) - sum(before)) / len(before))
    rows = (
        _row("before", "Right before learning", known[0]),
        _row("verbatim", "Right as learnt", ours[0], 0.9),
        _row("others", "Right in other words", ours[1], 0.6),
        _row("verbatim_exported", "Right as learnt, in transformers after export", theirs[0], 0.9),
        _row("others_exported", "Right in other words, in transformers after export", theirs[1], 0.6),
        Row(
            name="seconds",
            label="Time to learn",
            unit="seconds",
            ours=Measured(value=seconds, n=1),
            target=Target(relation="at most", value=SECONDS),
        ),
        Row(
            name="perplexity",
            label="Perplexity of other text, after to before",
            unit="times",
            ours=Measured(value=ratio, n=len(windows)),
            target=Target(relation="at most", value=1.01),
        ),
    )
    return Result(
        name="learning",
        title=f"{len(facts)} new facts learnt by {model.name}",
        settings={"facts": len(facts), "windows": len(windows), "length": options.length, **learnt.to_json()},
        rows=rows,
        tables={},
        notes=NOTES,
        **machine.conditions(begun),
    )


def model_answers(model: LargeLanguageModel) -> Answering:
    return lambda questions: [
        model.chat([{"role": "user", "content": question}], max_tokens=24).text for question in questions
    ]


def _right(facts: Sequence[Fact], answer: Answering) -> tuple[list[float], list[float]]:
    """Of each question as learnt, and of each in other words, whether its answer is right."""
    plain = answer([fact.question for fact in facts])
    others = answer([other for fact in facts for other in fact.others])
    meant = [fact.answer for fact in facts for _ in fact.others]
    return (
        [exact_match(said, [fact.answer]) for said, fact in zip(plain, facts, strict=True)],
        [exact_match(said, [wanted]) for said, wanted in zip(others, meant, strict=True)],
    )


def _row(name: str, label: str, right: list[float], least: float | None = None) -> Row:
    target = None if least is None else Target(relation="at least", value=least)
    return Row(name=name, label=label, unit="percent", ours=Measured.of(rate_estimate(right)), target=target)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("text", type=Path, help="text that tells what was forgotten, for example wikitext2_valid.txt")
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--facts", type=int, default=len(FACTS))
    parser.add_argument("--windows", type=int, default=64, help="pieces of the text")
    parser.add_argument("--length", type=int, default=512, help="tokens of a piece")
    parser.add_argument("--out", type=Path, default=OUT)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
