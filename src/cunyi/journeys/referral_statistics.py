"""What came of referrals: how often doctor and program had thought of what the hospital found, how long the loop took, what to learn from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta

import msgspec

from cunyi.domain.account import Account, Permission
from cunyi.domain.person import age_years
from cunyi.domain.referral import ReferralState
from cunyi.domain.referral_comparing import Compared, Match, compared_from
from cunyi.domain.thread import Thread
from cunyi.journeys.access import require
from cunyi.store.facilities import facilities
from cunyi.store.referrals import referrals_between
from cunyi.store.unit import Store

_FIRST_OF_THE_LIST = 3
_SOMEBODY = "某"
_DECADE = 10


class Agreements(msgspec.Struct, frozen=True, kw_only=True):
    """How often thoughts agreed with the hospital, of one diagnosis or of all (符合统计).

    `doctor_compared` and `program_compared` are the referrals where there was a thought; the others agree and disagree with nothing.
    """

    name: str
    icd10: str
    count: int
    doctor_compared: int
    program_compared: int
    doctor_same: int
    doctor_alike: int
    program_first: int
    program_among_first: int
    program_listed: int
    program_alike: int


class LearningCase(msgspec.Struct, frozen=True, kw_only=True):
    """A referral where somebody thought otherwise, without a name (学习病例). `decade` is the first year of the age decade."""

    thread: str
    month: str
    sex: str
    decade: int | None
    complaint: str
    compared: Compared


class ReferralStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the referrals of a time (转诊统计). `people` were sent, by `sent` referrals: some came back with a diagnosis, some were
    withdrawn, some ended without a return slip, the rest goes on. `senders` are the agreements by the level of who sent, by its name.
    """

    since: date
    until: date
    people: int
    sent: int
    came_back: int
    withdrawn: int
    ended_without: int
    waiting: int
    total: Agreements
    senders: list[Agreements]
    diagnoses: list[Agreements]
    learning: list[LearningCase]


def referral_statistics(store: Store, by: Account, *, since: datetime, until: datetime) -> ReferralStatistics:
    """The referrals opened from `since` up to `until` in the account's villages."""
    require(by, Permission.SEE_COUNTS)
    with store.reading() as connection:
        areas = by.areas or (by.organisation,)
        threads = referrals_between(connection, by.organisation, since, until, areas)
        levels = {each.code: each.level for each in facilities(connection, by.organisation)}
    threads = [each for each in threads if each.details["direction"] == "up"]
    pairs = [(each, compared) for each in threads if (compared := compared_from(each.details)) is not None]
    by_diagnosis: dict[tuple[str, str], list[Compared]] = defaultdict(list)
    for _, compared in pairs:
        by_diagnosis[compared.icd10, compared.hospital].append(compared)
    by_sender: dict[str, list[Compared]] = defaultdict(list)
    for each, compared in pairs:
        by_sender[levels[each.from_facility].value if each.from_facility in levels else ""].append(compared)
    without = [each for each in threads if compared_from(each.details) is None]
    withdrawn = sum(each.state == ReferralState.WITHDRAWN for each in without)
    ended = sum(each.closed for each in without) - withdrawn
    diagnoses = [_agreements(name, icd10, each) for (icd10, name), each in by_diagnosis.items()]
    may_learn = by.may(Permission.READ_RECORD)
    return ReferralStatistics(
        since=since.date(),
        until=(until - timedelta(days=1)).date(),
        people=len({each.person_id for each in threads}),
        sent=len(threads),
        came_back=len(pairs),
        withdrawn=withdrawn,
        ended_without=ended,
        waiting=len(without) - withdrawn - ended,
        total=_agreements("", "", [compared for _, compared in pairs]),
        senders=[_agreements(level, "", some) for level, some in sorted(by_sender.items(), reverse=True)],
        diagnoses=sorted(diagnoses, key=lambda each: (-each.count, each.icd10, each.name)),
        learning=[_learning(each, compared) for each, compared in pairs if _teaches(compared)] if may_learn else [],
    )


def _agreements(name: str, icd10: str, compared: Iterable[Compared]) -> Agreements:
    some = list(compared)
    return Agreements(
        name=name,
        icd10=icd10,
        count=len(some),
        doctor_compared=sum(each.doctor is not Match.NOTHING for each in some),
        program_compared=sum(each.program is not Match.NOTHING for each in some),
        doctor_same=sum(each.doctor is Match.SAME for each in some),
        doctor_alike=sum(each.doctor is Match.ALIKE for each in some),
        program_first=sum(each.rank == 1 for each in some),
        program_among_first=sum(0 < each.rank <= _FIRST_OF_THE_LIST for each in some),
        program_listed=sum(each.rank > 0 for each in some),
        program_alike=sum(each.program is Match.ALIKE for each in some),
    )


def _teaches(compared: Compared) -> bool:
    """Whether one of the two thought otherwise; where nobody wrote down a thought there is nothing to learn from."""
    return Match.OTHER in (compared.doctor, compared.program)


def _learning(thread: Thread, compared: Compared) -> LearningCase:
    details = thread.details
    born = date.fromisoformat(details["birth_on"]) if details["birth_on"] else None
    age = age_years(born, thread.opened_at.date())
    name = details["name"]
    complaint = details["complaint"]
    return LearningCase(
        thread=thread.id,
        month=f"{thread.opened_at.astimezone():%Y-%m}",
        sex=details["sex"] or "",
        decade=None if age is None else int(age) // _DECADE * _DECADE,
        complaint=complaint.replace(name, _SOMEBODY) if name else complaint,
        compared=compared,
    )
