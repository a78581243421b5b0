"""Completing checks: those that must see all proposals, what was right before, or ask a model again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from alen.core import checks, contradiction
from alen.core.belief import Belief
from alen.core.checks import backward, of_options
from alen.core.checks.of_agreement import of_computation
from alen.core.checks.of_context import of_context
from alen.core.checks.of_meaning import of_meaning
from alen.core.checks.of_writings import of_writings
from alen.core.equivalence import clusters, equivalent
from alen.core.operators import compute
from alen.core.operators.writing import conversation
from alen.core.situation import Proposal, Situation, Tools
from alen.thought import stem
from alen.types import Candidate, Check

ALONE = frozenset({"compute", "recall_exact", "own", "steps"})
"""Families that agreement says nothing about: proofs, a person's word, and what the others could not have found."""

NO_WITNESS = frozenset({"own"})
"""Families that agree with nothing: ALEN's own word, heard again."""

_LAST_WORD = frozenset({"compute", "recall_exact", "own"})
"""Families that answer this very question, so that two of them which differ contradict each other."""


def completed(situation: Situation, proposals: Sequence[Proposal], belief: Belief, tools: Tools) -> list[Proposal]:
    """The proposals, each with all its checks."""
    more: list[list[Check]] = [list(proposal.checks) for proposal in proposals]
    for family in dict.fromkeys(proposal.family for proposal in proposals if proposal.writing is not None):
        places = [place for place, proposal in enumerate(proposals) if proposal.family == family]
        for place, found in zip(places, _of_family(situation, proposals, places, belief, tools), strict=True):
            more[place] += found
    for place, proposal in enumerate(proposals):
        if proposal.family not in ALONE:
            others = [
                other.text for other in proposals if _way(other) != _way(proposal) and other.family not in NO_WITNESS
            ]
            more[place].append(checks.of_agreement(proposal.text, others))
    if len(belief.record):
        texts = [proposal.text for proposal in proposals]
        for found, remembered in zip(more, belief.record.of(situation.thought.vector, texts), strict=True):
            found += remembered
    complete = [replace(proposal, checks=tuple(found)) for proposal, found in zip(proposals, more, strict=True)]
    return _disputed(situation, complete, belief)


def _disputed(situation: Situation, proposals: list[Proposal], belief: Belief) -> list[Proposal]:
    """The proposals, each with what its rivals cost it where last words contradict each other."""
    last_words = [_is_last_word(proposal) for proposal in proposals]
    if sum(last_words) < 2:
        return proposals
    found = contradiction.of_rivals(
        [proposal.text for proposal in proposals],
        # What a person called wrong is nobody's rival.
        [0.0 if is_refused(situation, each) else belief.probability(each.family, each.checks) for each in proposals],
        last_words,
        question=situation.thought.text,
        options=situation.thought.options,
    )
    if not found:
        return proposals
    return [
        replace(proposal, checks=(*proposal.checks, check)) for proposal, check in zip(proposals, found, strict=True)
    ]


def _is_last_word(proposal: Proposal) -> bool:
    elsewhere = any(check.name == "own_question" and check.status == "fail" for check in proposal.checks)
    return proposal.family in _LAST_WORD and not elsewhere


def is_refused(situation: Situation, proposal: Proposal) -> bool:
    """Whether a person called this wrong for this very question. What was taught for it is a person's word too, and a
    correction may say nearly the same."""
    asked, refused = situation.thought.text, situation.recollection.refused
    return proposal.family != "recall_exact" and any(
        equivalent(proposal.text, wrong, question=asked) for wrong in refused
    )


def _way(proposal: Proposal) -> tuple[str, str]:
    """Two that were found in one way cannot bear each other out, nor can two that one model wrote: those are counted as
    its votes."""
    if proposal.writing is not None:
        return "", proposal.family
    return proposal.operator, proposal.family.partition("_")[0]


def groups_of(situation: Situation, proposed: Sequence[Proposal] | Sequence[Candidate]) -> list[int]:
    """Which of them say the same: a number for each, equal for equal ones."""
    thought = situation.thought
    return clusters([each.text for each in proposed], question=thought.text, options=thought.options)


def _of_family(
    situation: Situation, proposals: Sequence[Proposal], places: Sequence[int], belief: Belief, tools: Tools
) -> list[list[Check]]:
    some = [proposals[place] for place in places]
    texts = [proposal.text for proposal in some]
    replies = [reply for place in places if (reply := proposals[place].writing) is not None]
    groups = groups_of(situation, some)
    found = of_writings(situation.thought, texts, replies, groups)
    computed = next((proposal.text for proposal in compute(situation)), None)
    for mine, proposal in zip(found, some, strict=True):
        mine += of_context(stem(situation.thought.text), proposal.text, _shown(proposal))
        mine.append(of_computation(proposal.text, computed))
    encoder = tools.encoder()
    if encoder is not None:
        for mine, near in zip(
            found, of_meaning(situation.thought.text, texts, encoder, situation.thought.options), strict=True
        ):
            mine += near
    _ask_back(situation, some[0].family, texts, groups, belief, tools, found)
    return found


def _shown(proposal: Proposal) -> str:
    """The passages that the model had before it when it wrote; none where it was given none."""
    return "\n".join(evidence.text for evidence in proposal.evidence if evidence.kind == "passage")


def _ask_back(
    situation: Situation,
    family: str,
    texts: Sequence[str],
    groups: Sequence[int],
    belief: Belief,
    tools: Tools,
    found: Sequence[list[Check]],
) -> None:
    """Adds to ``found`` what a model says when it is asked again: only where that counts or is to be fitted, because it
    costs time."""

    def counts(name: str) -> bool:
        return tools.ask_back or belief.weighs(family, name)

    wanted = [ask for name, ask in _ASKED.items() if counts(name)]
    thought = situation.thought
    chooses = bool(thought.options) and any(map(counts, of_options.NAMES))
    scorer = tools.scorer() if wanted or chooses else None
    if scorer is None:
        return
    one_of_each = [texts[groups.index(group)] for group in sorted(set(groups))]
    for ask in wanted:
        told = ask(thought.text, one_of_each, scorer, cancel=situation.cancel)
        for mine, group in zip(found, groups, strict=True):
            mine.append(told[group])
    if chooses:
        spread = of_options.asked_of_options(
            conversation(thought), thought.options, texts, scorer, cancel=situation.cancel
        )
        for mine, of_one in zip(found, spread, strict=True):
            mine += of_one


_ASKED = {
    "backward": backward.of_question_given_answer,
    "masked_condition": backward.of_masked_conditions,
    "own_judgement": backward.of_own_judgement,
}
