"""What ALEN's own checks say of a frozen generation: the reply that was written greedily, looked at as the reasoner
looks at candidates, by the same functions, with the same tokens that every other estimator has.

What was asked is that of the frozen file: its prompts have worked examples, and ``own_judgement`` is the answer to
lm-polygraph's question, where the reasoner asks its own.

Axes: L lines, D dimension.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from alen.core import checks as look
from alen.core.checks import of_context, of_working
from alen.core.checks.of_agreement import of_computation
from alen.core.checks.of_meaning import of_meaning
from alen.core.checks.of_options import of_options
from alen.core.checks.of_writings import of_writings
from alen.core.equivalence import clusters
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
        *of_context.NAMES,
        "derived",
        "record_near",
        "record_of_answer",
        "familiar",
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
    replies = [completion_of(reply) for reply in (line["greedy"], *(line.get("samples") or ()))]
    texts = [answer_of(reply.text) for reply in replies]
    options = tuple(line.get("options") or ())
    question, answer = line["question"], texts[0]
    groups = clusters(texts, question=question, options=options)
    found = of_writings(thought, texts, replies, groups)[0]
    found += of_meaning(question, [_said(line)], encoder, options)[0]
    found += [*_of_options(line), *_of_judgement(line)]
    found += of_context.of_context(question, answer, line.get("context") or "")
    return [*found, of_computation(answer, _computed(question))]


def _of_options(line: Line) -> list[Check]:
    """A reply that is held to the options is the likeliest of them."""
    told = [sum(each) for each in line.get("option_logprobs") or ()]
    return of_options(told, told.index(max(told)) if told else None)


def _of_judgement(line: Line) -> list[Check]:
    told = line.get("p_true")
    return [look.check("own_judgement", None if told is None else float(told))]


def _computed(question: str) -> str | None:
    """What the question alone comes to."""
    found = compute(Situation(ThoughtState.from_input(question), Recollection()))
    return found[0].text if found else None


def asked(line: Line) -> str:
    """What the record compares questions by."""
    return f"{line['question']}\n{line['context']}" if line.get("context") else str(line["question"])


def completion_of(reply: Mapping[str, Any]) -> Completion:
    """A frozen reply as a model gives it."""
    return Completion(
        reply["text"],
        len(reply["tokens"]),
        0,
        reply["finish"],
        tuple(reply["logprobs"]),
        tuple(reply.get("margins", ())),
        tuple(reply.get("entropies", ())),
    )
