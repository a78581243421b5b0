"""The reasoner: operators propose, checks and energy weigh, calibration gives a probability, abstention decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from alen.core import abstention, contradiction, judging, operators
from alen.core.abstention import Policy
from alen.core.belief import UNBELIEVABLE, Belief
from alen.core.situation import Proposal, Situation, Tools, as_evidence
from alen.types import Candidate, Check, Decision, Effort, Evidence

_EXTRACTED = "extract"

ENOUGH: dict[Effort, float] = {"fast": 0.0, "balanced": 0.8, "thorough": 0.95}
"""The probability at which further operators are spared, unless more is needed for an answer."""


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
    policy: Policy = field(default_factory=Policy)

    def propose(self, situation: Situation, tools: Tools, *, everything: bool = False) -> list[Proposal]:
        """Proposals of one operator after the other, the cheapest first, until one of them is sure enough.
        ``everything`` asks also those that were never fitted and could not be believed: to fit them."""
        proposals: list[Proposal] = []
        for some in self._stages(situation, tools, everything):
            proposals += some
            if some and self._is_settled(situation, proposals):
                break
        return proposals

    def judge(self, situation: Situation, proposals: Sequence[Proposal], tools: Tools | None = None) -> Verdict:
        """Weigh proposals, merge those that say the same, and decide."""
        merged = self._weighed(situation, proposals, tools or Tools())
        recollection = situation.recollection
        remembered = bool(recollection.passages or recollection.episodes or proposals)
        decision, reason = abstention.decide(
            merged, self.policy, self.belief.at(situation.effort), remembered=remembered
        )
        tokens = sum(proposal.tokens for proposal in proposals)
        return Verdict(decision, reason, tuple(merged), _evidence(merged, situation), tokens)

    def answer(self, situation: Situation, tools: Tools) -> Verdict:
        return self.judge(situation, self.propose(situation, tools), tools)

    def _stages(self, situation: Situation, tools: Tools, everything: bool) -> Iterator[list[Proposal]]:
        """A model is asked for only when a proof or an exact match is not at hand: reading and writing cost time. What
        was never fitted is never believed, so that it is not asked at all."""
        yield operators.compute(situation)
        taught = operators.recall_taught(situation)
        yield [proposal for proposal in taught if proposal.family == "recall_exact"]
        rest = [proposal for proposal in taught if proposal.family != "recall_exact"]
        reads = operators.PASSAGES_READ[situation.effort] and situation.recollection.passages
        rest += operators.extract(situation)
        if situation.effort == "fast":
            yield rest
            if reads:
                yield operators.read_passages(situation, tools.reader())
            return
        yield rest + (operators.read_passages(situation, tools.reader()) if reads else [])
        if everything or self.belief.knows("steps"):
            yield operators.solve_in_steps(situation, tools)
        if everything or self.belief.knows_any("write"):
            generator = tools.generator()
            if generator is not None and (everything or self.belief.knows(operators.family_of_equations(generator))):
                yield operators.work_out(situation, generator)
            yield operators.answer_at_once(situation, generator) + operators.sample(situation, generator)
            yield operators.answer_by_example(situation, generator)
            yield operators.ask_otherwise(situation, generator, tools.second())

    def _is_settled(self, situation: Situation, proposals: Sequence[Proposal]) -> bool:
        """By what is at hand: no model is asked to judge what may not be the last word, nor to decide between last
        words that contradict each other."""
        complete = judging.completed(situation, proposals, self.belief, Tools())
        if any(contradiction.lost_by(proposal.checks) for proposal in complete):
            return True
        best = max((self.belief.probability(proposal.family, proposal.checks) for proposal in complete), default=0.0)
        return best >= self._enough(situation.effort)

    def _enough(self, effort: Effort) -> float:
        """What would not be answered is not enough. A certificate promises for answers that come about as those did
        that it was found on, so that asking stops where it stopped then."""
        return ENOUGH[effort] if self.policy.risk is not None else max(ENOUGH[effort], self.policy.threshold)

    def _weighed(self, situation: Situation, proposals: Sequence[Proposal], tools: Tools) -> list[Candidate]:
        """Where a passage was read, extraction can only agree: alone it is a far weaker reader of the same passage."""
        complete = judging.completed(situation, proposals, self.belief, tools)
        weighed = [self._candidate(situation, proposal) for proposal in complete]
        weighed.sort(key=lambda candidate: (_family(candidate) == _EXTRACTED, candidate.energy))
        merged: dict[int, Candidate] = {}
        for group, candidate in zip(judging.groups_of(situation, weighed), weighed, strict=True):
            merged[group] = _join(merged[group], candidate) if group in merged else candidate
        found = list(merged.values())
        if any(_family(candidate).startswith("read") for candidate in found):
            found = [candidate for candidate in found if _family(candidate) != _EXTRACTED]
        return sorted(found, key=lambda candidate: -candidate.confidence)

    def _candidate(self, situation: Situation, proposal: Proposal) -> Candidate:
        weighed = proposal.weighed(*self.belief.weigh(proposal.family, proposal.checks))
        weighed = replace(weighed, checks=self.belief.explained(proposal.family, proposal.checks))
        if not self.belief.knows(proposal.family):
            weighed = replace(weighed, detail={**weighed.detail, "uncalibrated": True})
        if not judging.is_refused(situation, proposal):
            return weighed
        # A person has the last word: what was called wrong for this very question is not said again.
        called = Check("called_wrong", "fail", 0.0, -UNBELIEVABLE)
        return replace(
            weighed, energy=UNBELIEVABLE, confidence=0.0, interval=(0.0, 0.0), checks=(*weighed.checks, called)
        )


def _family(candidate: Candidate) -> str:
    return str(candidate.detail.get("family", ""))


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
        evidence = as_evidence(hit)
        if (evidence.kind, evidence.text) not in known:
            found.append(evidence)
    return tuple(found)
