"""Every data set by its name, with the prompt that it is asked with."""

from __future__ import annotations

from alen.benchmark.tasks import answering, checking, choosing, counting, labelling, procedural
from alen.benchmark.tasks.task import Style, Task

_LETTER = "Answer with the letter of the right option."
_TEXT = "Answer with the right option, word for word."
_NUMBER = "Answer with a number only."
_SHORT = "Answer in a few words."

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


def choice(name: str, style: Style) -> Task:
    """A set with options, answered by letter or by text."""
    read = {
        "commonsenseqa": choosing.commonsenseqa,
        "mmlu_stem": choosing.mmlu_stem,
        "truthfulqa": choosing.truthfulqa,
        "clinc150": choosing.clinc150,
    }.get(name) or choosing.bbh(name.removeprefix("bbh_"))
    instruction = (
        f"What does the user want? {_TEXT}" if name == "clinc150" else _LETTER if style == "letters" else _TEXT
    )
    long = style == "text" and name in ("truthfulqa", "mmlu_stem")
    return Task(name, instruction, read, "choice", 4 if style == "letters" else 40 if long else 16, 5, style)


STYLES: dict[str, Style] = {
    "commonsenseqa": "text",
    "mmlu_stem": "letters",
    "truthfulqa": "letters",
    "clinc150": "text",
    **{f"bbh_{task}": "text" for task in BBH},
}

_PLAIN = (
    Task("squad2", "Answer in a few words of the passage.", answering.squad2, "f1", 24, 3),
    Task("sst2", "Is the review negative or positive? Answer in one word.", labelling.sst2, "label", 4, 6),
    Task(
        "trec",
        "Is the answer an abbreviation, a description, a thing, a person, a place or a number? Answer in one word.",
        labelling.trec,
        "label",
        4,
        12,
    ),
    Task("sick", "Answer yes, no or maybe.", labelling.sick, "label", 4, 9),
    Task("rte", "Answer yes or no.", labelling.rte, "label", 4, 4),
    Task("strategyqa", "Answer yes or no.", labelling.strategyqa, "label", 4, 8),
    Task("strategyqa_facts", "Answer yes or no.", labelling.strategyqa_facts, "label", 4, 6),
    Task("selfaware", "Is the answer to this question known? Answer yes or no.", labelling.selfaware, "label", 4, 8),
    Task("asdiv_1_3", _NUMBER, counting.asdiv("1", "2", "3"), "number", 8, 6),
    Task("asdiv_4_6", _NUMBER, counting.asdiv("4", "5", "6"), "number", 8, 6),
    Task("bbh_object_counting", _NUMBER, counting.objects, "number", 8, 6),
    Task("gsm8k", "Work step by step; end with: The answer is", counting.gsm8k, "number", 120, 0),
    Task("webquestions", _SHORT, answering.webquestions, "f1", 16, 6),
    Task("nq_open", _SHORT, answering.nq_open, "f1", 16, 6),
    Task("locomo", _SHORT, answering.locomo, "f1", 24, 3),
    Task("next_word", "Continue the text by one word.", answering.next_word, "word", 4, 6),
    Task("procedural", _NUMBER, procedural.rows, "number", 8, 8),
)

_CHECKING = (
    Task("check_commonsenseqa", _SHORT, checking.commonsenseqa, "f1", 16, 6),
    Task("check_truthfulqa", "Answer in one sentence.", checking.truthfulqa, "f1", 32, 4),
    Task("check_gsm8k", "Work step by step.", checking.gsm8k_solutions, "number", 120, 0, samples=0),
    Task("check_halueval", "Answer the question.", checking.halueval, "f1", 120, 0, samples=0),
)

TASKS = {task.name: task for task in (*(choice(name, style) for name, style in STYLES.items()), *_PLAIN, *_CHECKING)}
