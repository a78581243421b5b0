"""How soon ALEN answers, alone and over HTTP: ``python benchmarks/serving.py path/to/squad2``.

Some questions of the articles that nothing was fitted on are taught with their answers and asked again in other words;
others must be read from the passages. Everything is on one machine, clients too.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from alen import Engine
from alen.benchmark import machine, report, squad
from alen.benchmark.harness import in_turns, progress, timed
from alen.benchmark.rewording import reword
from alen.benchmark.schema import Measured, Result, Row, Target
from alen.benchmark.serving.load import Load, closed_loop, quantile
from alen.benchmark.serving.served import server, streamed
from alen.validation.intervals import ratio_of_medians

OUT = Path(__file__).with_name("results") / "serving.json"
EFFORT = "fast"
WRITTEN = 128
SHORT = 32
CLIENTS, WORKERS = 16, 2
NOTES = (
    "Paraphrases were never asked before; what was answered is not told here, only how soon.",
    "Clients are in one process on the same cores as the server, and ask the next question when they have an answer.",
    "Clients that ask: two workers of one thread each; clients that have texts written: one worker.",
    "Cost of HTTP: tokens a second of one streamed text in this process over those through the server, by turns.",
    "Generated: completions of 32 tokens after short prompts, ends ignored.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    return report.finish("serving", lambda: run(options), options.out)


def run(options: argparse.Namespace) -> Result:
    """Everything but the printing."""
    begun, chance = machine.begin(), random.Random(options.seed)
    answerable = [question for question in squad.load(options.data).test_questions() if not question.unanswerable]
    chance.shuffle(answerable)
    taught, untaught = answerable[: options.questions], answerable[options.questions : 2 * options.questions]
    reworded = [reword(question.text, chance) for question in taught]
    with tempfile.TemporaryDirectory() as folder, progress() as show:
        store = f"sqlite:///{folder}/memory.db"
        with Engine.open(store=store) as engine:
            engine.teach(passages=options.data / "contexts.jsonl")
            engine.teach(qa=[{"question": question.text, "answer": question.golds[0]} for question in taught])
            unread = [question.text for question in untaught[: options.reads]]
            alone = {
                "recall": _asked(engine, reworded, "in this process, taught", show),
                "read": _asked(engine, unread, "in this process, read", show, read=True),
            }
            with server("--store", store) as url:
                ratio = _beside_http(engine, url, options.rounds, show)
                loads = _written(url, options.seconds, show)
            with server("--store", store, "--workers", str(WORKERS), ALEN_THREADS="1") as url:
                loads["ask 16"] = _asked_at_once(url, reworded, options.seconds)
        cold = [_cold(store, question, show, number) for number, question in enumerate(reworded[: options.rounds])]
    return Result(
        name="serving",
        title=f"Answering and serving, {options.questions} questions taught",
        settings={"questions": options.questions, "seconds": options.seconds, "seed": options.seed},
        rows=tuple(_rows(alone, ratio, loads, cold)),
        notes=NOTES,
        **machine.conditions(begun),
    )


def _asked(engine: Engine, questions: Sequence[str], label: str, show: Any, *, read: bool = False) -> list[float]:
    """Seconds of each question but the first ten; with ``read`` of those alone for which the model read a passage."""
    for question in questions[:10]:
        engine.ask(question, effort=EFFORT, private=True)
    taken = []
    for done, question in enumerate(questions[10:], 1):
        answer, seconds = timed(partial(engine.ask, question, effort=EFFORT, private=True))
        if answer.tokens or not read:
            taken.append(seconds)
        show(label, done, len(questions) - 10)
    return taken


def _beside_http(engine: Engine, url: str, rounds: int, show: Any) -> tuple[list[float], list[float]]:
    """Tokens a second of one text, in this process and through the server."""
    from alen.engine.local_model import LocalModel

    backend = engine.model()
    assert backend is not None
    assert isinstance(backend.generator, LocalModel)
    model = backend.generator.model
    rates: dict[str, list[float]] = {"process": [], "http": []}
    for turn, side in in_turns(1 + rounds, list(rates)):
        prompt = f"Story number {turn}: once upon a time there was"
        if side == "process":
            stream = model.stream(prompt, max_tokens=WRITTEN, ignore_eos=True).read()
            rate = (stream.tokens - 1) / stream.timings_ms["decode"] * 1e3
        else:
            body = {"model": model.name, "prompt": prompt, "max_tokens": WRITTEN, "ignore_eos": True, "temperature": 0}
            count, seconds = streamed(url, body)
            rate = count / seconds
        if turn:
            rates[side].append(rate)
        show("HTTP beside none", turn, rounds)
    return rates["process"], rates["http"]


def _written(url: str, seconds: float, show: Any) -> dict[str, Load]:
    def body(number: int) -> dict[str, Any]:
        place = number % 256
        settings = {"max_tokens": SHORT, "ignore_eos": True, "temperature": 0, "seed": place}
        return {"prompt": f"The word is {place}.", **settings}

    found = {}
    for done, clients in enumerate((1, CLIENTS), 1):
        found[f"write {clients}"] = closed_loop(f"{url}/v1/completions", body, clients, seconds=seconds).checked()
        show("clients that have texts written", done, 2)
    return found


def _asked_at_once(url: str, reworded: Sequence[str], seconds: float) -> Load:
    def body(number: int) -> dict[str, Any]:
        return {"question": reworded[number % len(reworded)], "effort": EFFORT, "private": True}

    closed_loop(f"{url}/v1/alen/ask", body, CLIENTS, seconds=5.0).checked()
    return closed_loop(f"{url}/v1/alen/ask", body, CLIENTS, seconds=seconds).checked()


def _cold(store: str, question: str, show: Any, number: int) -> float:
    command = [
        sys.executable,
        "-m",
        "alen",
        "ask",
        question,
        "--effort",
        EFFORT,
        "--private",
        "--json",
        "--store",
        store,
    ]
    _, seconds = timed(lambda: subprocess.run(command, check=True, capture_output=True))
    show("cold", number + 1, number + 1)
    return seconds


def _rows(
    alone: dict[str, list[float]],
    rates: tuple[list[float], list[float]],
    loads: dict[str, Load],
    cold: list[float],
) -> list[Row]:
    asked, written = loads["ask 16"], loads["write 16"]
    return [
        _seconds("recall", "Asked in other words than taught, median", alone["recall"], 0.5, 0.1),
        _seconds("read", "Read from a passage, median", alone["read"], 0.5, 0.2),
        _rate("asked", "Other words through the server, 16 clients", asked, 100),
        _seconds("asked_p95", "95 of 100 of these within", asked.taken, 0.95, 0.25),
        Row(
            name="http",
            label="In-process tokens a second over those through HTTP",
            unit="times",
            ours=Measured.of(ratio_of_medians(*rates)),
            target=Target(relation="at most", value=1.05),
        ),
        _seconds("cold", "alen ask, from start to end of the process", cold, 0.5, 3.0),
        _seconds("written", f"{SHORT} tokens through the server, one client", loads["write 1"].taken, 0.5, None),
        _rate("written_16", f"{SHORT} tokens through the server, 16 clients", written, None),
        _seconds("written_16_p95", "95 of 100 of these within", written.taken, 0.95, None),
    ]


def _seconds(name: str, label: str, taken: Sequence[float], share: float, most: float | None) -> Row:
    target = None if most is None else Target(relation="at most", value=most)
    return Row(name=name, label=label, unit="seconds", ours=Measured.of(quantile(taken, share)), target=target)


def _rate(name: str, label: str, load: Load, least: float | None) -> Row:
    target = None if least is None else Target(relation="at least", value=least)
    ours = Measured(value=load.per_second, n=len(load.taken))
    return Row(name=name, label=label, unit="per second", ours=ours, target=target)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]  # it is above
    parser.add_argument("data", type=Path, help="folder of SQuAD 2.0")
    parser.add_argument("--questions", type=int, default=400, help="how many are taught, and how many are not")
    parser.add_argument("--reads", type=int, default=120, help="how many that are not taught are asked")
    parser.add_argument("--seconds", type=float, default=15.0, help="that clients ask")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
