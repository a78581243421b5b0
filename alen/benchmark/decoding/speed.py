"""How fast a model reads and writes on this processor, alone or in turns with other programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from alen.benchmark import machine
from alen.benchmark.decoding import prompts, rivals
from alen.benchmark.decoding.turns import Process, Room, Timed, Work, measure, processes
from alen.benchmark.harness import Report, spread
from alen.benchmark.performance.results import plain_table
from alen.benchmark.schema import Measured
from alen.errors import BadInput
from alen.models import ModelFiles
from alen.neural.weights import read_config
from alen.text.tokenizer import Tokenizer

OURS = "alen"
MEASURES = {
    "decode_per_second": "writing, tokens/s",
    "prefill_per_second": "reading, tokens/s",
    "first_token_seconds": "first token, s",
    "together_per_second": "at once, tokens/s",
}
HEADINGS = ("", "", "median", "p25–p75", "ratio", "95 %")
PACKAGES = ("alen", "torch", "xllamacpp", "transformers", "ctranslate2")
TRIED, TRIED_AFTER = 8, 32
"""Tokens that a way to compute writes, and reads before, when the quickest is looked for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """``streams`` texts are written at once in the last measure. A ``prompt`` of one's own stands in place of made-up
    ones of ``prompt_tokens``. Raises BadInput."""

    prompt: str | None = None
    prompt_tokens: int = 256
    max_tokens: int = 128
    streams: int = 8
    rounds: int = 5
    threads: int = 1
    against: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.prompt is not None and not self.prompt.strip():
            raise BadInput("--prompt", "an empty prompt", "a text", "Leave it out for made-up ones.")
        least = {"prompt_tokens": 1, "max_tokens": 2, "streams": 1, "rounds": 2, "threads": 1}
        for name, number in least.items():
            if getattr(self, name) < number:
                option = f"--{name.replace('_', '-')}"
                raise BadInput(option, str(getattr(self, name)), f"{number} or more", "Correct it.")
        rivals.check(self.against)


@dataclass(frozen=True, slots=True)
class Speeds:
    """What was measured. ``sides`` names the side of each program; ``found`` has ``read``, ``write``, ``streams``."""

    model: str
    settings: dict[str, Any]
    sides: dict[str, str]
    formats: dict[str, str]
    found: dict[str, Timed]

    def to_dict(self) -> dict[str, Any]:
        """For JSON. Ratios are ours over theirs."""
        ours, *others = (self._side(name) for name in self.sides)
        return {
            "model": self.model,
            "settings": self.settings,
            "machine": {**machine.machine(), **machine.versions(PACKAGES)},
            "ours": ours,
            **{
                name: {**other, "ratios": {key: ratio.model_dump() for key, ratio in self.ratios(name).items()}}
                for name, other in zip(list(self.sides)[1:], others, strict=True)
            },
        }

    def values(self, name: str) -> dict[str, list[float]]:
        """Of one program: every round's value of each measure."""
        read, write, streams = (self.found[work].rates[self.sides[name]] for work in ("read", "write", "streams"))
        seconds = [self.settings["prompt_tokens"] / rate for rate in read]
        return dict(zip(MEASURES, (write, read, seconds, streams), strict=True))

    def ratios(self, name: str) -> dict[str, Measured]:
        """Ours over those of another program."""
        ours, theirs = self.sides[OURS], self.sides[name]
        read, write, streams = self.found["read"], self.found["write"], self.found["streams"]
        rates = (write.ratio(ours, theirs), read.ratio(ours, theirs), read.ratio(theirs, ours))
        return dict(zip(MEASURES, (*rates, streams.ratio(ours, theirs)), strict=True))

    def bars(self) -> dict[str, dict[str, tuple[float, float, float]]]:
        """Quartile, median and quartile of each measure and program."""
        return {
            label: {name: _quartiles(self.values(name)[key]) for name in self.sides} for key, label in MEASURES.items()
        }

    def table(self) -> str:
        """Plain text; ratios are ours over theirs."""
        rows = []
        for key, label in MEASURES.items():
            for name in self.sides:
                low, middle, high = (_shown(key, value) for value in _quartiles(self.values(name)[key]))
                ratio = None if name == OURS else self.ratios(name)[key]
                between = ("", "") if ratio is None else (f"{ratio.value:.2f}", f"{ratio.low:.2f} … {ratio.high:.2f}")
                rows.append((label if name == OURS else "", name, middle, f"{low}–{high}", *between))
        given = self.settings
        sizes = f"prompts of {given['prompt_tokens']}, {given['max_tokens']} written, {given['streams']} at once"
        threads = f"{given['threads']} thread{'' if given['threads'] == 1 else 's'}"
        title = f"{self.model}, {threads}, {sizes}\n"
        title += ", ".join(f"{name}: {format}" for name, format in self.formats.items())
        return plain_table(title, HEADINGS, rows)

    def _side(self, name: str) -> dict[str, Any]:
        return {
            "format": self.formats[name],
            **{key: spread(values) for key, values in self.values(name).items()},
        }


def run(model: ModelFiles, plan: Plan, *, work: Path, report: Report) -> Speeds:
    """Every program computes the same in turns, in a process of its own; the first round warms up. ``work`` keeps what
    a program wants converted. Raises BadInput, and WorkError when a program fails."""
    if model.kind != "decoder":
        raise BadInput("model", f"{model.name}, an {model.kind}", "a decoder", "For example smollm2-135m-instruct.")
    rivals.check_file(plan.against, model.path)
    tokenizer = prompts.tokenizer_of(model.path)
    given = _prompts(plan, tokenizer.encode, (1 + plan.rounds) * (2 + plan.streams))
    size = len(given[0])
    _check_length(size + plan.max_tokens, read_config(model.path).max_seq_len)
    files = {OURS: {OURS: str(model.path)}} | {
        name: {side: _file(side, model, tokenizer, work) for side in rivals.RIVALS[name].sides} for name in plan.against
    }
    room = Room(plan.streams, size + plan.max_tokens + TRIED)
    with ExitStack() as stack:
        made: dict[str, Process] = {}
        sides: dict[str, str] = {}
        for done, (name, one) in enumerate(files.items()):
            report("loading", done, len(files))
            sides[name] = _quickest(one, plan.threads, room, given[0][:TRIED_AFTER])
            made |= stack.enter_context(processes({sides[name]: one[sides[name]]}, plan.threads, room))
        report("loading", len(files), len(files))
        found = measure(made, _works(plan, given), report)
    formats = {name: made[side].about.get("format") or _format(side) for name, side in sides.items()}
    settings = asdict(plan) | {"prompt_tokens": size}
    del settings["prompt"], settings["against"]
    return Speeds(model.name, settings, sides, formats, found)


def _works(plan: Plan, given: Sequence[list[int]]) -> list[Work]:
    pieces, turns, size = iter(given), range(1 + plan.rounds), len(given[0])
    writes = [{"tokens": next(pieces), "count": plan.max_tokens} for _ in turns]
    reads = [{"tokens": next(pieces)} for _ in turns]
    many = [{"prompts": [next(pieces) for _ in range(plan.streams)], "count": plan.max_tokens} for _ in turns]
    return [
        Work("write", "write", writes, plan.max_tokens - 1),
        Work("read", "read", reads, size),
        Work("streams", "streams", many, plan.streams * plan.max_tokens),
    ]


def _prompts(plan: Plan, encode: Callable[[str], Sequence[int]], count: int) -> list[list[int]]:
    if plan.prompt is None:
        return prompts.invented(encode, count, plan.prompt_tokens)
    return prompts.numbered(encode, plan.prompt, count)


def _check_length(wanted: int, most: int) -> None:
    if wanted > most:
        found = f"{wanted:,} tokens of prompt and text"
        hint = "Take fewer --prompt-tokens, a shorter --prompt or fewer --max-tokens."
        raise BadInput("--max-tokens", found, f"{most:,} together, the context of the model", hint)


def _quickest(files: dict[str, str], threads: int, room: Room, prompt: list[int]) -> str:
    """Of the ways in which one program can compute."""
    if len(files) == 1:
        return next(iter(files))
    seconds = {}
    for side, file in files.items():
        with processes({side: file}, threads, room) as made:
            told = [made[side].tell({"work": "write", "tokens": prompt, "count": TRIED}) for _ in range(2)]
            seconds[side] = told[-1]["seconds"]
    return min(seconds, key=lambda side: seconds[side])


def _file(side: str, model: ModelFiles, tokenizer: Tokenizer, work: Path) -> str:
    if not side.startswith("CTranslate2"):
        return str(model.path)
    from alen.benchmark.decoding.converted import converted

    work.mkdir(parents=True, exist_ok=True)
    return str(converted(model.path, tokenizer, work / f"{model.fingerprint[:16]}.ctranslate2"))


def _format(side: str) -> str:
    """CTranslate2 int8 → int8."""
    return side.partition(" ")[2] or "as the file is"


def _quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    found = spread(values)
    return found["p25"], found["median"], found["p75"]


def _shown(key: str, value: float) -> str:
    return f"{value:.3f}" if key.endswith("seconds") else f"{value:,.{1 if value < 100 else 0}f}"
