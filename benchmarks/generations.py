"""The frozen generations that benchmarks/validation.py scores: one file for each set of questions.

    python benchmarks/generations.py path/to/data --out path/to/generations --sets squad2 sst2

The folder holds a folder for each data set. Stop it with Ctrl-C; the same command goes on where it stopped."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from alen.benchmark.generations import SAMPLES, TEMPERATURE, Prompts, Settings, generate
from alen.benchmark.harness import Report, progress
from alen.benchmark.tasks import DECLARED, TASKS
from alen.errors import AlenError


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    stop = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        run(options, stop)
    except AlenError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def run(options: argparse.Namespace, stop: threading.Event) -> None:
    from alen.language_model import LargeLanguageModel

    model = LargeLanguageModel.from_pretrained(options.model, home=options.home)
    prompts = Prompts(model)
    settings = Settings(model.fingerprint, options.seed, options.samples, options.temperature)
    with progress() as show:
        for name in options.sets:
            if stop.is_set():
                return
            items = TASKS[name].items(options.data, options.part, options.count or DECLARED.get(name))
            out = options.out / f"{model.name}.{name}.{options.seed}.jsonl"
            generate(
                items,
                prompts,
                out,
                settings,
                report=partial(_report, show, name, len(items)),
                cancel=stop,
            )


def _report(show: Report, name: str, total: int, done: int) -> None:
    show(name, done, total)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder with a folder for each data set")
    parser.add_argument("--out", type=Path, required=True, help="folder of the frozen files")
    parser.add_argument("--sets", nargs="+", choices=list(TASKS), default=list(DECLARED), metavar="SET")
    parser.add_argument("--count", type=int, help="questions of each set; the set's declared number when not given")
    parser.add_argument("--part", choices=("evaluation", "development"), default="evaluation")
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--temperature", type=float, default=TEMPERATURE)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--home", type=Path, help="where the models are; ALEN_HOME when not given")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
