"""What a training run tells of itself: losses, rates, norms and speed, kept in lists and passed on as they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from alen.errors import BadInput


@dataclass(frozen=True, slots=True)
class TrainingMetrics:
    """Of the steps since the last ones. ``loss`` is in nats, ``gpu_utilization`` is a share of the time, ``mfu``
    one of the peak of the processor; None where they are not known."""

    loss: float
    learning_rate: float
    gradient_norm: float
    samples_per_second: float
    tokens_per_second: float
    gpu_utilization: float | None = None
    mfu: float | None = None


class Record(Protocol):
    """Where figures go as they come."""

    def write(self, step: int, figures: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


class TrainingMonitor:
    """Lists with an entry for each time that was logged: ``train_loss``, ``learning_rates``, ``gradient_norms``,
    ``samples_per_second``, ``tokens_per_second``, ``gpu_utilization`` and ``mfu`` (empty where not known), all at
    ``steps``; ``val_loss`` at ``val_steps``. Each entry also goes to ``records``."""

    def __init__(self, records: Sequence[Record] = ()) -> None:
        self.records = list(records)
        self.steps: list[int] = []
        self.train_loss: list[float] = []
        self.learning_rates: list[float] = []
        self.gradient_norms: list[float] = []
        self.gpu_utilization: list[float] = []
        self.samples_per_second: list[float] = []
        self.tokens_per_second: list[float] = []
        self.mfu: list[float] = []
        self.val_steps: list[int] = []
        self.val_loss: list[float] = []

    def log_step(self, step: int, metrics: TrainingMetrics) -> None:
        """Raises BadInput for a step that is not after the last one."""
        if self.steps and step <= self.steps[-1]:
            raise BadInput("step", str(step), f"above {self.steps[-1]}", "Log steps in their order.")
        self.steps.append(step)
        self.train_loss.append(metrics.loss)
        self.learning_rates.append(metrics.learning_rate)
        self.gradient_norms.append(metrics.gradient_norm)
        self.samples_per_second.append(metrics.samples_per_second)
        self.tokens_per_second.append(metrics.tokens_per_second)
        if metrics.gpu_utilization is not None:
            self.gpu_utilization.append(metrics.gpu_utilization)
        if metrics.mfu is not None:
            self.mfu.append(metrics.mfu)
        named = asdict(metrics)
        named["train_loss"] = named.pop("loss")
        self._record(step, named)

    def log_validation(self, step: int, figures: Mapping[str, float]) -> None:
        """``figures`` has ``val_loss`` and what else was measured."""
        self.val_steps.append(step)
        self.val_loss.append(figures["val_loss"])
        self._record(step, figures)

    def state_dict(self) -> dict[str, Any]:
        return {name: list(value) for name, value in vars(self).items() if name != "records"}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, list(value))

    def close(self) -> None:
        for record in self.records:
            record.close()

    def _record(self, step: int, figures: Mapping[str, float | None]) -> None:
        known = {name: value for name, value in figures.items() if value is not None}
        for record in self.records:
            record.write(step, known)
