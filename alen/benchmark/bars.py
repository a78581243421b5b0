"""A picture of measures side by side: a panel a measure, a bar a program, whiskers from quartile to quartile."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alen.benchmark.performance import pictures
from alen.text.strict_json import json_line

Bars = Mapping[str, Mapping[str, tuple[float, float, float]]]
"""Label of a measure → name of a program → low, middle and high."""

_INCHES, _DPI = 3.2, 120


def write_report(folder: Path, name: str, value: dict[str, Any], bars: Bars) -> None:
    """Write ``NAME.json`` with ``value`` and ``NAME.png``. Raises WorkError when matplotlib is not installed."""
    pictures.check()
    folder.mkdir(parents=True, exist_ok=True)
    half = folder / f".{name}.json.part"
    half.write_text(json_line(value) + "\n", "utf-8")
    os.replace(half, folder / f"{name}.json")
    _draw(bars, folder / f"{name}.png")


def _draw(bars: Bars, file: Path) -> None:
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_INCHES * len(bars), _INCHES), layout="constrained")
    FigureCanvasAgg(figure)
    (panels,) = figure.subplots(1, len(bars), squeeze=False)
    for axes, (label, sides) in zip(panels, bars.items(), strict=True):
        for place, (low, middle, high) in enumerate(sides.values()):
            whiskers = [[middle - low], [high - middle]]
            colour = colormaps["viridis"](0.85 * place / max(1, len(sides) - 1))
            axes.bar([place], [middle], yerr=whiskers, color=colour, capsize=4)
        axes.set_xticks(range(len(sides)), sides, rotation=20, ha="right")
        axes.set_title(label, fontsize=10)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter("{x:,.5g}")
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=_DPI, metadata={"Software": None})
