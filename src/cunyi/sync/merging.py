"""How a change meets a state that is not the one it was made on: field by field, nothing guessed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from cunyi.domain.change import Difference

# Not a field that anybody fills in: it is counted where the state is kept.
REVISION = "revision"


class Clash(msgspec.Struct, frozen=True, kw_only=True):
    """A field that both sides changed (同一字段两处都改): what stands, what was to stand."""

    field: str
    ours: Any
    theirs: Any


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """A state after a change (合并结果). `changed` where any field became another; the fields that clash stay as they were."""

    state: dict[str, Any]
    changed: bool
    clashes: tuple[Clash, ...]


def merge(state: dict[str, Any], change: Difference) -> Merged:
    """A change on a state: a field that stands as it stood becomes what the change made of it, lists take what both added and removed.

    A change that made the thing new says nothing about one that is there already.
    """
    if change.before is None:
        return Merged(state=state, changed=False, clashes=())
    merged = dict(state)
    clashes: list[Clash] = []
    for field, after in change.after.items():
        before, ours = change.before.get(field), state.get(field)
        if field == REVISION or ours == after:
            continue
        if ours == before:
            merged[field] = after
        elif isinstance(ours, list) and isinstance(before, list) and isinstance(after, list):
            merged[field] = _both(ours, before, after)
        else:
            clashes.append(Clash(field=field, ours=ours, theirs=after))
    return Merged(state=merged, changed=merged != state, clashes=tuple(clashes))


def undone(state: dict[str, Any], changes: Sequence[Difference]) -> dict[str, Any] | None:
    """A state as it was before changes that were made on it, given oldest first; None where one of them made it."""
    for change in reversed(changes):
        if change.before is None:
            return None
        state = merge(state, Difference(before=change.after, after=change.before)).state
    return state


def next_revision(ours: int, theirs: int) -> int:
    """The revision of a changed state: the sender's where it follows ours, so that a form open there stays good; else a later one than both."""
    return theirs if theirs == ours + 1 else max(ours, theirs) + 1


def _both(ours: list[Any], before: list[Any], after: list[Any]) -> list[Any]:
    removed = [each for each in before if each not in after]
    added = [each for each in after if each not in before]
    kept = [each for each in ours if each not in removed]
    return kept + [each for each in added if each not in kept]
