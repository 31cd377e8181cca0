"""How each kind of thread becomes its present state; the one place that knows all kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cunyi.domain.consultation import fold_consultation
from cunyi.domain.critical_value import fold_critical_value
from cunyi.domain.referral_row import thread_of as referral_thread
from cunyi.domain.thread import Note, Thread, ThreadKind, in_order

Fold = Callable[[Sequence[Note]], Thread]
"""From the notes of one thread, in order and never empty, to the thread as it stands. It accepts every sequence: a note that does
not fit the state changes nothing but is kept and shown."""

FOLDS: dict[ThreadKind, Fold] = {
    ThreadKind.REFERRAL: referral_thread,
    ThreadKind.CONSULTATION: fold_consultation,
    ThreadKind.CRITICAL_VALUE: fold_critical_value,
}


def fold(notes: Sequence[Note]) -> Thread:
    """A thread from its notes, in whatever order they came."""
    ordered = in_order(notes)
    return FOLDS[ordered[0].thread_kind](ordered)
