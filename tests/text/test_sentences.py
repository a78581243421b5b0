"""Sentences end where a reader would say they do."""

from __future__ import annotations

import pytest

from alen.text.sentences import sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "The kiln stands in the yard. It fires at 1,240 degrees! Is it hot?",
            ["The kiln stands in the yard.", "It fires at 1,240 degrees!", "Is it hot?"],
        ),
        ("It was built by Dr. Halden and J. R. Moss in 1912.", ["It was built by Dr. Halden and J. R. Moss in 1912."]),
        ("The price is 3.50 crowns. That is all.", ["The price is 3.50 crowns.", "That is all."]),
        (
            'He said: "Light the kiln now." Nobody moved at all.',
            ['He said: "Light the kiln now."', "Nobody moved at all."],
        ),
        ("Tools needed:\n- a brush of hair\n- an oil can", ["Tools needed:", "- a brush of hair", "- an oil can"]),
        ("First paragraph here\n\nSecond paragraph here", ["First paragraph here", "Second paragraph here"]),
        ("It runs on v. 3.2 of the firmware", ["It runs on v. 3.2 of the firmware"]),
        ("   ", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == expected
