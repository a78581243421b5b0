"""Conservative: only what a reader finds in a recalled passage."""

from __future__ import annotations

from alen.core import checks as look
from alen.core.first_person import speak_safely
from alen.core.situation import Proposal, Situation, as_evidence
from alen.types import Effort, PassageHit, Reader

PASSAGES_READ: dict[Effort, int] = {"fast": 1, "balanced": 2, "thorough": 3}
"""How many recalled passages the language model reads at most; with fast effort when nothing else would be answered."""

CLEAR_LEAD = 0.1
"""With balanced effort a passage that leads the next by this much is read alone. On the calibration articles that is
the case for seven questions in ten, and reading a second passage for the others gains as much as for all."""


AROUND = 150
"""Characters on each side of the sentence that fits best, with fast effort: reading takes as long as what is read, and
on 520 questions of the calibration articles 150 were as often right as 200, in four fifths of the time."""


def read_passages(situation: Situation, reader: Reader | None) -> list[Proposal]:
    """The span that the reader points at in each of the best passages.

    A reader that writes may give words that do not stand there. They are a model's own, and must not claim a mind of
    its own any more than what operators write."""
    hits = situation.recollection.passages[: PASSAGES_READ[situation.effort]]
    if situation.effort == "balanced" and len(hits) > 1 and hits[0].score - hits[1].score >= CLEAR_LEAD:
        hits = hits[:1]
    if reader is None or not hits:
        return []
    parts = [_part(hit) if situation.effort == "fast" else (0, hit.passage.text) for hit in hits]
    readings = reader.read(situation.thought.text, [text for _, text in parts], cancel=situation.cancel)
    proposals = []
    for index, reading in enumerate(readings):
        if not reading.text:
            continue
        begin, _ = parts[index]
        span = (begin + reading.start, begin + reading.end)
        quoted = hits[index].passage.text[slice(*span)] == reading.text
        text = reading.text if quoted else speak_safely(reading.text, strict=True).text
        checks = look.of_reading(reading) + look.of_passage(
            situation.thought, situation.recollection.passages, index, span, text
        )
        proposals.append(
            Proposal(
                text,
                "conservative",
                reader.family,
                tuple(checks),
                (as_evidence(hits[index]),),
                reading.tokens + reading.prompt_tokens,
                {"span": span, "passage": hits[index].passage.id},
            )
        )
    return proposals


def _part(hit: PassageHit) -> tuple[int, str]:
    """Where the part begins that is read in a hurry, and the part: whole words around the sentence that fits best."""
    text = hit.passage.text
    if hit.sentence is None:
        return 0, text
    start, end = max(0, hit.sentence[0] - AROUND), min(len(text), hit.sentence[1] + AROUND)
    while 0 < start < hit.sentence[0] and not text[start - 1].isspace():
        start += 1
    while hit.sentence[1] < end < len(text) and not text[end].isspace():
        end -= 1
    return start, text[start:end]
