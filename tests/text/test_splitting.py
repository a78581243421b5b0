"""Passages follow a text's structure and are its own words at their place."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from alen.text.splitting import LONGEST, split

MANUAL = """# Manual

Welcome to the kiln.

## Cleaning

Brush it *weekly*. Never use water.

```sh
# not a heading
brush --soft
```

### The door

Oil the hinge.

Warranty
--------

Two years. A list:

- on parts
- on labour
"""


def test_headings_are_titles_and_not_text() -> None:
    drafts = split(MANUAL, markdown=True)
    assert [draft.title for draft in drafts] == [
        "Manual",
        "Manual > Cleaning",
        "Manual > Cleaning > The door",
        "Manual > Warranty",
    ]
    assert drafts[0].text == "Welcome to the kiln."
    assert "# not a heading" in drafts[1].text
    assert drafts[3].text.startswith("Two years.")
    assert drafts[3].text.endswith("- on labour")


def test_a_rule_after_a_paragraph_of_two_lines_is_no_heading() -> None:
    drafts = split("One line\nand another\nand a third\n---\nThe end.\n", markdown=True)
    assert [draft.title for draft in drafts] == [None]


def test_metadata_at_the_top_is_left_out() -> None:
    drafts = split("---\ntitle: Kiln\n---\n\n# Kiln\n\nIt is hot.\n", markdown=True)
    assert [(draft.title, draft.text) for draft in drafts] == [("Kiln", "It is hot.")]


def test_nothing_but_headings_is_still_text() -> None:
    assert [draft.text for draft in split("# Kiln\n## Door", markdown=True)] == ["# Kiln\n## Door"]


def test_short_paragraphs_share_a_passage_and_long_ones_are_cut_between_sentences() -> None:
    short = "A short paragraph about kilns.\n\n" * 3
    assert len(split(short)) == 1
    sentence = "The kiln was fired again on the following day, as the rule asks. "
    drafts = split(sentence * 40)
    assert len(drafts) == 3
    assert all(draft.text.endswith("rule asks.") for draft in drafts)


def test_pages_end_with_form_feeds() -> None:
    drafts = split("First page.\n\fSecond page.\n\fThird page.")
    assert [(draft.page, draft.text) for draft in drafts] == [
        (1, "First page."),
        (2, "Second page."),
        (3, "Third page."),
    ]
    assert split("No pages.")[0].page is None


@given(st.text(alphabet="ab .!?\n#-`|=\t\fÄ1", max_size=4000), st.booleans())
def test_every_passage_is_its_place_in_the_text(text: str, markdown: bool) -> None:
    drafts = split(text, markdown)
    for draft in drafts:
        assert text[draft.start : draft.end] == draft.text
        assert 0 < len(draft.text) <= LONGEST
        assert draft.text.strip()
        for start, end in draft.sentences:
            assert draft.text[start:end].strip() == draft.text[start:end] != ""
    for one, next_one in itertools.pairwise(drafts):
        assert one.end <= next_one.start
    if not markdown:
        missed = "".join(text[a:b] for a, b in _gaps(drafts, len(text)))
        assert not missed.strip(), "white space alone may lie between passages"


def _gaps(drafts: list, length: int) -> list[tuple[int, int]]:
    edges = [0, *(edge for draft in drafts for edge in (draft.start, draft.end)), length]
    return list(zip(edges[::2], edges[1::2], strict=True))


def test_a_word_longer_than_a_passage_is_cut_somewhere() -> None:
    assert [len(draft.text) for draft in split("x" * 3000)] == [1200, 1200, 600]
