"""Why an answer is what it is, as lines of plain text: the decision, every check with its weight and what it added, the
evidence, and what was proposed and refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alen.types import Answer, Candidate, Check, Evidence

_MARKS = {"pass": "+", "fail": "-", "not_applicable": "."}


def lines(answer: Answer) -> Iterator[str]:
    """The explanation, line by line."""
    yield f"Question: {answer.question}"
    low, high = answer.interval
    said = answer.text if answer.text is not None else "(none)"
    yield f"Answer: {said}"
    yield f"Decision: {answer.decision}. {answer.reason}"
    yield f"Probability of being right: {answer.confidence:.3f}, between {low:.3f} and {high:.3f}"
    if not answer.candidates:
        yield "No operator proposed anything."
        return
    best, *others = answer.candidates
    yield ""
    yield from _weighing(best)
    yield ""
    yield "Evidence:"
    for evidence in best.evidence:
        yield f"  {_cited(evidence)}"
    if others:
        yield ""
        yield "Refused:"
    for other in others:
        named = f"{other.text} ({', '.join(other.operators)})"
        yield f"  {named}: probability {other.confidence:.3f}. {_against(other, best)}"


def _weighing(candidate: Candidate) -> Iterator[str]:
    """Log-odds add up: what is left beside the checks is what holds before any of them is looked at."""
    yield f"Proposed by: {', '.join(candidate.operators)}"
    yield f"Log-odds of being right: {-candidate.energy:+.2f}, the sum of"
    added = [check for check in candidate.checks if _counts(check)]
    before = -candidate.energy - sum(check.contribution or 0.0 for check in added)
    yield f"  {before:+.2f}  before any check"
    for check in sorted(added, key=lambda check: -abs(check.contribution or 0.0)):
        yield f"  {check.contribution or 0.0:+.2f}  {_look(check)}{_weight(check)}"
    silent = [check for check in candidate.checks if not _counts(check)]
    if silent:
        yield "Looked at, and of no weight: " + ", ".join(_look(check) for check in silent)


def _counts(check: Check) -> bool:
    """A weighed check that is as usual adds nothing, and yet it counts; one that does not apply may add a constant."""
    return bool(check.contribution or (check.weight and check.value is not None))


def _weight(check: Check) -> str:
    """Log-odds for each standard deviation; none for a check that does not apply or follows a rule."""
    return f", weight {check.weight:.2f}" if check.weight and check.value is not None else ""


def _look(check: Check) -> str:
    name = check.name.replace("_", " ")
    if check.value is None:
        return f"{_MARKS[check.status]} {name} does not apply"
    return f"{_MARKS[check.status]} {name} {check.value:.2f}"


def _cited(evidence: Evidence) -> str:
    page = f", page {evidence.page}" if evidence.page is not None else ""
    text = " ".join(evidence.text.split())
    shown = text if len(text) <= 200 else text[:200].rstrip() + " …"
    where = f"{evidence.source}{page}, characters {evidence.start} to {evidence.end}"
    return f"[{evidence.kind} {evidence.id}] {where}: {shown}"


def _against(other: Candidate, best: Candidate) -> str:
    """The check that speaks most against it, next to the one that was preferred; where none tells them apart, the one
    that took most from it."""
    ours = {check.name: check.contribution or 0.0 for check in best.checks}
    worst = min(
        (check for check in other.checks if check.contribution is not None),
        key=lambda check: ((check.contribution or 0.0) - ours.get(check.name, 0.0), check.contribution or 0.0),
        default=None,
    )
    return "" if worst is None else f"Most against it: {_look(worst)}"
