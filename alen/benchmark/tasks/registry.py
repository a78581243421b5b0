"""Every data set by its name, with the prompt that it is asked with."""

from __future__ import annotations

from alen.benchmark.tasks import answering, checking, choosing, counting, labelling, procedural
from alen.benchmark.tasks.task import Task

BBH = (
    "boolean_expressions",
    "date_understanding",
    "disambiguation_qa",
    "hyperbaton",
    "logical_deduction_three_objects",
    "movie_recommendation",
    "navigate",
    "penguins_in_a_table",
    "reasoning_about_colored_objects",
    "ruin_names",
    "snarks",
    "sports_understanding",
    "temporal_sequences",
    "web_of_lies",
)

_CHOOSING = (
    Task("commonsenseqa", "", choosing.commonsenseqa, "choice", 16, 6, constrained=True),
    Task("mmlu_stem", "", choosing.mmlu_stem, "choice", 40, 5, constrained=True),
    Task("truthfulqa", "", choosing.truthfulqa, "choice", 40, 4, constrained=True),
    Task("clinc150", "", choosing.clinc150, "choice", 16, 10, "User: ", "Wants:", constrained=True),
    *(Task(f"bbh_{name}", "", choosing.bbh(name), "choice", 16, 4, constrained=True) for name in BBH),
)

_LABELLING = (
    Task("sst2", "", labelling.sst2, "label", 4, 8, "Review: ", "Sentiment:", constrained=True),
    Task("trec", "", labelling.trec, "label", 4, 12, answers="Kind of answer:", constrained=True),
    Task("sick", "", labelling.sick, "label", 4, 9, "", constrained=True),
    Task("rte", "", labelling.rte, "label", 4, 4, "", constrained=True),
    Task("strategyqa", "", labelling.strategyqa, "label", 4, 8, constrained=True),
    Task("strategyqa_facts", "", labelling.strategyqa_facts, "label", 4, 6, constrained=True),
    Task("selfaware", "", labelling.selfaware, "label", 4, 8, answers="Is the answer known?", constrained=True),
)

_WRITING = (
    Task("squad2", "", answering.squad2, "f1", 16, 2),
    Task("locomo", "", answering.locomo, "f1", 24, 3),
    Task("webquestions", "", answering.webquestions, "f1", 16, 6),
    Task("nq_open", "", answering.nq_open, "f1", 16, 6),
    Task("next_word", "Each text goes on with one word.", answering.next_word, "word", 4, 6, "Text: ", "Next word:"),
    Task("asdiv_1_3", "", counting.asdiv("1", "2", "3"), "number", 24, 8),
    Task("asdiv_4_6", "", counting.asdiv("4", "5", "6"), "number", 32, 8),
    Task("bbh_object_counting", "", counting.objects, "number", 8, 6),
    Task("gsm8k", "", counting.gsm8k, "number", 120, 2),
    Task("procedural", "", procedural.rows, "number", 24, 4),
)

_CHECKING = (
    Task("check_commonsenseqa", "", checking.commonsenseqa, "f1", 16, 6),
    Task("check_truthfulqa", "", checking.truthfulqa, "f1", 24, 4),
    Task("check_gsm8k", "", checking.gsm8k_solutions, "number", 120, 0, most_samples=0),
    Task("check_halueval", "", checking.halueval, "f1", 120, 0, most_samples=0),
)

TASKS = {task.name: task for task in (*_CHOOSING, *_LABELLING, *_WRITING, *_CHECKING)}

DECLARED = {
    "squad2": 400,
    "commonsenseqa": 500,
    "clinc150": 500,
    "trec": 500,
    "procedural": 500,
    "sst2": 400,
    "check_commonsenseqa": 400,
    "check_truthfulqa": 300,
}
"""The sets of the comparison and how many questions each has, fixed before any was scored."""
