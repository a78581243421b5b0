"""What memory holds, as JSON and as lines of styled text."""

from __future__ import annotations

from typing import Any

from alen.cli.answer_lines import Line, near
from alen.cli.printable import printable
from alen.types import EpisodeHit, PassageHit

SHOWN_CHARACTERS = 280
SIGNALS = {"bm25": "words", "dense": "meaning"}
"""What the parts of an explanation are called on the screen."""


def hit_json(hit: PassageHit | EpisodeHit) -> dict[str, Any]:
    """A hit of ``alen memory search``: what it is, how well it fits, and why."""
    if isinstance(hit, PassageHit):
        passage = hit.passage
        return {
            "kind": "passage",
            "id": str(passage.id),
            "score": hit.score,
            "text": passage.text,
            "source": passage.source,
            "title": passage.title,
            "page": passage.page,
            "start": passage.start,
            "end": passage.end,
            "explain": hit.explain,
        }
    episode = hit.episode
    return {
        "kind": "episode",
        "id": episode.id,
        "score": hit.score,
        "question": episode.question,
        "answer": episode.answer,
        "source": episode.source,
        "tier": episode.tier,
        "status": episode.status,
        "explain": hit.explain,
    }


def recalled_json(hit: EpisodeHit) -> dict[str, Any]:
    """A hit of ``alen memory recall``: the whole answer, how well it fits, and why."""
    episode = hit.episode
    fields = ("id", "question", "answer", "context", "tier", "source", "confidence", "created_at", "status")
    return {
        **{name: getattr(episode, name) for name in fields},
        "tags": list(episode.tags),
        "score": hit.score,
        "exact": hit.exact,
        "explain": hit.explain,
    }


def explain_line(hit: EpisodeHit) -> Line:
    """How a hit was found: the value of each signal with its rank, the fused score and the confidence."""
    parts = ["the same question"] if hit.exact else []
    for name, value in hit.explain.items():
        if not name.endswith("_rank"):
            rank = hit.explain.get(f"{name}_rank")
            parts.append(f"{SIGNALS.get(name, name)} {value:.2f}" + (f" (rank {rank:.0f})" if rank else ""))
    return Line(((" · ".join(parts), "dim"),), indent=6)


def hit_lines(hit: PassageHit | EpisodeHit) -> list[Line]:
    """A headline with score and place, then the text, its best sentence highlighted."""
    score = (f"{hit.score:.2f}  ", "bold")
    if isinstance(hit, EpisodeHit):
        episode = hit.episode
        return [
            Line((score, (f"taught answer · {episode.tier} · {episode.id}", "cyan"))),
            Line(((printable(episode.question, keep_lines=False), "dim"),), indent=6),
            Line(((printable(episode.answer or "", keep_lines=False), "bold"),), indent=6),
        ]
    passage = hit.passage
    page = f" · page {passage.page}" if passage.page is not None else ""
    place = f"{printable(near(passage.source), keep_lines=False)}{page} · characters {passage.start:,}–{passage.end:,}"
    text = printable(passage.text, keep_lines=False)
    start, end = hit.sentence or (0, 0)
    left = max(0, min(start - 60, len(text) - SHOWN_CHARACTERS))
    right = max(end, min(len(text), left + SHOWN_CHARACTERS))
    pieces = (
        (("… " if left else "") + text[left:start], "dim"),
        (text[start:end], ""),
        (text[end:right] + (" …" if right < len(text) else ""), "dim"),
    )
    return [Line((score, (place, "cyan"))), Line(pieces, indent=6)]


def show_lines(found: dict[str, Any]) -> list[Line]:
    """Every field on a line of its own; empty ones are left out."""
    width = max(len(name) for name in found)
    return [
        Line(((f"{name.replace('_', ' '):<{width}}  ", "dim"), (printable(written(value)), "")))
        for name, value in found.items()
        if value not in (None, "", [], {}, ())
    ]


def written(value: Any) -> str:
    """A value as people write it: numbers with separators, lists with commas, nested things by name."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {written(item)}" for name, item in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(written(item) for item in value) or "none"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
