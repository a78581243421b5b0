"""Looks at a candidate, each oriented "higher = more likely right". No check sees a right answer; what cannot be
looked at is not applicable, never a pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from alen.core.equivalence import normalise, overlap
from alen.thought import ThoughtState, entities, numbers, words
from alen.types import Check, EpisodeHit, PassageHit, Reading

_STOP = frozenset(
    "a an the of in on at to for from by with as is are was were be been being do does did has have had having and or "
    "but if than then that this these those it its they their there he she his her we our you your i my me who whom "
    "whose which what when where why how can could will would shall should may might must about into over under not "
    "no s t name kind type many much".split()
)
_NEGATION = re.compile(
    r"\b(not|never|no|without|neither|nor|isn't|wasn't|didn't|doesn't|aren't|weren't|cannot)\b", re.I
)
_YEAR_OR_NUMBER = re.compile(r"\d")
_NUMBER_WORD = re.compile(
    r"\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundred|thousand|million|billion|first|second|"
    r"third|half|century|decade|january|february|march|april|may|june|july|august|september|october|november|december|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|spring|summer|autumn|winter|always|never|annual\w*)\b",
    re.I,
)


def content_words(text: str) -> list[str]:
    """Words that carry the question, cut to their stem-like first six letters so that endings do not matter."""
    return [word[:6] for word in words(text) if word not in _STOP]


def coverage(question: str, text: str) -> float | None:
    """Share of the question's content words that the text holds; None when the question has none."""
    wanted = set(content_words(question))
    return len(wanted & set(content_words(text))) / len(wanted) if wanted else None


def holds(wanted: Iterable[str], text: str) -> float | None:
    """Share of the wanted names or numbers that the text holds; None when nothing is wanted."""
    items = list(wanted)
    lowered = text.lower().replace(",", "")
    return sum(item.lower().replace(",", "") in lowered for item in items) / len(items) if items else None


def type_fits(answer_type: str, answer: str) -> bool | None:
    """Whether an answer has the form its question asks for; None for types without a form."""
    if answer_type == "number":
        return bool(_YEAR_OR_NUMBER.search(answer) or _NUMBER_WORD.search(answer))
    if answer_type in {"human", "location"}:
        return any(word[:1].isupper() for word in answer.split())
    return None


def check(name: str, value: float | None, passes: float = 0.0) -> Check:
    """A check that passes from ``passes`` upwards and does not apply to None."""
    if value is None or not np.isfinite(value):
        return Check(name, "not_applicable", None)
    return Check(name, "pass" if value >= passes else "fail", round(float(value), 5))


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
        check("plain_question", 0.0 if _NEGATION.search(thought.text) else 1.0, 1.0),
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


def of_agreement(answer: str, others: Sequence[str]) -> Check:
    """Best token overlap with what other operators, which read differently, propose."""
    return check("agreement", max(overlap(answer, other) for other in others) if others else None, 0.5)


def of_episode(thought: ThoughtState, hits: Sequence[EpisodeHit], index: int) -> list[Check]:
    """How surely a taught question asks the same as this one."""
    hit = hits[index]
    taught, asked = hit.episode.question, thought.text
    here, there = set(content_words(asked)), set(content_words(taught))
    rival = max(
        (
            other.score
            for place, other in enumerate(hits)
            if place != index and normalise(other.episode.answer or "") != normalise(hit.episode.answer or "")
        ),
        default=None,
    )
    either = [*thought.numbers, *numbers(taught)]
    names = {*thought.entities, *entities(taught)}
    return [
        check("question_similarity", hit.score, 0.8),
        check("similarity_lead", None if rival is None else hit.score - rival, 0.1),
        check("words_shared", len(here & there) / len(here | there) if here | there else None, 0.5),
        check("words_answered", len(here & there) / len(here) if here else None, 0.7),
        check("numbers_agree", float(set(thought.numbers) == set(numbers(taught))) if either else None, 1.0),
        check("names_agree", _shared_names(names, asked, taught), 1.0),
        check("negation_agrees", float(bool(_NEGATION.search(asked)) == bool(_NEGATION.search(taught))), 1.0),
    ]


def _shared_names(names: set[str], asked: str, taught: str) -> float | None:
    if not names:
        return None
    return sum(name.lower() in asked.lower() and name.lower() in taught.lower() for name in names) / len(names)
