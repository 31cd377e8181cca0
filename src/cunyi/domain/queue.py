"""The level of somebody who waits: every assessment since they came, what staff decided, and which of it holds now."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from cunyi.domain.triage import TriageLevel

UNKNOWN = ""
"""The level of somebody of whom nothing is known yet but that they came."""


class QueueSource(StrEnum):
    """Where a level in the queue comes from (分级来源): words at arrival, the villager's interview, the record being written,
    or a decision of the staff."""

    ARRIVAL = "arrival"
    INTERVIEW = "interview"
    DRAFT = "draft"
    STAFF = "staff"


class Triaged(msgspec.Struct, frozen=True, kw_only=True):
    """What one look at somebody who waits gave (一次分级): the level's code, `UNKNOWN` where nothing is known, and why."""

    level: str
    provisional: bool
    reasons: tuple[str, ...]
    source: QueueSource


class QueueStep(msgspec.Struct, frozen=True, kw_only=True):
    """One look with when and by whom (分级记录). `held`: the level that held after it."""

    triaged: Triaged
    at: datetime
    by: str
    held: str


class QueueChange(msgspec.Struct, frozen=True, kw_only=True):
    """The last change of the level that holds (级别变化)."""

    before: str
    after: str
    at: datetime
    source: QueueSource
    reasons: tuple[str, ...]


class QueueTriage(msgspec.Struct, frozen=True, kw_only=True):
    """Every look at somebody in the queue, first to last (候诊分级)."""

    steps: tuple[QueueStep, ...] = ()

    @property
    def level(self) -> str:
        """The level that holds now; `UNKNOWN` where nothing is known."""
        return self.steps[-1].held if self.steps else UNKNOWN

    @property
    def deciding(self) -> tuple[Triaged, ...]:
        """The looks that give the level that holds, staff first."""
        decision = _decision(self.steps)
        given = _standing(self.steps)
        if decision is not None and decision.triaged.level == self.level:
            given = [decision.triaged, *given]
        return tuple(each for each in given if each.level == self.level)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the level holds."""
        return tuple(dict.fromkeys(reason for each in self.deciding for reason in each.reasons))

    @property
    def provisional(self) -> bool:
        """Whether danger signs have not been asked yet: a milder level may not hold."""
        deciding = self.deciding
        return not deciding or all(each.provisional for each in deciding)

    @property
    def change(self) -> QueueChange | None:
        """The last time that the level changed after the first look; None where it never did."""
        for before, step in zip(self.steps[-2::-1], self.steps[:0:-1], strict=True):
            if before.held not in (step.held, UNKNOWN):
                return QueueChange(
                    before=before.held,
                    after=step.held,
                    at=step.at,
                    source=step.triaged.source,
                    reasons=step.triaged.reasons,
                )
        return None

    def looked(self, triaged: Triaged, *, at: datetime, by: str) -> QueueTriage:
        """With one more look; the same where it says what the last one from there said."""
        last = _last(self.steps, triaged.source)
        nothing_yet = last is None and triaged.level == UNKNOWN
        if triaged.source is not QueueSource.STAFF and (last == triaged or nothing_yet):
            return self
        step = QueueStep(triaged=triaged, at=at, by=by, held=UNKNOWN)
        held = _held((*self.steps, step))
        return QueueTriage(steps=(*self.steps, msgspec.structs.replace(step, held=held)))


def gravity(level: str, *, provisional: bool) -> int:
    """Where a level stands in the queue, graver first. Who is not known to be well is not put behind who is."""
    if level == UNKNOWN or (provisional and level == TriageLevel.SELF_CARE.code):
        return int(TriageLevel.ROUTINE)
    return int(TriageLevel.from_code(level))


def _rank(level: str) -> int:
    return -1 if level == UNKNOWN else int(TriageLevel.from_code(level))


def _last(steps: tuple[QueueStep, ...], source: QueueSource) -> Triaged | None:
    return next((step.triaged for step in reversed(steps) if step.triaged.source is source), None)


def _decision(steps: tuple[QueueStep, ...]) -> QueueStep | None:
    return next((step for step in reversed(steps) if step.triaged.source is QueueSource.STAFF), None)


def _standing(steps: tuple[QueueStep, ...]) -> list[Triaged]:
    """The looks that count: the last of each source, and an emergency for as long as nobody decided otherwise."""
    decision = _decision(steps)
    since = steps[steps.index(decision) + 1 :] if decision is not None else steps
    if decision is not None:
        before = steps[: steps.index(decision)]
        known = {reason for step in before for reason in step.triaged.reasons}
        highest = max((_rank(each.level) for each in _standing(before)), default=-1)
        # What staff had before their eyes when they decided does not come up again; something new does.
        since = tuple(
            step for step in since if _rank(step.triaged.level) > highest or set(step.triaged.reasons) - known
        )
    emergencies = [step.triaged for step in since if step.triaged.level == TriageLevel.EMERGENCY.code]
    latest = {step.triaged.source: step.triaged for step in since}
    return [*emergencies, *(each for each in latest.values() if each not in emergencies)]


def _held(steps: tuple[QueueStep, ...]) -> str:
    levels = [each.level for each in _standing(steps)]
    decision = _decision(steps)
    if decision is not None:
        levels.append(decision.triaged.level)
    return max(levels, key=_rank, default=UNKNOWN)
