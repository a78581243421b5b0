"""Backward: from the answer to the question. Each pass reads texts that are there; nothing is written."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from alen.core.checks.looking import check
from alen.thought import NUMBER
from alen.types import CancelToken, Check, Scorer

_ASK = "Write the question."
_ASK_FOR = "Write the question whose answer is: {answer}"
_JUDGE = "Question: {question}\nProposed answer: {answer}\nIs the proposed answer right? Say yes or no."
_BLANK = "Is it right? Say yes or no."
_FIND = "{question}\nThe answer is {answer}. Which number is X? Say the number alone."
_FIND_FREELY = "{question}\nWhich number is X? Say the number alone."
MOST_MASKED = 4
"""Numbers of a question that are hidden in turn, the first ones."""


def of_question_given_answer(
    question: str, answers: Sequence[str], scorer: Scorer, *, cancel: CancelToken | None = None
) -> list[Check]:
    """How much more likely, a token, each answer makes the question than no answer does, less the mean over all: "4"
    need not imply "2 + 2", but it must explain it better than its rivals. A single answer has none."""
    if len(answers) < 2:
        return [check("backward", None) for _ in answers]
    gains = []
    without = _mean(scorer, _ASK, question, cancel)
    for answer in answers:
        gains.append(_mean(scorer, _ASK_FOR.format(answer=answer), question, cancel) - without)
    centre = sum(gains) / len(gains)
    return [check("backward", gain - centre) for gain in gains]


def of_own_judgement(
    question: str, answers: Sequence[str], scorer: Scorer, *, cancel: CancelToken | None = None
) -> list[Check]:
    """The log-odds of "yes" over "no" when the model is asked whether an answer is right, less those it has for no
    answer at all (Kadavath et al., 2022, "Language models (mostly) know what they know"; the subtraction after Zhao et
    al., 2021, "Calibrate before use")."""
    bias = _yes_over_no(scorer, _BLANK, cancel)
    found = []
    for answer in answers:
        prompt = _JUDGE.format(question=question, answer=answer)
        found.append(check("own_judgement", _yes_over_no(scorer, prompt, cancel) - bias))
    return found


def of_masked_conditions(
    question: str, answers: Sequence[str], scorer: Scorer, *, cancel: CancelToken | None = None
) -> list[Check]:
    """How much more likely, a token, each answer makes the numbers of the question, each hidden in turn (Jiang et al.,
    2024, "Forward-backward reasoning in large language models for mathematical verification"). Not applicable to a
    question without numbers."""
    masked = [
        (f"{question[: found.start()]}X{question[found.end() :]}", found.group())
        for found in itertools.islice(NUMBER.finditer(question), MOST_MASKED)
    ]
    if not masked:
        return [check("masked_condition", None) for _ in answers]
    without = [_mean(scorer, _FIND_FREELY.format(question=text), number, cancel) for text, number in masked]
    found = []
    for answer in answers:
        told = [_mean(scorer, _FIND.format(question=text, answer=answer), number, cancel) for text, number in masked]
        found.append(check("masked_condition", sum(a - b for a, b in zip(told, without, strict=True)) / len(masked)))
    return found


def _mean(scorer: Scorer, prompt: str, reply: str, cancel: CancelToken | None) -> float:
    [told] = scorer.score([{"role": "user", "content": prompt}], [reply], cancel=cancel)
    return sum(told) / len(told)


def _yes_over_no(scorer: Scorer, prompt: str, cancel: CancelToken | None) -> float:
    yes, no = scorer.score([{"role": "user", "content": prompt}], ["Yes", "No"], cancel=cancel)
    return sum(yes) - sum(no)
