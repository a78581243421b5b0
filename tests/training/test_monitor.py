"""The monitor's lists, and where they go: CSV, TensorBoard, Prometheus, a picture, a bar."""

from __future__ import annotations

import csv
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

import alen
from alen.errors import BadInput, WorkError
from alen.training import bar
from alen.training.curve import draw
from alen.training.monitor import TrainingMetrics, TrainingMonitor
from alen.training.recipe import TrainingRecipe
from alen.training.records import COLUMNS, CsvFile, Prometheus, TensorBoard
from alen.training.run import train
from tests.training.made_rows import MadeRows


def _metrics(loss: float) -> TrainingMetrics:
    return TrainingMetrics(loss, 1e-3, 0.5, 10.0, 160.0, mfu=0.25)


def test_lists_grow_with_each_step_that_is_logged() -> None:
    monitor = alen.TrainingMonitor()
    monitor.log_step(1, _metrics(3.0))
    monitor.log_step(5, _metrics(2.0))
    monitor.log_validation(5, {"val_loss": 2.5, "perplexity": 12.0})
    assert (monitor.steps, monitor.train_loss, monitor.val_loss) == ([1, 5], [3.0, 2.0], [2.5])
    assert (monitor.learning_rates, monitor.gradient_norms) == ([1e-3] * 2, [0.5] * 2)
    assert (monitor.samples_per_second, monitor.tokens_per_second) == ([10.0] * 2, [160.0] * 2)
    assert (monitor.mfu, monitor.gpu_utilization) == ([0.25] * 2, [])
    with pytest.raises(BadInput, match="above 5"):
        monitor.log_step(5, _metrics(1.0))
    again = TrainingMonitor()
    again.load_state_dict(monitor.state_dict())
    assert again.state_dict() == monitor.state_dict()


def test_csv_has_a_row_each_time_and_drops_what_is_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    monitor = TrainingMonitor([CsvFile(path)])
    for step in (1, 2, 3):
        monitor.log_step(step, _metrics(4.0 - step))
    monitor.log_validation(3, {"val_loss": 2.0, "accuracy": 0.5})
    monitor.close()
    with path.open("a", encoding="utf-8") as file:
        file.write("4,1.")  # a line that a crash cut short
    CsvFile(path, purge=2).close()
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert [row["step"] for row in rows] == ["1", "2"]
    assert (rows[1]["train_loss"], rows[1]["val_loss"]) == ("2", "")
    assert tuple(rows[0]) == COLUMNS


def test_tensorboard_reads_what_was_told(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monitor = TrainingMonitor([TensorBoard(tmp_path)])
    for step in (1, 2):
        monitor.log_step(step, _metrics(3.0 - step))
    monitor.close()
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [(event.step, event.value) for event in events.Scalars("train_loss")] == [(1, 2.0), (2, 1.0)]


def test_prometheus_is_served_while_it_runs() -> None:
    gauges = Prometheus(0)
    monitor = TrainingMonitor([gauges])
    monitor.log_step(7, _metrics(1.5))
    with urllib.request.urlopen(f"http://127.0.0.1:{gauges.port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    assert "alen_training_train_loss 1.5" in text
    assert "alen_training_step 7.0" in text
    with pytest.raises(WorkError, match=f"Port {gauges.port}"):
        Prometheus(gauges.port)
    monitor.close()


def test_a_run_leaves_its_curve_and_tells_its_steps(
    tmp_path: Path, recipe: Callable[..., TrainingRecipe], capsys: pytest.CaptureFixture[str]
) -> None:
    made = recipe(monitor={"every": 2}, validate_every=3)
    monitor = train(made, data=(MadeRows(), None), show=True).monitor
    assert (monitor.steps, monitor.val_steps) == ([2, 4, 6], [3, 6])
    assert all(0 < share < 1 for share in monitor.mfu)
    assert (made.out / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert list((made.out / "tensorboard").iterdir())
    told = capsys.readouterr()
    assert told.out == ""
    assert "step 6/6: loss" in told.err
    assert "tokens/s" in told.err


def test_a_run_without_validation_has_a_picture_too(tmp_path: Path) -> None:
    monitor = TrainingMonitor()
    monitor.log_step(1, _metrics(3.0))
    draw(monitor, tmp_path / "loss.png")
    assert (tmp_path / "loss.png").stat().st_size > 1000


def test_the_bar_of_a_terminal_shows_loss_and_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    import io
    import sys

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monitor = TrainingMonitor()
    with bar.shown(10) as show:
        monitor.log_step(4, _metrics(1.25))
        show(4, monitor)
    assert "4/10" in screen.getvalue()
    assert "loss 1.250, 160 tokens/s" in screen.getvalue()
