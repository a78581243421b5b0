"""Real short texts with an answer each, from the data sets of the evaluation folder, each once and in a mixed order."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alen.errors import BadInput
from alen.text.sentences import sentences

LONGEST = 400
"""Characters of a question or an answer: what people ask and are told is short."""


@dataclass(frozen=True, slots=True)
class Source:
    """``texts`` are the fields that are asked for, ``answer`` what is told; without one it is the text that follows."""

    file: str
    texts: tuple[str, ...]
    answer: str | None = None
    split: bool = False


SOURCES = (
    Source("asdiv/test.jsonl", ("question",), "answer"),
    Source("clinc150/all.jsonl", ("text",), "label"),
    Source("commonsenseqa/train.jsonl", ("question",)),
    Source("gsm8k/test.jsonl", ("question",), "solution"),
    Source("gsm8k/train.jsonl", ("question",), "solution"),
    Source("halueval/general.jsonl", ("user_query",), "chatgpt_response"),
    Source("mmlu_stem/test.jsonl", ("question",)),
    Source("nq_open/dev.jsonl", ("question",), "answers"),
    Source("rte/all.jsonl", ("premise", "hypothesis")),
    Source("selfaware/test.jsonl", ("question",), "answers"),
    Source("sick/train.jsonl", ("a", "b")),
    Source("sick/trial.jsonl", ("a", "b")),
    Source("squad2/contexts.jsonl", ("text",), split=True),
    Source("squad2/contexts_extra.jsonl", ("text",), split=True),
    Source("squad2/dev.jsonl", ("question",), "answers"),
    Source("sst2/dev.jsonl", ("text",)),
    Source("sst2/train.jsonl", ("text",)),
    Source("strategyqa/dev.jsonl", ("question", "facts", "decomposition")),
    Source("strategyqa/train.jsonl", ("question", "facts", "decomposition")),
    Source("stsb/dev.jsonl", ("a", "b")),
    Source("stsb/train.jsonl", ("a", "b")),
    Source("trec_qc/train_txt.jsonl", ("question",)),
    Source("truthfulqa/generation.jsonl", ("question", "best", "correct", "incorrect")),
    Source("webquestions/devtest.jsonl", ("question",), "answers"),
    Source("webquestions/trainmodel.jsonl", ("question",), "answers"),
    Source("webquestions/val.jsonl", ("question",), "answers"),
)


def collect(folder: Path, seed: int = 0) -> list[tuple[str, str]]:
    """(question, answer) pairs, the questions distinct but for case and white space, in an order that the seed decides.
    Sets that are not there are left out; where none is, the sentences of all texts (.txt, .md) are taken, each followed
    by the next. Raises BadInput when there is nothing."""
    seen: set[str] = set()
    found: list[tuple[str, str]] = []
    known = [list(_pairs(folder, source)) for source in SOURCES if (folder / source.file).is_file()]
    for pairs in known or [list(_sentences(file)) for file in _files(folder)]:
        for place, (text, answer) in enumerate(pairs):
            key = _normal(text)
            if key and key not in seen and len(text) <= LONGEST:
                seen.add(key)
                found.append((text, (answer or pairs[(place + 1) % len(pairs)][0])[:LONGEST]))
    if not found:
        allowed = "a folder with texts (.txt, .md), or with data sets such as squad2"
        raise BadInput("data", str(folder), allowed, "Give a folder with some thousand sentences.")
    random.Random(seed).shuffle(found)
    return found


def _pairs(folder: Path, source: Source) -> Iterator[tuple[str, str]]:
    with (folder / source.file).open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            answer = _told(row.get(source.answer)) if source.answer else ""
            for field in source.texts:
                for text in _texts(row.get(field)):
                    for start, end in sentences(text) if source.split else [(0, len(text))]:
                        yield text[start:end].strip(), answer


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.suffix in {".txt", ".md"} and file.is_file())


def _sentences(file: Path) -> Iterator[tuple[str, str]]:
    text = file.read_text("utf-8", errors="replace")
    for start, end in sentences(text):
        yield " ".join(text[start:end].split()), ""


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str) and each.strip()]


def _told(value: Any) -> str:
    texts = _texts(value)
    return texts[0].strip() if texts else ""


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
