"""Operators propose candidates; they never judge them. Each sees the question and what memory recalled."""

from __future__ import annotations

from alen.core.operators.analogical import answer_by_example
from alen.core.operators.analytical import solve_in_steps
from alen.core.operators.conservative import PASSAGES_READ, read_passages
from alen.core.operators.exploratory import ask_otherwise
from alen.core.operators.heuristic import extract, recall_taught
from alen.core.operators.intuitive import answer_at_once
from alen.core.operators.logical import compute, family_of_equations, work_out
from alen.core.operators.probabilistic import sample

__all__ = [
    "PASSAGES_READ",
    "answer_at_once",
    "answer_by_example",
    "ask_otherwise",
    "compute",
    "extract",
    "family_of_equations",
    "read_passages",
    "recall_taught",
    "sample",
    "solve_in_steps",
    "work_out",
]
