"""One frozen file of generations for a model, a set and a seed: what every estimator is judged on.

A line is a question: the likely reply and samples with their log-probabilities, the likelihood of the options, what the
model says when asked whether its reply is true, labels by the one grader, tokens and milliseconds. A file is begun once
and only ever continued.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from alen.benchmark.shared_prompt import Reply, SharedPrompt
from alen.benchmark.tasks import Item, grade
from alen.benchmark.tasks.item import place
from alen.errors import BadInput
from alen.types import CancelToken

T = TypeVar("T")

TEMPERATURE = 1.0
"""That of both libraries it is compared with, and the one at which the mean of the samples' log-probabilities estimates
the entropy."""
SAMPLES = 10

# The questions that the two libraries ask of a model about its own reply, as they ask them.
POLYGRAPH_TRUE = (
    "Question: {q}\n Possible answer:{a}\n Is the possible answer:\n (A) True\n (B) False\n The possible answer is:"
)
POLYGRAPH_TRUE_SAMPLES = (
    "Question: {q}\n Here are some ideas that were brainstormed: {s}\n Possible answer:{a}\n"
    " Is the possible answer:\n (A) True\n (B) False\n The possible answer is:"
)
UQLM_SYSTEM = """
Your task is to determine whether a given answer to a question is correct.

Guidelines for your evaluation:
- Do NOT penalize phrasing differences
- Respond with EXACTLY one word: "True" or "False"
- Answer "True" if the response is correct
- Answer "False" if the response is incorrect
- Do not explain your reasoning or provide any additional commentary
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """``samples`` 0 writes the likely reply alone; ``true`` asks whether it is true."""

    model: str
    seed: int = 0
    samples: int = SAMPLES
    temperature: float = TEMPERATURE
    true: bool = True


def generate(
    items: Sequence[Item],
    prompt: SharedPrompt,
    out: Path,
    settings: Settings,
    *,
    report: Callable[[int], None] = lambda done: None,
    cancel: CancelToken | None = None,
) -> int:
    """Append what is not there yet; returns how many lines the file has. Stops after a question when cancelled.

    Raises BadInput when a line was made from another question, prompt or setting: a frozen file does not change."""
    done = _kept(out, items, settings)
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("a", encoding="utf-8") as file:
        report(done)
        for item in items[done:]:
            if cancel is not None and cancel.is_set():
                break
            file.write(json.dumps(line_of(item, prompt, settings), ensure_ascii=False) + "\n")
            file.flush()
            done += 1
            report(done)
    return done


def line_of(item: Item, prompt: SharedPrompt, settings: Settings) -> dict[str, Any]:
    """All that is kept of one question."""
    clock = _Clock(prompt)
    clock.timed("read", lambda: prompt.read(item.messages))
    read = prompt.length
    if item.given is None:
        (greedy,) = clock.timed("greedy", lambda: _written(item, prompt, 1, 0.0, 0))
    else:
        greedy = clock.timed("greedy", lambda: prompt.given(item.given or ""))
    seed = int(place(f"{item.id} {settings.seed}") * 2**62)
    samples: list[Reply] = []
    if settings.samples:
        samples = clock.timed("samples", lambda: _written(item, prompt, settings.samples, settings.temperature, seed))
    options = list(item.options) if item.given is None else []
    likelihoods = clock.timed("options", lambda: prompt.score(options)) if options else []
    line = item.to_json() | {
        "digest": item.digest,
        "settings": asdict(settings),
        "greedy": asdict(greedy),
        "distribution": asdict(clock.timed("distribution", lambda: prompt.distribution(greedy.tokens))),
        "samples": [asdict(sample) for sample in samples],
        "option_logprobs": likelihoods,
        "is_right": grade(greedy.text, item) if item.right is None else item.right,
        "samples_right": [grade(sample.text, item) for sample in samples],
        "prompt_tokens": read,
    }
    if settings.true:
        line |= clock.timed("true", lambda: _true(item, prompt, greedy.text, [sample.text for sample in samples]))
    return line | {"milliseconds": clock.milliseconds, "tokens": clock.tokens}


def read_lines(file: Path) -> list[dict[str, Any]]:
    """The lines of a frozen file; one that a stop cut short is left out."""
    text = file.read_text("utf-8") if file.is_file() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def _written(item: Item, prompt: SharedPrompt, count: int, temperature: float, seed: int) -> list[Reply]:
    return prompt.write(count, max_tokens=item.max_tokens, temperature=temperature, seed=seed, stop=item.stop)


def _true(item: Item, prompt: SharedPrompt, answer: str, samples: Sequence[str]) -> dict[str, Any]:
    """The log-probabilities of True after lm-polygraph's two questions, and uqlm's first token with its own.

    The question is asked with its passage and options, without the worked examples."""
    question = item.messages[-1]["content"]
    texts = {
        "p_true": POLYGRAPH_TRUE.format(q=question, a=answer),
        "p_true_sampling": POLYGRAPH_TRUE_SAMPLES.format(q=question, s=", ".join(samples), a=answer),
    }
    found: dict[str, Any] = {}
    for name, text in texts.items():
        if samples or name == "p_true":
            prompt.read([{"role": "user", "content": text}])
            found[name] = prompt.next_token("True")
    asked = (
        f"\n    Question: {question}\n    \n    Proposed Answer: {answer}\n\n"
        "    Is the proposed answer to the question true or false? Answer with only one word true/false.\n\n"
        "    True or False:\n        "
    )
    prompt.read([{"role": "system", "content": UQLM_SYSTEM}, {"role": "user", "content": asked}])
    (said,) = prompt.write(1, max_tokens=1, temperature=0.0, seed=0)
    return found | {"said_true": {"token": said.text, "logprob": said.logprobs[0]}}


def _kept(out: Path, items: Sequence[Item], settings: Settings) -> int:
    """How many lines are there, after cutting off one that was not finished."""
    lines = read_lines(out)
    for number, (line, item) in enumerate(zip(lines, items, strict=False), 1):
        if (line["id"], line["digest"], line["settings"]) != (item.id, item.digest, asdict(settings)):
            raise BadInput(
                f"{out.name}, line {number}",
                f"{line['id']} asked otherwise than now",
                "the same questions, prompts and settings",
                "Give another folder, or remove the file to begin anew.",
            )
    if out.is_file():
        whole = out.read_bytes()
        end = whole.rfind(b"\n") + 1
        if end < len(whole):
            with out.open("r+b") as file:
                file.truncate(end)
    return min(len(lines), len(items))


class _Clock:
    """Milliseconds and tokens of each look."""

    def __init__(self, prompt: SharedPrompt) -> None:
        self._prompt = prompt
        self.milliseconds: dict[str, float] = {}
        self.tokens: dict[str, int] = {}

    def timed(self, name: str, work: Callable[[], T]) -> T:
        started, before = time.perf_counter(), self._prompt.forwarded
        result = work()
        self.milliseconds[name] = round(1000 * (time.perf_counter() - started), 1)
        self.tokens[name] = self._prompt.forwarded - before
        return result
