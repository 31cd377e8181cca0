"""Short runs of characters of a text, as numbers: what wordings are compared by where no term of the lexicon fits."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BITS = 18
LONGEST = 3
_DIGIT, _NUMBER = ("0", "9"), np.uint32(ord("#"))
# Which characters of the basic plane are letters or digits: looked up, where asking each is slow.
_LETTERS = np.fromiter((chr(point).isalnum() for point in range(0x10000)), dtype=np.bool_, count=0x10000)
_BEYOND = re.compile("[\U00010000-\U0010ffff]")
_MULTIPLIERS = tuple(map(np.uint64, (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)))
_LENGTHS = np.arange(1, LONGEST + 1)
_SURPLUS = np.uint64(64 - BITS)


class Grams(NamedTuple):
    """Every run of one to three characters of a text: its code (below 2^18), where it begins and its length."""

    codes: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]


def grams_of(text: str) -> Grams:
    """The runs of a normalised text that cross no punctuation and no blank; any number counts as one character.

    A code is the multiplicative hash (Knuth, The Art of Computer Programming 3, 6.4) of the run's characters.
    """
    points = _points(text)
    kept = letters_in(text)
    digit = (points >= ord(_DIGIT[0])) & (points <= ord(_DIGIT[1]))
    again = digit.copy()
    again[:1] = False
    again[1:] &= digit[:-1]
    places = np.flatnonzero(~again)
    joined = np.where(digit, _NUMBER, points)[places].astype(np.uint64)
    inside = kept[places]
    # Of each length in turn: the hash goes on from that of the run one shorter, and the last places begin no more runs.
    hashes, fits, starts = [joined * _MULTIPLIERS[0]], [inside], [places]
    for length, multiplier in enumerate(_MULTIPLIERS[1:], 1):
        hashes.append((hashes[-1][:-1] + joined[length:]) * multiplier)
        fits.append(fits[-1][:-1] & inside[length:])
        starts.append(places[:-length])
    chosen = np.flatnonzero(np.concatenate(fits))
    lengths = np.repeat(_LENGTHS, [len(each) for each in starts])
    return Grams(
        (np.concatenate(hashes)[chosen] >> _SURPLUS).astype(np.int64), np.concatenate(starts)[chosen], lengths[chosen]
    )


def letters_in(text: str) -> NDArray[np.bool_]:
    """Which characters of a text are letters or digits."""
    if _BEYOND.search(text) is None:
        return _LETTERS[_points(text)]
    return np.fromiter((c.isalnum() for c in text), dtype=np.bool_, count=len(text))


def _points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
