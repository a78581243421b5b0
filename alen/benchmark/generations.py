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

import numpy as np

from alen.benchmark.shared_prompt import Reply, SharedPrompt
from alen.benchmark.tasks import Item, grade
from alen.core.fitting import unit
from alen.errors import BadInput
from alen.language_model import LargeLanguageModel
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


UQLM_TRUE = (
    "\n    Question: {q}\n    \n    Proposed Answer: {a}\n\n"
    "    Is the proposed answer to the question true or false? Answer with only one word true/false.\n\n"
    "    True or False:\n        "
)


@dataclass(frozen=True, slots=True)
class Settings:
    """``samples`` 0 writes the likely reply and nothing else: enough for an accuracy."""

    model: str
    seed: int = 0
    samples: int = SAMPLES
    temperature: float = TEMPERATURE


class Prompts:
    """A prompt for each kind of question: none makes another forget the instruction that all of its kind share."""

    def __init__(self, model: LargeLanguageModel) -> None:
        self.question, self.polygraph, self.uqlm = (SharedPrompt(model) for _ in range(3))

    @property
    def forwarded(self) -> int:
        return self.question.forwarded + self.polygraph.forwarded + self.uqlm.forwarded


def generate(
    items: Sequence[Item],
    prompts: Prompts,
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
            file.write(json.dumps(line_of(item, prompts, settings), ensure_ascii=False) + "\n")
            file.flush()
            done += 1
            report(done)
    return done


def line_of(item: Item, prompts: Prompts, settings: Settings) -> dict[str, Any]:
    """All that is kept of one question."""
    clock, prompt = _Clock(prompts), prompts.question
    clock.timed("read", lambda: prompt.read(item.prompt))
    seed = int(unit(f"{item.id} {settings.seed}") * 2**62)
    count = min(settings.samples, item.most_samples)
    options: list[Reply] = []
    samples: list[Reply] = []
    if item.constrained:
        options = clock.timed("greedy", lambda: prompt.given(item.options))
        greedy, samples = _chosen(options, count, settings.temperature, seed)
    elif item.given is None:
        (greedy,) = clock.timed("greedy", lambda: _written(item, prompt, 1, 0.0, 0))
    else:
        (greedy,) = clock.timed("greedy", lambda: prompt.given([item.given or ""]))
    line = item.to_json() | {
        "digest": item.digest,
        "settings": asdict(settings),
        "prompt_tokens": prompt.length,
        "greedy": asdict(greedy),
        "is_right": grade(greedy.text, item) if item.right is None else item.right,
    }
    if settings.samples:
        if count and not samples:
            samples = clock.timed("samples", lambda: _written(item, prompt, count, settings.temperature, seed))
        line |= {
            "distribution": asdict(clock.timed("distribution", lambda: prompt.distribution(greedy.tokens))),
            "samples": [asdict(sample) for sample in samples],
            "samples_right": [grade(sample.text, item) for sample in samples],
            "option_logprobs": [option.logprobs for option in options],
        }
        line |= clock.timed("true", lambda: _true(item, prompts, greedy.text, [sample.text for sample in samples]))
    return line | {"milliseconds": clock.milliseconds, "tokens": clock.tokens}


def _chosen(options: Sequence[Reply], count: int, temperature: float, seed: int) -> tuple[Reply, list[Reply]]:
    """The likeliest option, and options drawn in proportion to their probability: the model, held to the options."""
    likely = np.array([sum(option.logprobs) for option in options])
    weights = np.exp((likely - likely.max()) / temperature)
    drawn = np.random.default_rng(seed).choice(len(options), size=count, p=weights / weights.sum())
    return options[int(likely.argmax())], [options[place] for place in drawn]


def read_lines(file: Path) -> list[dict[str, Any]]:
    """The lines of a frozen file; one that a stop cut short is left out."""
    text = file.read_text("utf-8") if file.is_file() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def _written(item: Item, prompt: SharedPrompt, count: int, temperature: float, seed: int) -> list[Reply]:
    return prompt.write(count, max_tokens=item.max_tokens, temperature=temperature, seed=seed, stop=item.stop)


def _true(item: Item, prompts: Prompts, answer: str, samples: Sequence[str]) -> dict[str, Any]:
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
            prompts.polygraph.read([{"role": "user", "content": text}])
            found[name] = prompts.polygraph.next_token("True")
    asked = UQLM_TRUE.format(q=question, a=answer)
    prompts.uqlm.read([{"role": "system", "content": UQLM_SYSTEM}, {"role": "user", "content": asked}])
    (said,) = prompts.uqlm.write(1, max_tokens=1, temperature=0.0, seed=0)
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

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts
        self.milliseconds: dict[str, float] = {}
        self.tokens: dict[str, int] = {}

    def timed(self, name: str, work: Callable[[], T]) -> T:
        started, before = time.perf_counter(), self._prompts.forwarded
        result = work()
        self.milliseconds[name] = round(1000 * (time.perf_counter() - started), 1)
        self.tokens[name] = self._prompts.forwarded - before
        return result
