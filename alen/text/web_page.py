"""A web page as Markdown: what a reader sees of it, block by block, with its headings."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any

_SILENT = frozenset({"script", "style", "noscript", "template", "nav", "head", "svg", "iframe", "select", "button"})
_BLOCKS = frozenset(
    """address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure
    footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu ol p pre section summary table tbody td
    tfoot th thead tr ul""".split()
)
_HEADING = re.compile(r"h[1-6]")


def page_text(bs4: Any, raw: bytes) -> str:
    """The text of an HTML page. ``bs4`` is the library. A page without headings has its title for one; the cells of a
    table's row stand on one line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # XHTML is read as HTML on purpose
        page = bs4.BeautifulSoup(raw, "html.parser")
    parts = list(_parts(bs4, page))
    title = " ".join(page.title.get_text().split()) if page.title else ""
    if title and page.find(_HEADING) is None:
        parts.insert(0, f"# {title}")
    return "\n\n".join(parts)


def _parts(bs4: Any, page: Any) -> Iterator[str]:
    run: list[str] = []  # the text of the block so far
    cells: list[str] = []  # of the row so far
    waiting: list[Any] = [page]  # what is still to be gone through; the name of a block where it ends

    def block() -> str:
        text = " ".join("".join(run).split())
        run.clear()
        return text

    while waiting:
        node = waiting.pop()
        if type(node) is str:
            if node in ("td", "th"):
                cells.append(block())
            elif node == "tr":
                if any(cells):
                    yield " | ".join(cells)
                cells.clear()
            elif node == "pre":
                yield from _verbatim("".join(run))
                run.clear()
            elif text := block():
                yield f"{'#' * int(node[1])} {text}" if _HEADING.fullmatch(node) else text
        elif isinstance(node, str):
            if type(node) is bs4.NavigableString:  # and not, for example, a comment
                run.append(node)
        elif node.name == "br":
            run.append("\n")
        elif node.name not in _SILENT:
            if node.name in _BLOCKS:
                if text := block():
                    yield text
                waiting.append(node.name)
            waiting += reversed(node.contents)
    if text := block():
        yield text


def _verbatim(text: str) -> Iterator[str]:
    """Fenced, so that a line of code that begins with # is no heading."""
    fence = "~~~" if "```" in text else "```"
    if text.strip():
        yield f"{fence}\n{text.strip(chr(10))}\n{fence}"
