"""What clients saw of servers over some rounds: figures with their spread, ratios, a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alen.benchmark.harness import spread
from alen.benchmark.performance.results import plain_table
from alen.benchmark.schema import Measured
from alen.benchmark.serving.load import Load, quantile
from alen.validation.intervals import rate_estimate, ratio_of_medians

OURS = "alen"
RATES = {"requests_per_second": "requests/s", "tokens_per_second": "tokens/s"}
SHARES = {"p50_seconds": 0.5, "p95_seconds": 0.95, "p99_seconds": 0.99}
HEADINGS = ("", "", "value", "spread", "ratio", "95 %")


@dataclass(frozen=True, slots=True)
class Measurements:
    """``found`` has a load for each round of each server; ALEN's own stands first, as ``alen``."""

    model: str
    settings: dict[str, Any]
    machine: dict[str, Any]
    found: dict[str, list[Load]]

    def to_dict(self) -> dict[str, Any]:
        """For JSON. Ratios are ours over theirs."""
        names = [name for name in self.found if name != OURS]
        return {
            "model": self.model,
            "settings": self.settings,
            "machine": self.machine,
            "ours": figures(self.found[OURS]),
            **{name: {**figures(self.found[name]), "ratios": _plain(self.ratios(name))} for name in names},
        }

    def ratios(self, name: str) -> dict[str, Measured]:
        """Ours over those of another server, over rounds."""
        ours, theirs = _by_round(self.found[OURS]), _by_round(self.found[name])
        return {key: _ratio(ours[key], theirs[key]) for key in ours}

    def bars(self) -> dict[str, dict[str, tuple[float, float, float]]]:
        """Quartile, median and quartile over rounds."""
        labels = {**RATES, **{key: key.replace("_seconds", ", s") for key in SHARES}}
        return {
            label: {name: _quartiles(_by_round(loads)[key]) for name, loads in self.found.items()}
            for key, label in labels.items()
        }

    def table(self) -> str:
        """Plain text: rates with their quartiles over rounds, latencies and failures with their 95 % interval."""
        rows: list[tuple[str, ...]] = []
        told = {name: figures(loads) for name, loads in self.found.items()}
        ratios = {name: self.ratios(name) for name in self.found if name != OURS}
        for key in (*RATES, *SHARES, "error_rate"):
            for name in self.found:
                label = RATES.get(key) or key.replace("_", " ").replace(" seconds", ", s")
                ratio = ratios.get(name, {}).get(key)
                rows.append((label if name == OURS else "", name, *_cells(told[name][key]), *_between(ratio)))
        given = self.settings
        length = f"{given['requests']} requests" if given["requests"] else f"{given['seconds']:g} s"
        sizes = f"prompts of {given['prompt_tokens']}, {given['max_tokens']} written"
        clients = f"{given['clients']} client{'' if given['clients'] == 1 else 's'}"
        title = f"{self.model}, {clients}, {given['rounds']} rounds of {length}\n{sizes}"
        return plain_table(title, HEADINGS, rows)


def figures(loads: Sequence[Load]) -> dict[str, Any]:
    """Of one server, for JSON: rates over rounds, latencies over all requests."""
    taken = [seconds for load in loads for seconds in load.taken]
    reasons = sum((load.failures for load in loads), Counter[str]())
    failed = [0] * len(taken) + [1] * reasons.total()
    by_round = _by_round(loads)
    return {
        **{key: spread(by_round[key]) if any(by_round[key]) else None for key in RATES},
        **{key: _measured_quantile(taken, share) for key, share in SHARES.items()},
        "error_rate": Measured.of(rate_estimate(failed)).model_dump(),
        "errors": dict(reasons),
    }


def _by_round(loads: Sequence[Load]) -> dict[str, list[float]]:
    rates = ([load.per_second for load in loads], [load.tokens_per_second for load in loads])
    waits = {key: [load.within(share) for load in loads] for key, share in SHARES.items()}
    return dict(zip(RATES, rates, strict=True)) | waits


def _measured_quantile(taken: Sequence[float], share: float) -> dict[str, Any]:
    return (Measured.of(quantile(taken, share)) if taken else Measured(value=None, n=0)).model_dump()


def _ratio(ours: list[float], theirs: list[float]) -> Measured:
    if not (min(ours) > 0 and min(theirs) > 0):  # NaN among them
        return Measured(value=None, n=len(ours))
    return Measured.of(ratio_of_medians(ours, theirs))


def _plain(ratios: dict[str, Measured]) -> dict[str, Any]:
    return {key: ratio.model_dump() for key, ratio in ratios.items()}


def _quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    low, middle, high = (float(np.quantile(values, share)) for share in (0.25, 0.5, 0.75))
    return low, middle, high


def _cells(told: dict[str, Any] | None) -> tuple[str, str]:
    if told is None or told.get("value", 0) is None:
        return "–", ""
    keys = ("median", "p25", "p75") if "median" in told else ("value", "low", "high")
    value, low, high = (_shown(told[key]) for key in keys)
    return value, f"{low}–{high}"


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def _between(ratio: Measured | None) -> tuple[str, str]:
    if ratio is None or ratio.value is None:
        return "", ""
    return f"{ratio.value:.2f}", f"{ratio.low:.2f} … {ratio.high:.2f}"
