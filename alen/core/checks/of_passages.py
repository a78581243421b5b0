"""Checks of an answer that stands in a passage."""

from __future__ import annotations

from collections.abc import Sequence

from alen.core.checks.looking import NEGATION, check, content_words, coverage, holds, type_fits
from alen.thought import ThoughtState
from alen.types import Check, PassageHit, Reading


def of_passage(
    thought: ThoughtState, hits: Sequence[PassageHit], index: int, span: tuple[int, int], answer: str | None = None
) -> list[Check]:
    """How well passage ``index`` fits the question, and the answer at its characters ``span`` fits both. An answer that
    stands nowhere in the passage is given as a text, with an empty span."""
    hit, text = hits[index], hits[index].passage.text
    stands = span[0] < span[1]
    answer = text[slice(*span)] if stands or answer is None else answer
    sentence = text[slice(*hit.sentence)] if hit.sentence else None
    second = max((other.score for place, other in enumerate(hits) if place != index), default=None)
    fits = type_fits(thought.answer_type, answer)
    said = set(content_words(answer))
    asked = set(content_words(thought.text))
    return [
        check("retrieval", hit.score, 0.5),
        check("retrieval_lead", None if second is None else hit.score - second),
        check("rankings_agree", _rankings_agree(hit), 0.6),
        check("lexical_match", hit.explain.get("bm25"), 5.0),
        check("sentence_similarity", hit.explain.get("sentence"), 0.5),
        check("passage_similarity", hit.explain.get("dense"), 0.4),
        check("words_in_sentence", hit.explain.get("words"), 0.5),
        check("words_in_passage", coverage(thought.text, text), 0.6),
        check("words_by_answer", coverage(thought.text, _around(text, *span)) if stands else None, 0.5),
        check("names_in_passage", holds(thought.entities, text), 1.0),
        check("numbers_in_passage", holds(thought.numbers, text), 1.0),
        check("answer_in_best_sentence", float(answer in sentence) if sentence and stands else None, 1.0),
        check("type", None if fits is None else float(fits), 1.0),
        check("adds_to_question", 1.0 - len(said & asked) / len(said) if said else None, 0.5),
        check("plain_question", 0.0 if NEGATION.search(thought.text) else 1.0, 1.0),
        check("brevity", -float(len(answer.split())), -8.0),
    ]


def _around(text: str, start: int, end: int) -> str:
    """What the sentence of the span says besides the span."""
    first, last = text.rfind(". ", 0, start) + 1, text.find(". ", end)
    return text[first:start] + " " + text[end : last if last >= 0 else len(text)]


def _rankings_agree(hit: PassageHit) -> float | None:
    """Share of the ranked signals (words, passage, sentence) that put this passage first; None without ranks."""
    places = [value for name, value in hit.explain.items() if name.endswith("_rank")]
    return sum(place == 1.0 for place in places) / 3.0 if places else None


def of_reading(reading: Reading) -> list[Check]:
    """What the reader itself thinks (the same model that proposed, so not independent of it)."""
    length = max(reading.tokens, 1)
    return [
        check("answerable", reading.answerable),
        check("likelihood", None if reading.logprob is None else reading.logprob / length, -0.7),
        check("weakest_token", reading.min_logprob, -1.5),
        check("first_token_lead", reading.margin, 1.0),
        check("verbatim", float(reading.start < reading.end), 1.0),
    ]
