"""The reasoner: operators propose, checks and energy weigh, calibration gives a probability, abstention decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from alen.core import abstention, checks, operators
from alen.core.belief import Belief
from alen.core.equivalence import equivalent
from alen.core.operators import Proposal, Situation
from alen.types import Candidate, Decision, Evidence, Reader

_EXTRACTED = ("extract",)


@dataclass(frozen=True)
class Verdict:
    """What reasoning came to: ``candidates`` sorted by confidence, the evidence looked at, the decision and why."""

    decision: Decision
    reason: str
    candidates: tuple[Candidate, ...]
    evidence: tuple[Evidence, ...]
    tokens: int


@dataclass(frozen=True)
class Reasoner:
    """Answers a question from what memory recalled. Holds no state: what it learned is in ``belief``."""

    belief: Belief
    threshold: float = 0.5

    def propose(self, situation: Situation, reader: Callable[[], Reader | None]) -> list[Proposal]:
        """Every operator's proposals. The reader is asked for only when a cheaper proof or an exact match is not
        at hand, since reading is what costs time."""
        proposals = operators.compute(situation)
        if proposals and situation.effort != "thorough":
            return proposals
        taught = operators.recall_taught(situation)
        exact = [proposal for proposal in taught if proposal.family == "recall_exact"]
        if exact and situation.effort != "thorough":
            return proposals + exact
        proposals += taught + operators.extract(situation)
        wanted = operators.PASSAGES_READ[situation.effort] and situation.recollection.passages
        return proposals + (operators.read_passages(situation, reader()) if wanted else [])

    def judge(self, situation: Situation, proposals: Sequence[Proposal]) -> Verdict:
        """Weigh proposals, merge those that say the same, and decide.

        Where a passage was read, extraction can only agree: alone it is a far weaker reader of the same passage."""
        weighed = [self._weigh(proposal, proposals) for proposal in proposals]
        weighed.sort(key=lambda candidate: (candidate.operators == _EXTRACTED, candidate.energy))
        merged: list[Candidate] = []
        for candidate in weighed:
            place = next((i for i, kept in enumerate(merged) if equivalent(kept.text, candidate.text)), None)
            if place is None:
                merged.append(candidate)
            else:
                merged[place] = _join(merged[place], candidate)
        if any("read" in candidate.operators for candidate in merged):
            merged = [candidate for candidate in merged if candidate.operators != _EXTRACTED]
        merged.sort(key=lambda candidate: -candidate.confidence)
        recollection = situation.recollection
        decision, reason = abstention.decide(
            merged, self.threshold, remembered=bool(recollection.passages or recollection.episodes)
        )
        tokens = sum(proposal.tokens for proposal in proposals)
        return Verdict(decision, reason, tuple(merged), _evidence(merged, situation), tokens)

    def answer(self, situation: Situation, reader: Callable[[], Reader | None]) -> Verdict:
        return self.judge(situation, self.propose(situation, reader))

    def _weigh(self, proposal: Proposal, proposals: Sequence[Proposal]) -> Candidate:
        complete = with_agreement(proposal, proposals)
        if complete.family not in self.belief.families:
            complete = replace(complete, detail={**complete.detail, "uncalibrated": True})
        return complete.weighed(*self.belief.weigh(complete.family, complete.checks))


def with_agreement(proposal: Proposal, proposals: Sequence[Proposal]) -> Proposal:
    """The proposal with the agreement check, which needs to see the other operators' proposals."""
    if proposal.family in {"compute", "recall_exact"}:
        return proposal
    others = [other.text for other in proposals if other.operator != proposal.operator]
    return replace(proposal, checks=(*proposal.checks, checks.of_agreement(proposal.text, others)))


def _join(kept: Candidate, same: Candidate) -> Candidate:
    known = {evidence.id for evidence in kept.evidence}
    return replace(
        kept,
        operators=tuple(dict.fromkeys(kept.operators + same.operators)),
        evidence=kept.evidence + tuple(evidence for evidence in same.evidence if evidence.id not in known),
    )


def _evidence(candidates: Sequence[Candidate], situation: Situation) -> tuple[Evidence, ...]:
    """What the best candidate rests on, then the other passages that were looked at."""
    found = list(candidates[0].evidence) if candidates else []
    if found and found[0].kind == "derivation":
        return tuple(found)
    # Users' own ids may repeat between their files, so the text tells passages apart.
    known = {(evidence.kind, evidence.text) for evidence in found}
    for hit in situation.recollection.passages:
        evidence = operators.as_evidence(hit)
        if (evidence.kind, evidence.text) not in known:
            found.append(evidence)
    return tuple(found)
