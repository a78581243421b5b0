"""BM25 by the package rank-bm25, with its defaults: texts and questions in on standard input, rankings out, as JSON."""

from __future__ import annotations

import json
import re
import sys

import numpy as np
from rank_bm25 import BM25Okapi

WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def ranking(index: BM25Okapi, question: str, count: int) -> list[int]:
    """Places of the best texts, best first; of equals the earlier first."""
    return np.argsort(-index.get_scores(words(question)), kind="stable")[:count].tolist()


def main() -> None:
    given = json.load(sys.stdin)
    found = {}
    for name, group in given["groups"].items():
        index = BM25Okapi([words(text) for text in group["texts"]])
        found[name] = [ranking(index, question, given["count"]) for question in group["questions"]]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
