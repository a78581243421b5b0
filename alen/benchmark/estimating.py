"""What ALEN's own checks say of a frozen generation: the reply that was written greedily, looked at as the reasoner
looks at candidates, with the same tokens that every other estimator has.

Axes: L lines, D dimension.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from alen.core import checks as look
from alen.core.checks import of_working
from alen.core.checks.of_meaning import of_meaning
from alen.core.checks.of_writings import of_writings
from alen.core.equivalence import clusters, equivalent
from alen.core.operators import compute
from alen.core.operators.writing import answer_of
from alen.core.record import Record
from alen.core.situation import Situation
from alen.thought import ThoughtState, stem
from alen.types import Check, Completion, Encoder, Recollection

Line = Mapping[str, Any]

INDEPENDENT = frozenset(
    {
        *of_working.NAMES,
        "derived",
        "record_near",
        "record_of_answer",
        "familiar",
        "verbatim",
        "words_by_answer",
        "adds_to_question",
        "type",
        "brevity",
        "near_in_meaning",
        "lead_in_meaning",
    }
)
"""Checks that use nothing which the model that wrote the reply has said of it."""

RECORD = frozenset({"record_near", "record_of_answer"})
"""Checks that need graded answers to questions of the same kind."""


def looks(lines: Sequence[Line], encoder: Encoder) -> list[list[Check]]:
    """The checks of each line's greedy reply, without those that need graded answers."""
    known = _Known(encoder, [text for line in lines for text in _meant(line)])
    return [_of_line(line, known) for line in lines]


class _Known:
    """An encoder that encoded everything at once, line by line being many times slower."""

    def __init__(self, encoder: Encoder, texts: Sequence[str]) -> None:
        self.name, self.dim, self.fingerprint = encoder.name, encoder.dim, encoder.fingerprint
        distinct = list(dict.fromkeys(texts))
        self._rows = {text: row for row, text in enumerate(distinct)}
        self._vectors_ND = encoder.encode(distinct)

    def encode(self, texts: list[str]) -> np.ndarray:
        return np.asarray(self._vectors_ND[[self._rows[text] for text in texts]])


def _meant(line: Line) -> list[str]:
    """What is compared in meaning: the question, the likely answer, the options."""
    return [stem(line["question"]), _said(line), *(line.get("options") or ())]


def _said(line: Line) -> str:
    return answer_of(line["greedy"]["text"]) or "nothing"


def with_record(
    lines: Sequence[Line],
    checks: Sequence[Sequence[Check]],
    graded: Sequence[int],
    vectors_LD: np.ndarray,
    groups: Sequence[str],
) -> list[list[Check]]:
    """And what was right near each question among the ``graded`` places. What belongs to a question's own group is left
    out: where it will be used, no other reply to the same question was graded."""
    said = [line["greedy"]["text"] for line in lines]
    right = np.array([float(lines[place]["is_right"]) for place in graded])
    record = Record.of_answers(vectors_LD[list(graded)], right, [said[place] for place in graded])
    own: dict[str, list[int]] = {}
    for number, place in enumerate(graded):
        own.setdefault(groups[place], []).append(number)
    return [
        [*found, *record.of(vectors_LD[place], [said[place]], without=own.get(groups[place], ()))[0]]
        for place, found in enumerate(checks)
    ]


def _of_line(line: Line, encoder: Encoder) -> list[Check]:
    thought = ThoughtState.from_input(asked(line))
    replies = [_completion(reply) for reply in (line["greedy"], *(line.get("samples") or ()))]
    texts = [answer_of(reply.text) for reply in replies]
    options = tuple(line.get("options") or ())
    groups = clusters(texts, question=line["question"], options=options)
    found = of_writings(thought, texts, replies, groups)[0]
    found += of_meaning(line["question"], [_said(line)], encoder, options)[0]
    return [*found, *_of_options(line), *_of_judgement(line), *_of_context(line), *_derived(line)]


def _of_options(line: Line) -> list[Check]:
    """How the model spreads its belief over what there is to choose from."""
    told = [sum(each) for each in line.get("option_logprobs") or ()]
    if len(told) < 2:
        return [look.check("option_share", None), look.check("option_lead", None)]
    top = max(told)
    total = top + math.log(sum(math.exp(value - top) for value in told))
    second = sorted(told)[-2]
    return [look.check("option_share", top - total, -0.7), look.check("option_lead", top - second, 1.0)]


def _of_judgement(line: Line) -> list[Check]:
    told = line.get("p_true")
    return [look.check("own_judgement", None if told is None else float(told))]


def _of_context(line: Line) -> list[Check]:
    """How the reply stands in the passage that was given with the question."""
    context, answer, question = line.get("context") or "", answer_of(line["greedy"]["text"]), line["question"]
    said, asked = set(look.content_words(answer)), set(look.content_words(question))
    adds = look.check("adds_to_question", 1.0 - len(said & asked) / len(said) if said else None, 0.5)
    if not context:
        return [look.check("verbatim", None), look.check("words_by_answer", None), adds]
    at = context.lower().find(answer.lower()) if answer else -1
    around = None
    if at >= 0:
        first, last = context.rfind(". ", 0, at) + 1, context.find(". ", at + len(answer))
        around = look.coverage(question, context[first : last if last >= 0 else len(context)])
    return [look.check("verbatim", float(at >= 0), 1.0), look.check("words_by_answer", around, 0.5), adds]


def _derived(line: Line) -> list[Check]:
    """Whether an answer that was worked out from the question alone says the same."""
    proposals = compute(Situation(ThoughtState.from_input(line["question"]), Recollection()))
    if not proposals:
        return [look.check("derived", None)]
    return [look.check("derived", float(equivalent(proposals[0].text, answer_of(line["greedy"]["text"]))), 1.0)]


def asked(line: Line) -> str:
    """What the record compares questions by."""
    return f"{line['question']}\n{line['context']}" if line.get("context") else str(line["question"])


def _completion(reply: Mapping[str, Any]) -> Completion:
    return Completion(
        reply["text"],
        len(reply["tokens"]),
        0,
        reply["finish"],
        tuple(reply["logprobs"]),
        tuple(reply.get("margins", ())),
        tuple(reply.get("entropies", ())),
    )
