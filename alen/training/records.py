"""Where a monitor's figures go: a CSV file, TensorBoard, Prometheus."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from alen.errors import WorkError

COLUMNS = (
    *("step", "train_loss", "val_loss", "learning_rate", "gradient_norm", "samples_per_second", "tokens_per_second"),
    *("gpu_utilization", "mfu", "perplexity", "bits_per_byte", "accuracy"),
)


class CsvFile:
    """One row each time that something is told. Rows of steps from ``purge`` on are dropped first: a run that goes on
    from a checkpoint takes those steps again."""

    def __init__(self, path: Path, purge: int = 0) -> None:
        kept: list[list[str]] = []
        if path.is_file():
            with path.open(encoding="utf-8", newline="") as old:
                rows = [row for row in csv.reader(old) if row and row[0].isdigit() and len(row) == len(COLUMNS)]
            kept = [row for row in rows if int(row[0]) <= purge]
        self._file = path.open("w", encoding="utf-8", newline="")
        self._rows = csv.writer(self._file)
        self._rows.writerows([COLUMNS, *kept])
        self._file.flush()

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        self._rows.writerow([step, *(f"{figures[name]:.6g}" if name in figures else "" for name in COLUMNS[1:])])
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class TensorBoard:
    """Event files in ``folder``; what was told of steps from ``purge`` on is hidden."""

    def __init__(self, folder: Path, purge: int = 0) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=purge + 1 if purge else None)

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class Prometheus:
    """A gauge for each figure, ``alen_training_…``, served at ``http://HOST:port/metrics``."""

    def __init__(self, port: int) -> None:
        """``port`` 0 takes any that is free. Raises WorkError when it is taken."""
        from prometheus_client import CollectorRegistry, Gauge, start_http_server

        registry = CollectorRegistry()
        self._gauges = {
            name: Gauge(f"alen_training_{name}", name.replace("_", " "), registry=registry) for name in COLUMNS
        }
        try:
            self._server, self._thread = start_http_server(port, registry=registry)
        except OSError as error:
            raise WorkError(f"Port {port}: {error.strerror}.", "Choose another monitor.prometheus, or 0.") from None
        self.port = int(self._server.server_port)

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        self._gauges["step"].set(step)
        for name, value in figures.items():
            self._gauges[name].set(value)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
