"""Codes that people copy by hand: Crockford's base 32, without the letters I, L, O and U, in groups of four."""

from __future__ import annotations

import unicodedata

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011")
_GROUP = 4
_IGNORED = {"Pd", "Zs", "Cc", "Cf"}


def straightened(typed: str) -> str:
    """A code as it was made, from what was typed: any width and case, dashes and spaces left out, letters misread as digits."""
    straight = unicodedata.normalize("NFKC", typed).upper().translate(_MISREAD)
    return "".join(c for c in straight if unicodedata.category(c) not in _IGNORED)


def grouped(code: str) -> str:
    """A code as it is printed."""
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def letters(number: int, places: int) -> str:
    """The lowest digits of a number in base 32."""
    return "".join(ALPHABET[number >> 5 * place & 31] for place in range(places))
