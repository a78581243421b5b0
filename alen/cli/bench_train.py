"""``alen bench train``: how fast a model computes and trains here, and what that takes, beside transformers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import click

from alen.cli import report_folder
from alen.cli.options import Common, of_this_machine
from alen.cli.output import emit_json, say
from alen.errors import BadInput, Cancelled

MODEL = "alen-small"
PRECISIONS = ("float32", "bfloat16")


@click.command("train")
@click.argument("name", required=False, metavar="[MODEL]")
@click.option("--against", type=click.Choice(["transformers"]), multiple=True, help="Measure this too, in turns.")
@click.option("--batch-sizes", metavar="N,…", default="1,4,8", show_default=True, help="Texts of a step.")
@click.option("--lengths", metavar="N,…", default="128,512", show_default=True, help="Tokens of a text.")
@click.option("--precision", type=click.Choice(PRECISIONS), help="Of the weights; the model's own when not given.")
@click.option("--compile", "compiled", is_flag=True, help="Compile steps; beside others where that is faster.")
@click.option("--threads", type=click.IntRange(1, 1024), metavar="N", help="Of the processor; torch's default else.")
@click.option("--rounds", type=int, default=5, show_default=True, metavar="N", help="Steps that are timed.")
@click.option("--report", type=click.Path(path_type=Path), metavar="DIR", help="Folder for JSON and pictures.")
@of_this_machine("it measures this machine")
def command(
    common: Common,
    name: str | None,
    against: tuple[str, ...],
    batch_sizes: str,
    lengths: str,
    precision: str | None,
    compiled: bool,
    threads: int | None,
    rounds: int,
    report: Path | None,
) -> None:
    """Measure steps of MODEL, alen-small when none is named: latency, throughput and memory.

    MODEL is the name of a shape (alen-micro, gpt2-small, …) with fresh weights, or a model's file or folder. Steps are
    forward passes and training steps with AdamW. With --against each side runs in a process of its own, with the number
    format and compilation that are fastest for it, and a training step is forward and backward.

    \b
    alen bench train gpt2-small --batch-sizes 1,8 --lengths 256
    alen bench train alen-small --against transformers --precision bfloat16
    """
    sizes, tokens = _numbers("--batch-sizes", batch_sizes), _numbers("--lengths", lengths)
    if report is not None:
        report_folder.check(report)
    from alen.benchmark.harness import progress
    from alen.benchmark.performance import PerformanceBenchmark, peers
    from alen.benchmark.performance.results import write_report
    from alen.neural.host_memory import keep_freed

    benchmark = PerformanceBenchmark(sizes, tokens, rounds, precision=precision, compile=compiled)  # type: ignore[arg-type]  # click has checked it
    model = name or common.model or MODEL
    try:
        with redirect_stdout(sys.stderr), _threads(threads), progress() as show:
            if against:
                found = peers.run(model, benchmark, threads=threads or 0, report=show)
                value, table = found.to_dict(), found.table()
                sides = {"alen": found.ours, "transformers": found.theirs}
            else:
                keep_freed()
                measured = benchmark.run(model, show)
                value, table, sides = {"ours": measured.to_dict()}, measured.table(), {"alen": measured}
    except KeyboardInterrupt:
        raise Cancelled("Measuring was stopped.") from None
    if report is not None:
        write_report(report, sides, value)
        say(f"Written: {report}")
    if common.as_json:
        emit_json({**value, "report": report and str(report)})
    else:
        print(table, end="")


def _numbers(option: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise BadInput(option, repr(text), "whole numbers with commas between", f"For example: {option} 1,8") from None


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
