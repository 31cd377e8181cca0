"""A laboratory report on paper, read from a photograph: offline, and only where the extra `ocr` is installed."""

from __future__ import annotations

from importlib.util import find_spec

_NEEDED = ("faster_paddle", "PIL")


def is_available() -> bool:
    """Whether what reads photographs is installed (`pip install cunyi[ocr]`); pages offer it only then."""
    return all(find_spec(name) is not None for name in _NEEDED)
