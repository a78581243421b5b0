"""Pictures of latency, throughput and memory: a panel a step, a colour a size of batch, a line style a side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alen.errors import WorkError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from alen.benchmark.performance.results import PerformanceRow

Rows = Sequence["PerformanceRow"]

_SIZE, _DPI = (8.0, 4.0), 120
_STYLES = ("-", "--")
_TITLES = {"forward": "forward", "train": "training step"}
_MEASURES: dict[str, tuple[str, Callable[[PerformanceRow], float | None]]] = {
    "latency": ("milliseconds of a step", lambda row: None if row.latency is None else 1000 * row.latency.median),
    "throughput": ("tokens a second", lambda row: row.throughput),
    "memory": ("MiB at the peak", lambda row: None if row.memory is None else row.memory / 2**20),
}


def check() -> None:
    """Raises WorkError when pictures cannot be drawn."""
    try:
        import matplotlib  # noqa: F401 it is looked for before anything is measured or written
    except ModuleNotFoundError:
        raise WorkError("Pictures need matplotlib.", "Install it: pip install 'alen[train]'") from None


def draw(sides: Mapping[str, Rows], folder: Path) -> None:
    """Write ``latency.png``, ``throughput.png`` and ``memory.png``, 960 × 480. Needs no display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    steps = list(dict.fromkeys(row.step for rows in sides.values() for row in rows))
    for name, (label, measure) in _MEASURES.items():
        figure = Figure(figsize=_SIZE, layout="constrained")
        FigureCanvasAgg(figure)
        (panels,) = figure.subplots(1, len(steps), squeeze=False)
        for axes, step in zip(panels, steps, strict=True):
            _panel(axes, {side: [row for row in rows if row.step == step] for side, rows in sides.items()}, measure)
            axes.set_title(_TITLES[step], fontsize=10)
            axes.set_xlabel("tokens of a sequence")
        panels[0].set_ylabel(label)
        panels[0].legend(frameon=False, fontsize=8)
        figure.savefig(folder / f"{name}.png", dpi=_DPI, metadata={"Software": None})


def _panel(axes: Axes, sides: Mapping[str, Rows], measure: Callable[[PerformanceRow], float | None]) -> None:
    from matplotlib import colormaps

    rows = [row for found in sides.values() for row in found]
    sizes = sorted({row.batch_size for row in rows})
    lengths = sorted({row.sequence_length for row in rows})
    for (side, found), style in zip(sides.items(), _STYLES, strict=False):
        for place, size in enumerate(sizes):
            line = [(row.sequence_length, measure(row)) for row in found if row.batch_size == size]
            drawn = sorted((length, value) for length, value in line if value is not None)
            named = f"batch of {size}" if len(sides) == 1 else f"{side}, batch of {size}"
            colour = colormaps["viridis"](0.85 * place / max(1, len(sizes) - 1))
            axes.plot(*zip(*drawn, strict=True) if drawn else ([], []), style, marker="o", color=colour, label=named)
    missing = {f"{row.batch_size} × {row.sequence_length}" for row in rows if row.error}
    if missing:
        text = f"out of memory: {', '.join(sorted(missing))}"
        axes.text(0.98, 0.02, text, transform=axes.transAxes, ha="right", fontsize=8)
    axes.set_xscale("log", base=2)
    axes.set_xticks(lengths, [f"{length:,}" for length in lengths])
    axes.set_ylim(0, 1.08 * max((value for row in rows if (value := measure(row)) is not None), default=1.0))
    axes.yaxis.set_major_formatter("{x:,.5g}")
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.2)
