"""The page: what is shown of a validation, and in which order. The words and the looks are in report.html."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from alen.validation.figures import FIGURES, HEADLINE, Figure, Unit
from alen.validation.graded import Graded
from alen.validation.intervals import Estimate, rate_estimate
from alen.validation.report import charts, svg
from alen.validation.sample import Sample

if TYPE_CHECKING:
    from jinja2 import Template

    from alen.validation.validator import ValidationResult

SHOWN = 10
"""Questions of each kind that are shown."""
QUOTE = 220
"""Characters of evidence before and after what was answered."""
ALPHAS = (0.05, 0.1, 0.2)
BESIDE = {
    "answer_accuracy": ("candidate_accuracy", "declined_unanswerable"),
    "verification_rate": ("verification_precision", "verification_recall", "verifier_gain"),
    "expected_calibration_error": ("ece_noise_floor", "debiased_ece", "log_loss_gain"),
    "uncertainty_auroc": ("shuffled_auroc", "log_loss_gain"),
}
"""Figures that a headline may not stand without."""


def render(result: ValidationResult, *, title: str, facts: Sequence[tuple[str, str]] = ()) -> str:
    """One HTML document without scripts or links. ``facts`` are told at the end beside the provenance: where, when, by
    which command."""
    rows, sample = result.rows, Sample(result.rows)
    named = {figure.name: (figure, result.metrics[figure.name]) for figure in FIGURES}
    return _template().render(
        title=title,
        result=result,
        headline=[(*named[name], [named[beside] for beside in BESIDE.get(name, ())]) for name in HEADLINE],
        chapters=_chapters(result),
        pictures=charts.all_of(rows) if rows else {},
        decisions=_decisions(rows),
        certificates=[(alpha, sample.certificate(alpha)) for alpha in ALPHAS] if rows else [],
        checks=result.checks,
        reach=max((abs(w.log_loss.value) for w in result.checks if math.isfinite(w.log_loss.value)), default=0.0),
        mistakes=[_case(row) for row in _first(rows, right=False)],
        unsure=[_case(row) for row in _first(rows, right=True)],
        slowest=sorted(rows, key=lambda row: -row.milliseconds)[:SHOWN],
        facts=[*facts, *((name, value) for name, value in result.provenance.items() if value)],
    )


def number(value: float, unit: Unit = "number") -> str:
    """A figure as it is read: 63.6 %, 0.043, 290 ms, 1.20 s."""
    if not math.isfinite(value):
        return "–"
    if unit == "share":
        return f"{100 * value:.1f} %"
    if unit == "milliseconds":
        return f"{value / 1000:.2f} s" if value >= 1000 else f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"
    return f"{value:,.0f}" if unit == "tokens" else f"{value:.3f}"


def interval(estimate: Estimate, unit: Unit = "number") -> str:
    """Both ends, the one there is, or nothing."""
    low, high = number(estimate.low, unit), number(estimate.high, unit)
    if low == high == "–":
        return ""
    return f"up to {high}" if low == "–" else f"{low} to {high}"


def _chapters(result: ValidationResult) -> list[tuple[str, list[tuple[Figure, Estimate]]]]:
    found: dict[str, list[tuple[Figure, Estimate]]] = {}
    for figure in FIGURES:
        found.setdefault(figure.chapter, []).append((figure, result.metrics[figure.name]))
    return list(found.items())


def _decisions(rows: Sequence[Graded]) -> Iterator[dict[str, Any]]:
    """A line for each decision and reason, the most frequent first."""
    kinds = Counter((row.decision, row.reason.partition(":")[0]) for row in rows)
    for (decision, reason), count in kinds.most_common():
        same = [row for row in rows if (row.decision, row.reason.partition(":")[0]) == (decision, reason)]
        yield {
            "decision": decision,
            "reason": reason,
            "n": count,
            "right": rate_estimate([row.right for row in same], [row.group for row in same]),
            "unanswerable": sum(row.unanswerable for row in same),
            "confidence": sum(row.confidence for row in same) / count,
        }


def _first(rows: Sequence[Graded], *, right: bool) -> list[Graded]:
    """The most confident mistakes, or the least confident right answers."""
    kept = [row for row in rows if row.text is not None and row.right == right]
    return sorted(kept, key=lambda row: row.confidence if right else -row.confidence)[:SHOWN]


def _case(row: Graded) -> dict[str, Any]:
    return {"row": row, "evidence": [(source, *_quoted(source.text, row.text or "")) for source in row.rests_on[:2]]}


def _quoted(text: str, span: str) -> tuple[str, str, str]:
    """What stands before the answer, the answer, and what stands after it; all of it before when it is not there."""
    at = text.casefold().find(span.casefold()) if span else -1
    if at < 0 or len(text.casefold()) != len(text):
        return _cut(text, 2 * QUOTE), "", ""
    end = at + len(span)
    before = text[max(0, at - QUOTE) : at]
    return ("… " if at > QUOTE else "") + before, text[at:end], _cut(text[end:], QUOTE)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length] + " …"


def _visible(value: object) -> object:
    """Text of others can neither reorder what is beside it (Unicode TR 36) nor bring characters that HTML forbids."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return "".join("\ufffd" if _hidden(character) else character for character in value)


def _hidden(character: str) -> bool:
    if character in "\n\t":
        return False
    steering = unicodedata.bidirectional(character) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return steering or unicodedata.category(character) in {"Cc", "Cs"}


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    world = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_visible, trim_blocks=True, lstrip_blocks=True
    )
    world.globals.update(
        number=number,
        interval=interval,
        interval_bar=svg.interval_bar,
        balance_bar=svg.balance_bar,
        finite=math.isfinite,
    )
    return world.from_string(files("alen.validation.report").joinpath("report.html").read_text("utf-8"))
