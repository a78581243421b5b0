"""Pictures of a result: the reliability diagram and risk against coverage, or recall against time.

    python benchmarks/plots.py benchmarks/results/main_job.json
    python benchmarks/plots.py benchmarks/results/memory.json

Each becomes a PNG beside the file it is drawn from."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from alen.benchmark import schema
from alen.errors import AlenError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RESULT = Path(__file__).resolve().parent / "results" / "main_job.json"
INK, RULE, ACCENT = "#24292f", "#8c959f", "#0969da"
OTHERS = ("#bf3989", "#bc4c00", "#1a7f37", "#8250df", "#9a6700", "#57606a")

Diagram = Callable[["Axes", schema.Result], None]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("result", nargs="?", type=Path, default=RESULT)
    file = parser.parse_args(arguments).result
    try:
        picture = draw(schema.load(file), file.with_suffix(".png"))
    except AlenError as error:
        print(f"plots: {error}", file=sys.stderr)
        return error.exit_code
    print(picture)
    return 0


def draw(result: schema.Result, file: Path) -> Path:
    """The diagrams of this kind of result side by side; returns ``file``."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    diagrams = _recall_and_time(result) if result.name == "memory" else [_reliability, _risk_coverage]
    figure, (places,) = pyplot.subplots(
        1, len(diagrams), figsize=(4.5 * len(diagrams), 4.2), layout="constrained", squeeze=False
    )
    for axes, diagram in zip(places, diagrams, strict=True):
        diagram(axes, result)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color=RULE, alpha=0.2)
    figure.savefig(file, dpi=150, metadata={"Software": None})
    pyplot.close(figure)
    return file


def _recall_and_time(result: schema.Result) -> list[Diagram]:
    """One for each size."""
    sizes = sorted({int(name.rpartition("-")[2]) for name in result.curves})
    return [partial(_recall_against_time, size=size) for size in sizes]


def _recall_against_time(axes: Axes, result: schema.Result, *, size: int) -> None:
    """Every setting of every participant; better is higher and further left."""
    for place, (name, points) in enumerate(result.curves.items()):
        participant, _, rows = name.rpartition("-")
        if int(rows) == size:
            colour = ACCENT if participant == "alen" else OTHERS[place % len(OTHERS)]
            values = [p["ms"] for p in points], [p["recall"] for p in points]
            axes.plot(*values, "o-", color=colour, markersize=5, linewidth=1, label=participant)
    axes.axhline(0.99, color=RULE, linestyle="--", linewidth=1)
    axes.set(xscale="log", xlabel="median milliseconds of a query", ylabel="recall@10")
    axes.set_title(f"{size:,} rows", color=INK, fontsize=10)
    axes.legend(fontsize=8, frameon=False)


def _reliability(axes: Axes, result: schema.Result) -> None:
    bins = result.curves["reliability"]
    ece, n = result.row("ece"), result.row("ece").ours.n
    axes.plot([0, 1], [0, 1], color=RULE, linestyle="--", linewidth=1)
    for part in bins:
        half = 1.96 * (part["accuracy"] * (1 - part["accuracy"]) / part["count"]) ** 0.5
        axes.plot([part["confidence"]] * 2, [part["accuracy"] - half, part["accuracy"] + half], color=RULE, linewidth=1)
    axes.plot([b["confidence"] for b in bins], [b["accuracy"] for b in bins], "o", color=ACCENT, markersize=5)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability given", ylabel="share that was right")
    axes.set_title(f"Reliability: ECE {schema.shown(ece.ours, ece.unit)}, {n} questions", color=INK, fontsize=10)


def _risk_coverage(axes: Axes, result: schema.Result) -> None:
    points = result.curves["risk_coverage"]
    axes.plot([p["coverage"] for p in points], [p["risk"] for p in points], color=ACCENT)
    axes.axhline(points[-1]["risk"], color=RULE, linestyle="--", linewidth=1)
    coverage, precision = result.row("coverage").ours.value, result.row("precision").ours.value
    if coverage and precision is not None:
        axes.plot([coverage], [1 - precision], "o", color=INK, markersize=5)
        axes.annotate("as shipped", (coverage, 1 - precision), (6, 6), textcoords="offset points", fontsize=8)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="share of questions answered", ylabel="share of those that was wrong")
    axes.set_title("Risk against coverage", color=INK, fontsize=10)


if __name__ == "__main__":
    sys.exit(main())
