"""What a benchmark leaves behind: one JSON file with its rows, their targets, and everything needed to repeat it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, computed_field, field_validator

from alen.errors import BadInput
from alen.validation.metrics import Estimate

Unit = Literal["percent", "number", "seconds", "times", "per second"]
Relation = Literal["at least", "at most", "above"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Measured(_Frozen):
    """A value with its 95 % interval over ``n`` rows; null where it does not exist. Shares are 0..1."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int

    @field_validator("value", "low", "high", mode="before")
    @classmethod
    def _finite(cls, number: float | None) -> float | None:
        return None if number is None or not math.isfinite(number) else round(float(number), 6)

    @classmethod
    def of(cls, estimate: Estimate) -> Measured:
        return cls(value=estimate.value, low=estimate.low, high=estimate.high, n=estimate.n)


class Target(_Frozen):
    """What a row must reach: its value, or the lower end of its interval (``bound="low"``). ``moonshot`` is what it
    would be best to reach one day: how far it is away is shown, and it is never counted as missed."""

    relation: Relation
    value: float
    bound: Literal["value", "low"] = "value"
    moonshot: float | None = None

    def reached_by(self, measured: Measured) -> bool:
        return self._is_met(measured, self.value)

    def moonshot_reached_by(self, measured: Measured) -> bool:
        return self.moonshot is not None and self._is_met(measured, self.moonshot)

    def _is_met(self, measured: Measured, wanted: float) -> bool:
        number = measured.low if self.bound == "low" else measured.value
        if number is None:
            return False
        if self.relation == "above":
            return number > wanted
        return number >= wanted if self.relation == "at least" else number <= wanted


class Row(_Frozen):
    """One line of the table. ``plain`` is the same measure of the hand-written pipeline, where it has one."""

    name: str
    label: str
    unit: Unit
    ours: Measured
    plain: Measured | None = None
    target: Target | None = None

    @computed_field  # type: ignore[prop-decorator]  # pydantic's documented order, mypy does not know it
    @property
    def reached(self) -> bool | None:
        """None when the row has no target."""
        return self.target.reached_by(self.ours) if self.target else None


class Result(_Frozen):
    """A whole run. ``settings`` are the arguments that were used, ``curves`` and ``tables`` what pictures and reports
    are drawn from, ``notes`` what a reader must know to read the numbers right."""

    name: str
    title: str
    created: str
    seconds: float
    command: str
    commit: str
    machine: dict[str, Any]
    versions: dict[str, str]
    settings: dict[str, Any]
    rows: tuple[Row, ...]
    curves: dict[str, list[dict[str, float]]] = {}
    tables: dict[str, list[dict[str, Any]]] = {}
    notes: tuple[str, ...] = ()

    def row(self, name: str) -> Row:
        """Raises KeyError when there is none of that name."""
        return {row.name: row for row in self.rows}[name]

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=1) + "\n", "utf-8")


def load(path: Path) -> Result:
    """Read a result. Raises BadInput when the file is not one."""
    try:
        return Result.model_validate(_without_computed(_json(path)))
    except (OSError, ValueError, ValidationError) as error:
        raise BadInput(
            str(path), str(error), "a result written by a script of benchmarks/", "Run that script again."
        ) from error


def shown(measured: Measured, unit: Unit, *, interval: bool = False) -> str:
    """A value as people read it: ``82.1 %``, ``0.741``, ``0.25 s``, ``0.40×``, ``94/s``."""

    def number(value: float | None) -> str:
        if value is None:
            return "–"
        return {
            "percent": f"{100 * value:.1f} %",
            "number": f"{value:.3f}",
            "seconds": f"{value:.2f} s",
            "times": f"{value:.2f}×",
            "per second": f"{value:.0f}/s",
        }[unit]

    text = number(measured.value)
    if interval and measured.low is not None:
        text += f" ({number(measured.low)} to {number(measured.high)})"
    return text


def _json(path: Path) -> dict[str, Any]:
    import json

    found = json.loads(path.read_text("utf-8"))
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found


def _without_computed(found: dict[str, Any]) -> dict[str, Any]:
    rows = [{name: value for name, value in row.items() if name != "reached"} for row in found.get("rows", [])]
    return found | {"rows": rows}
