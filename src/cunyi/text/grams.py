"""Short runs of characters of a text, as numbers: what wordings are compared by where no term of the lexicon fits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BITS = 18
LONGEST = 3
_DIGIT, _NUMBER = ("0", "9"), "#"
# Which characters of the basic plane are letters or digits: looked up, where asking each is slow.
_LETTERS = np.fromiter((chr(point).isalnum() for point in range(0x10000)), dtype=np.bool_, count=0x10000)
_MULTIPLIERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)


class Grams(NamedTuple):
    """Every run of one to three characters of a text: its code (below 2^18), where it begins and its length."""

    codes: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]


def grams_of(text: str) -> Grams:
    """The runs of a normalised text that cross no punctuation and no blank; any number counts as one character.

    A code is the multiplicative hash (Knuth, The Art of Computer Programming 3, 6.4) of the run's characters.
    """
    points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    if len(points) and points.max() >= len(_LETTERS):
        kept = np.fromiter((c.isalnum() for c in text), dtype=np.bool_, count=len(text))
    else:
        kept = _LETTERS[points]
    digit = (points >= ord(_DIGIT[0])) & (points <= ord(_DIGIT[1]))
    again = np.zeros_like(digit)
    again[1:] = digit[1:] & digit[:-1]
    places = np.flatnonzero(~again)
    joined = np.where(digit, np.uint32(ord(_NUMBER)), points)[places].astype(np.uint64)
    inside = kept[places]
    codes, starts, lengths = [], [], []
    hashed = np.zeros(len(places), dtype=np.uint64)
    fits = np.ones(len(places), dtype=np.bool_)
    for length in range(1, LONGEST + 1):
        if len(places) < length:
            break
        count = len(places) - length + 1
        with np.errstate(over="ignore"):
            hashed = (hashed[:count] + joined[length - 1 :]) * np.uint64(_MULTIPLIERS[length - 1])
        fits = fits[:count] & inside[length - 1 :]
        chosen = np.flatnonzero(fits)
        codes.append((hashed[chosen] >> np.uint64(64 - BITS)).astype(np.int64))
        starts.append(places[chosen])
        lengths.append(np.full(len(chosen), length))
    if not codes:
        nothing = np.zeros(0, dtype=np.int64)
        return Grams(nothing, nothing, nothing)
    return Grams(np.concatenate(codes), np.concatenate(starts), np.concatenate(lengths))
