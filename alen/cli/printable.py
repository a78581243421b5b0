"""Text from files and models made safe to print: it can neither steer the terminal nor reorder what is beside it."""

from __future__ import annotations

import unicodedata

_BIDIRECTIONAL = {"\u200e", "\u200f", "\u061c", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}
"""Marks that can show text in another order than it is read (Unicode TR 36, "Trojan Source")."""


def printable(text: str, *, keep_lines: bool = True) -> str:
    """Replace control characters by visible ones; tabs become spaces. One input character gives one output character,
    so offsets into ``text`` stay valid. With ``keep_lines=False`` line breaks become spaces."""
    return "".join(_shown(character, keep_lines) for character in text)


def _shown(character: str, keep_lines: bool) -> str:
    if character == "\n":
        return "\n" if keep_lines else " "
    if character in "\t\r\v\f\x85\u2028\u2029":
        return " "
    if character < " ":
        return chr(0x2400 + ord(character))
    if character == "\x7f":
        return "\u2421"
    if character in _BIDIRECTIONAL or unicodedata.category(character) in {"Cc", "Cs"}:
        return "\ufffd"
    return character
