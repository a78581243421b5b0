"""Unit conversion: exact factors, and nothing that is not a conversion."""

from __future__ import annotations

import pytest

from alen.core.arithmetic import written
from alen.core.units import UNITS, convert


@pytest.mark.parametrize(
    ("question", "value", "unit"),
    [
        ("How many minutes are in 3 hours?", "180", "minutes"),
        ("How many inches are there in a foot?", "12", "inches"),
        ("Convert 5 km to miles", "3.106855961", "miles"),
        ("What is 100 degrees Celsius in Fahrenheit?", "212", "Fahrenheit"),
        ("What is -40 Fahrenheit in Celsius?", "-40", "Celsius"),
        ("convert 2.5 kg to grams", "2500", "grams"),
        ("1,240 °C in kelvin", "1513.15", "kelvin"),
    ],
)
def test_conversion(question, value, unit):
    found, name, _ = convert(question)
    assert (written(found, 10), name) == (value, unit)


@pytest.mark.parametrize("question", ["Convert 5 m to grams", "How many people are in 3 hours?", "What is 5 km?", ""])
def test_not_a_conversion(question):
    assert convert(question) is None


def test_every_unit_goes_there_and_back():
    for name, (_, factor, offset) in UNITS.items():
        assert ((7 * factor + offset) - offset) / factor == 7, name
