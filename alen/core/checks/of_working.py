"""Checks of the working in a reply to a word problem: whether it adds up, rests on the numbers that were told, and goes
as such problems usually go. They read the question and this one reply; no model is asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from alen.core import habits
from alen.core.checks.looking import check
from alen.core.equations import Equation, among
from alen.core.mentions import Mention, implied, mentions, words_of
from alen.core.working import Working
from alen.types import Check

NAMES = (
    "equations_hold",
    "operands_grounded",
    "numbers_used",
    "results_used",
    "answer_derived",
    "answer_whole",
    "answer_new",
    "answer_size",
    "divisions_even",
    "brief_working",
    "usual_roles",
    "usual_order",
    "usual_signs",
)


def of_working(question: str, reply: str) -> list[Check]:
    """The checks of a reply's working; none applies to a reply without an equation. Never raises."""
    working = Working.of(reply)
    equations, answer = working.equations, working.answer
    if not equations or answer is None:
        return [check(name, None) for name in NAMES]
    words = words_of(question)
    told = mentions(words)
    said = float(answer)
    operands = [operand for equation in equations for operand in equation.operands]
    return [
        check("equations_hold", sum(each.holds for each in equations) / len(equations), 1.0),
        check("operands_grounded", -_groundless(equations, told, implied(words))),
        check("numbers_used", -_unused(told, operands)),
        check("results_used", -_left_over(equations, said)),
        check("answer_derived", float(among(said, [each.result for each in equations])), 1.0),
        check("answer_whole", float(answer.denominator == 1), 1.0),
        check("answer_new", float(not among(said, [one.value for one in told])), 1.0),
        check("answer_size", _size(said, told), -2.0),
        check("divisions_even", _even(equations), 1.0),
        check("brief_working", -math.log(1 + len(reply)), -6.0),
        *_usual(question, words, told, working),
    ]


def _groundless(equations: Sequence[Equation], told: Sequence[Mention], implied: set[float]) -> int:
    """Operands that were neither told, nor found before, nor follow from a word such as "week"."""
    count = 0
    for place, equation in enumerate(equations):
        known = [*implied, *(each.result for each in equations[:place])]
        count += sum(not (among(each, known) or any(one.is_in(each) for one in told)) for each in equation.operands)
    return count


def _unused(told: Sequence[Mention], operands: Sequence[float]) -> int:
    """Numbers told that no equation uses. "One" and "two" are often no numbers to reckon with."""
    wanted = {one.value: one for one in told if one.value not in {1.0, 2.0}}
    return sum(not any(one.is_in(operand) for operand in operands) for one in wanted.values())


def _left_over(equations: Sequence[Equation], answer: float) -> int:
    """Results before the last that nothing goes on with."""
    count = 0
    for place, equation in enumerate(equations[:-1]):
        later = [operand for each in equations[place + 1 :] for operand in each.operands]
        count += not among(equation.result, [*later, answer])
    return count


def _size(answer: float, told: Sequence[Mention]) -> float | None:
    """Minus how many times (in e-folds) the answer is larger than the largest number told."""
    largest = max((abs(one.value) for one in told), default=0.0)
    return min(0.0, math.log(largest / abs(answer))) if largest and answer else None


def _even(equations: Sequence[Equation]) -> float | None:
    """Share of the equations with a division that come to a whole number."""
    divided = [each.value.denominator == 1 for each in equations if "/" in each.signs]
    return sum(divided) / len(divided) if divided else None


def _usual(question: str, words: Sequence[str], told: Sequence[Mention], working: Working) -> list[Check]:
    """How usual it is, in nats (less is rarer), to do this with these numbers, in this order, in steps so worded."""
    known, equations = habits.shipped(), working.equations
    roles = []
    for place, used in enumerate(habits.uses(told, equations)):
        shares = known.role.log_shares(habits.of_mention(words, told, place, question))
        done = [shares[role] for role in used or [habits.UNUSED]]
        roles.append(sum(done) / len(done))
    order = [habits.BEGIN, *habits.steps(equations), habits.END]
    follows = [known.log_share_of_next(one, two) for one, two in pairwise(order)]
    shares_at = {
        step: known.sign.log_shares(habits.of_step(working.steps[step])) for step in {e.line for e in equations}
    }
    return [
        check("usual_roles", sum(roles) / len(roles) if roles else None, -1.5),
        check("usual_order", sum(follows) / len(follows), -1.5),
        check("usual_signs", min(shares_at[each.line][each.signs[-1]] for each in equations), -3.0),
    ]
