"""Exact unit conversion from plain questions. Factors are exact by definition (SI; yard and pound of 1959)."""

from __future__ import annotations

import re
from fractions import Fraction

_F = Fraction


def _table() -> dict[str, tuple[str, Fraction, Fraction]]:
    """name -> (quantity, factor, offset): base = value * factor + offset."""
    rows: list[tuple[str, str, Fraction]] = [
        ("length", "m metre metres meter meters", _F(1)),
        ("length", "mm millimetre millimetres millimeter millimeters", _F(1, 1000)),
        ("length", "cm centimetre centimetres centimeter centimeters", _F(1, 100)),
        ("length", "km kilometre kilometres kilometer kilometers", _F(1000)),
        ("length", "inch inches", _F("0.0254")),
        ("length", "ft foot feet", _F("0.3048")),
        ("length", "yd yard yards", _F("0.9144")),
        ("length", "mi mile miles", _F("1609.344")),
        ("mass", "g gram grams", _F(1)),
        ("mass", "mg milligram milligrams", _F(1, 1000)),
        ("mass", "kg kilogram kilograms kilo kilos", _F(1000)),
        ("mass", "tonne tonnes", _F(1_000_000)),
        ("mass", "lb lbs pound pounds", _F("453.59237")),
        ("mass", "oz ounce ounces", _F("28.349523125")),
        ("time", "s second seconds sec secs", _F(1)),
        ("time", "ms millisecond milliseconds", _F(1, 1000)),
        ("time", "min minute minutes mins", _F(60)),
        ("time", "h hour hours hr hrs", _F(3600)),
        ("time", "day days", _F(86_400)),
        ("time", "week weeks", _F(604_800)),
        ("volume", "l litre litres liter liters", _F(1)),
        ("volume", "ml millilitre millilitres milliliter milliliters", _F(1, 1000)),
        ("volume", "gallon gallons", _F("3.785411784")),
    ]
    table = {name: (quantity, factor, _F(0)) for quantity, names, factor in rows for name in names.split()}
    for names, factor, offset in (
        ("c celsius", _F(1), _F("273.15")),
        ("f fahrenheit", _F(5, 9), _F("273.15") - _F(160, 9)),
        ("k kelvin kelvins", _F(1), _F(0)),
    ):
        for name in names.split():
            table[name] = ("temperature", factor, offset)
    return table


UNITS = _table()
_UNIT = r"(?:degrees?\s+|°\s*)?([a-z]+)"
_VALUE = r"(-?\d+(?:,\d{3})*(?:\.\d+)?)"
_END = r"\s*[?.!]*\s*$"
_FORMS = tuple(
    (re.compile(pattern + _END, re.I), order)
    for pattern, order in (
        (
            r"^\s*(?:please\s+)?(?:convert|what(?:'s| is)|how much is)?\s*"
            rf"{_VALUE}\s*{_UNIT}\s+(?:in|to|into|as)\s+{_UNIT}",
            "vft",
        ),
        (
            rf"^\s*how many\s+{_UNIT}\s+(?:are|is|make|do)?\s*(?:there\s+)?(?:in|are)?\s*"
            rf"{_VALUE}\s*{_UNIT}\s*(?:make|have)?",
            "tvf",
        ),
        (rf"^\s*how many\s+{_UNIT}\s+(?:are|is)\s+(?:there\s+)?in\s+(an?|one)\s+{_UNIT}", "tvf"),
    )
)


def convert(question: str) -> tuple[Fraction, str, str] | None:
    """(value, unit, derivation) for "5 km in miles" or "how many minutes are in 3 hours"; None if it is not that.

    Units of different quantities (metres to grams) are not a conversion and give None."""
    for pattern, order in _FORMS:
        match = pattern.match(question)
        if not match:
            continue
        groups = dict(zip(order, match.groups(), strict=True))
        source, target = UNITS.get(groups["f"].lower()), UNITS.get(groups["t"].lower())
        if source is None or target is None or source[0] != target[0]:
            return None
        text = groups["v"].replace(",", "")
        value = Fraction(1) if text.lower() in {"a", "an", "one"} else Fraction(text)
        result = (value * source[1] + source[2] - target[2]) / target[1]
        return result, groups["t"], f"{groups['v']} {groups['f']} = ? {groups['t']}"
    return None
