"""What memory recalls for a question, for the model to quote from: it is drafted where the model would say the same."""

from __future__ import annotations

from collections.abc import Sequence

from alen.engine import Engine
from alen.remembered import PassageHit
from alen.text.tokenizer import Tokenizer


def recalled(engine: Engine, question: str, count: int, tokenizer: Tokenizer) -> dict[str, Sequence[int]]:
    """Tokens of the ``count`` nearest passages and answers, by ``passage:ID`` or ``episode:ID``; none where nothing was
    taught."""
    memory = engine.memory
    if not question.strip() or not memory.has_namespace(memory.namespace):
        return {}
    found = {}
    for hit in memory.search(question, count):
        if isinstance(hit, PassageHit):
            found[f"passage:{hit.passage.id}"] = hit.passage.text
        elif hit.episode.answer:
            found[f"episode:{hit.episode.id}"] = hit.episode.answer
    return {source: tokenizer.encode(text) for source, text in found.items()}
