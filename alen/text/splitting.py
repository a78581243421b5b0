"""Texts cut into passages that follow their structure and can be cited by their exact place."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from alen.text.sentences import sentences
from alen.types import PassageDraft

LONGEST = 1200
"""Characters of a passage: some 300 tokens, so that three fit a reader's window beside the question."""


def split(text: str, markdown: bool = False) -> list[PassageDraft]:
    """Cut a text into passages of whole paragraphs, at most LONGEST characters each. Paragraphs of one section stay
    together as far as they fit; a longer paragraph is cut between sentences, a longer sentence between words. In
    Markdown a section's headings become the passage's title ("Manual > Cleaning"). ``text[start:end]`` is the
    passage word for word. Form feeds end pages, which are then numbered from 1."""
    feeds = [match.start() for match in re.finditer("\f", text)]
    drafts = [
        _draft(text, start, end, title, bisect_left(feeds, start) + 1 if feeds else None)
        for title, blocks in (_markdown_sections(text) if markdown else _plain_sections(text))
        for start, end in _packed(blocks)
    ]
    if not drafts and markdown:  # nothing but headings
        return split(text)
    return drafts


def _draft(text: str, start: int, end: int, title: str | None, page: int | None) -> PassageDraft:
    own = text[start:end]
    return PassageDraft(own, start, end, title, page, None, sentences(own))


_Block = tuple[int, int]
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_NOT_UNDERLINED = re.compile(r"^ {0,3}[|>*+-]")
_FRONT_MATTER = re.compile(r"---[ \t]*\n(?:.*\n)*?(?:---|\.\.\.)[ \t]*(?:\n|$)")


def _plain_sections(text: str) -> Iterator[tuple[str | None, list[_Block]]]:
    for start, end in _pages(text):
        yield None, [piece for block in _paragraphs(text, start, end) for piece in _cut(text, *block)]


def _markdown_sections(text: str) -> Iterator[tuple[str | None, list[_Block]]]:
    """Each section's title and blocks. A section ends where the next heading begins."""
    headings: list[tuple[int, str]] = []
    begin = 0
    for start, end, level, name in [*_headings(text), (len(text), len(text), 0, "")]:
        title = " > ".join(name for _, name in headings if name) or None
        for left, right in _pages(text, begin, start):
            yield title, [piece for block in _paragraphs(text, left, right) for piece in _cut(text, *block)]
        headings = [*((depth, kept) for depth, kept in headings if depth < level), (level, name)]
        begin = end


def _headings(text: str) -> Iterator[tuple[int, int, int, str]]:
    """(start, end, level, name) of each heading outside of code; metadata at the top counts as one without a name."""
    front = _FRONT_MATTER.match(text)
    if front:
        yield 0, front.end(), 1, ""
    fence = ""
    above: list[tuple[int, str]] = []  # the lines of the paragraph so far; a single one may turn out to be underlined
    for start, line in _lines(text, front.end() if front else 0):
        mark = _FENCE.match(line)
        if mark and fence in ("", mark.group(1)[:3]):
            fence = "" if fence else mark.group(1)[:3]
        elif not fence and (heading := _HEADING.match(line)):
            yield start, start + len(line), len(heading.group(1)), heading.group(2)
        elif not fence and len(above) == 1 and (underline := _UNDERLINE.match(line)):
            yield above[0][0], start + len(line), 1 if "=" in underline.group(1) else 2, above[0][1].strip()
        elif not fence and line.strip() and not _NOT_UNDERLINED.match(line):
            above.append((start, line))
            continue
        above = []


def _lines(text: str, start: int = 0) -> Iterator[tuple[int, str]]:
    for line in text[start:].split("\n"):
        yield start, line
        start += len(line) + 1


def _pages(text: str, start: int = 0, end: int | None = None) -> Iterator[_Block]:
    stop = len(text) if end is None else end
    while start < stop:
        feed = text.find("\f", start, stop)
        yield start, stop if feed < 0 else feed
        start = stop if feed < 0 else feed + 1


_GAP = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


def _paragraphs(text: str, start: int, end: int) -> Iterator[_Block]:
    for match in _GAP.finditer(text, start, end):
        yield start, match.start()
        start = match.end()
    yield start, end


def _cut(text: str, start: int, end: int) -> Iterator[_Block]:
    """A block without the white space around it, in pieces that are short enough."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end - start <= LONGEST:
        if start < end:
            yield start, end
        return
    pieces = [
        piece for left, right in sentences(text[start:end]) for piece in _words(text, start + left, start + right)
    ]
    yield from _packed(pieces)


def _words(text: str, start: int, end: int) -> Iterator[_Block]:
    while end - start > LONGEST:
        blank = max(text.rfind(mark, start + LONGEST // 2, start + LONGEST) for mark in (" ", "\n", "\t"))
        cut = blank if blank > 0 else start + LONGEST
        yield start, cut
        start = cut + 1 if blank > 0 else cut
    yield start, end


def _packed(blocks: list[_Block]) -> Iterator[_Block]:
    """Neighbours joined as long as they stay short enough."""
    begin: int | None = None
    stop = 0
    for start, end in blocks:
        if begin is not None and end - begin > LONGEST:
            yield begin, stop
            begin = None
        begin = start if begin is None else begin
        stop = end
    if begin is not None:
        yield begin, stop
