"""A picture of a run: losses over steps, and the learning rate below."""

from __future__ import annotations

from pathlib import Path

from alen.training.monitor import TrainingMonitor


def draw(monitor: TrainingMonitor, path: Path) -> None:
    """Write a PNG. Needs matplotlib, and no display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    losses, rates = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    losses.plot(monitor.steps, monitor.train_loss, color="#7a869a", linewidth=1, label="training")
    if monitor.val_loss:
        losses.plot(monitor.val_steps, monitor.val_loss, color="#c1440e", marker="o", markersize=3, label="validation")
    losses.set_ylabel("loss, nats")
    losses.legend(frameon=False)
    rates.plot(monitor.steps, monitor.learning_rates, color="#7a869a", linewidth=1)
    rates.set_ylabel("learning rate")
    rates.set_xlabel("step")
    for axes in (losses, rates):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.2)
    figure.savefig(path, dpi=120)
