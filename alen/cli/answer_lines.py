"""An answer as lines of styled text: what it says, how sure it is, what it rests on. No library is needed for it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from alen.cli.printable import printable
from alen.types import Answer, Candidate, Check, Evidence

BAR_CELLS = 24
QUOTE_CHARACTERS = 320
EVIDENCE_SHOWN = 4
OTHERS_SHOWN = 3
CANDIDATES_SHOWN = 3
WORTH_SHOWING = 0.05
"""A guess less likely than this tells a reader nothing; --json has it all the same."""

_MARKS = {"pass": ("✓", "green"), "fail": ("✗", "red"), "not_applicable": ("·", "bright_black")}
_SENTENCE_END = re.compile(r"[.!?][\"'”’)\]]*\s+|\n\s*\n")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: pieces of (text, style), already safe to print. ``indent`` also holds for its wrapped rest."""

    pieces: tuple[tuple[str, str], ...]
    indent: int = 0

    @property
    def plain(self) -> str:
        return " " * self.indent + "".join(text for text, _ in self.pieces)


def answer_lines(answer: Answer, *, bars: bool = True) -> list[Line]:
    """The whole answer: verdict, confidence, evidence, checks, cost."""
    return [
        *verdict_lines(answer, bars=bars),
        *evidence_lines(answer),
        *check_lines(answer.checks),
        Line((("", ""),)),
        Line(((cost(answer), "dim"),)),
    ]


def verdict_lines(answer: Answer, *, bars: bool = True) -> list[Line]:
    """The answer, or that there is none and why; the confidence; the candidates it did not stand by."""
    lines: list[Line] = []
    if answer.decision == "answer" and answer.text is not None:
        lines.append(Line(((printable(answer.text), "bold"),)))
        lines.append(confidence_line(answer.confidence, answer.interval, "green", bars=bars))
        return lines
    headline = "I don't know." if answer.decision == "abstain" else "I am not sure."
    reason = printable(answer.reason, keep_lines=False)
    lines.append(Line(((headline, "bold"), (f" {_sentence(reason)}" if reason else "", ""))))
    if answer.decision == "abstain":
        guesses = tuple(guess for guess in answer.candidates[:1] if guess.confidence >= WORTH_SHOWING)
        label = "the best guess, not good enough to stand by"
    else:
        guesses = answer.candidates[:CANDIDATES_SHOWN]
        label = "it may be one of these"
    if guesses:
        lines.append(Line(((f"{label}:", "dim"),)))
    for guess in guesses:
        lines.append(Line(((printable(guess.text, keep_lines=False), "yellow"),), indent=2))
        lines.append(_indented(confidence_line(guess.confidence, _interval(answer, guess), "yellow", bars=bars), 2))
    return lines


def confidence_line(confidence: float, interval: tuple[float, float], colour: str, *, bars: bool = True) -> Line:
    """A bar filled up to the probability, its upper uncertainty hatched, then both in numbers."""
    low, high = interval
    numbers = f"{percent(confidence)} ({_range(low, high)})"
    if not bars:
        return Line(((f"confidence {numbers}", ""),))
    full = round(min(max(confidence, 0.0), 1.0) * BAR_CELLS)
    reach = max(full, round(min(max(high, 0.0), 1.0) * BAR_CELLS))
    return Line(
        (
            ("━" * full, colour),
            ("╍" * (reach - full), colour),
            ("─" * (BAR_CELLS - reach), "bright_black"),
            (f"  {percent(confidence)}", f"bold {colour}"),
            (f"  {_range(low, high)}", "dim"),
        )
    )


def evidence_lines(answer: Answer) -> list[Line]:
    """What the answer rests on, each with its citation and the sentence that counts; then what else was looked at."""
    best = answer.candidates[0] if answer.candidates else None
    span = answer.text or (best.text if best else "")
    used = {(evidence.kind, evidence.id) for evidence in best.evidence} if best else set()
    leading = [evidence for evidence in answer.evidence if (evidence.kind, evidence.id) in used] or answer.evidence[:1]
    others = [evidence for evidence in answer.evidence if evidence not in leading]
    lines: list[Line] = []
    for evidence in leading[:EVIDENCE_SHOWN]:
        lines.append(Line((("", ""),)))
        lines.append(Line(((citation(evidence), "cyan"),)))
        whole = evidence.kind != "passage"  # a taught answer or a calculation makes no sense in part
        lines.append(Line(quote(evidence.text, span, whole=whole), indent=2))
    if others:
        lines.append(Line((("also looked at:", "dim"),)))
        lines += [Line(((citation(evidence), "dim"),), indent=2) for evidence in others[:OTHERS_SHOWN]]
    hidden = max(0, len(leading) - EVIDENCE_SHOWN) + max(0, len(others) - OTHERS_SHOWN)
    if hidden:
        lines.append(Line(((f"and {hidden} more (--json shows all)", "dim"),)))
    return lines


def check_lines(checks: tuple[Check, ...]) -> list[Line]:
    """All checks on one line: what passed, what failed, what had nothing to look at."""
    if not checks:
        return []
    pieces: list[tuple[str, str]] = []
    for check in sorted(checks, key=lambda check: list(_MARKS).index(check.status)):
        mark, colour = _MARKS[check.status]
        name = printable(check.name, keep_lines=False).replace("_", " ")
        applies = check.status != "not_applicable"
        value = f" {check.value:.2f}" if check.value is not None and applies else ""
        pieces += [(f"{mark} ", colour), (f"{name}{value}".replace(" ", "\u00a0"), "" if applies else "bright_black")]
        pieces.append(("   ", ""))
    return [Line((("", ""),)), Line(tuple(pieces[:-1]))]


def citation(evidence: Evidence) -> str:
    """Where it stands: source, page and characters; for a taught answer or a calculation, what it is."""
    source = printable(near(evidence.source), keep_lines=False)
    if evidence.kind == "episode":
        return f"taught answer · {source} · {evidence.id[:12]}"
    if evidence.kind == "derivation":
        return f"worked out · {source}"
    page = f" · page {evidence.page}" if evidence.page is not None else ""
    return f"{source}{page} · characters {evidence.start:,}–{evidence.end:,}"


def near(source: str) -> str:
    """A path below the current folder as it is typed there; anything else as it is."""
    here = os.path.join(os.getcwd(), "")
    return source.removeprefix(here)


def quote(text: str, span: str, *, whole: bool = False) -> tuple[tuple[str, str], ...]:
    """The sentence of ``text`` that holds ``span``, with the span highlighted; else its beginning."""
    text = printable(text).rstrip()
    wanted = printable(span).strip()
    found = re.search(r"(?<!\w)" + re.escape(wanted) + r"(?!\w)", text, re.IGNORECASE) if wanted else None
    start, end = found.span() if found else (0, 0)
    left = 0 if whole else max((match.end() for match in _SENTENCE_END.finditer(text, 0, start)), default=0)
    following = _SENTENCE_END.search(text, end) if found and not whole else None
    right = following.end() if following else len(text)
    left, right = max(left, start - QUOTE_CHARACTERS // 2), min(right, max(end, left + QUOTE_CHARACTERS))
    before, after = text[left:start].lstrip(), text[end:right].rstrip()
    opening = "… " if left else ""
    closing = " …" if right < len(text.rstrip()) else ""
    pieces = ((opening + before, "dim"), (text[start:end], "bold green"), (after + closing, "dim"))
    return tuple((" ".join(piece.split("\n")), style) for piece, style in pieces)


def cost(answer: Answer) -> str:
    """Time, tokens and the name under which the answer can be given feedback."""
    milliseconds = answer.timings_ms.get("total", sum(answer.timings_ms.values()))
    parts = [f"{milliseconds / 1000:.2f} s" if milliseconds >= 10 else f"{milliseconds:.1f} ms"]
    if answer.tokens:
        parts.append(f"{answer.tokens:,} tokens")
    parts.append(f"episode {answer.episode}" if answer.episode else "not stored")
    return " · ".join(parts)


def percent(probability: float) -> str:
    if probability >= 0.995:
        return ">99 %"
    if probability < 0.005:
        return "<1 %"
    return f"{100 * probability:.0f} %"


def _range(low: float, high: float) -> str:
    return f"{100 * low:.0f} to {100 * high:.0f} %"


def _interval(answer: Answer, guess: Candidate) -> tuple[float, float]:
    return answer.interval if answer.candidates[0] is guess else guess.interval


def _indented(line: Line, indent: int) -> Line:
    return Line(line.pieces, indent)


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
