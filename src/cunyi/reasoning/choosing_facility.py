"""Where a patient can be taken: the open facilities that have what is needed, the fitting level and the shortest way first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

import msgspec

from cunyi.domain.organisation import Facility, FacilityLevel
from cunyi.knowledge.departments import Department

_LEVELS = list(FacilityLevel)
_FAR_AWAY = 100_000


class Merit(StrEnum):
    """Why a facility is proposed, or what it lacks (推荐理由: 有这个科 / 有代替的科 / 没有这个科 / 能做要做的检查 / 级别合适 / 级别更高 / 级别不够 /
    管辖本村 / 有急诊电话)."""

    DEPARTMENT = "department"
    STANDS_IN = "stands_in"
    NO_DEPARTMENT = "no_department"
    EXAMINATION = "examination"
    LEVEL = "level"
    HIGHER = "higher"
    LOWER = "lower"
    CATCHMENT = "catchment"
    EMERGENCY_PHONE = "emergency_phone"


class ProposedFacility(msgspec.Struct, frozen=True):
    """A facility that could take the patient (可选机构): the department that sees them there, minutes away, and why."""

    facility: Facility
    department: str
    minutes: int | None
    merits: tuple[Merit, ...]

    @property
    def can_take(self) -> bool:
        """Whether nothing speaks against it."""
        return not {Merit.NO_DEPARTMENT, Merit.LOWER} & set(self.merits)


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What a patient is sent for (转诊需要): the level of care, a department and examinations by id, from which village."""

    level: FacilityLevel
    village: str
    department: str = ""
    examinations: tuple[str, ...] = ()
    emergency: bool = False


def coordinator_for(village: str, sides: Collection[str], facilities: Sequence[Facility]) -> Facility | None:
    """Who brings the two sides of a referral together: the township of the village, or the county where that is one of them."""
    candidates = [
        each
        for each in facilities
        if each.open
        and each.level in (FacilityLevel.TOWNSHIP, FacilityLevel.COUNTY)
        and each.code not in sides
        and each.answers_for(village)
    ]
    return min(candidates, key=lambda each: (_LEVELS.index(each.level), each.code), default=None)


def propose_facilities(
    facilities: Sequence[Facility], need: Need, departments: Mapping[str, Department], *, but: str
) -> list[ProposedFacility]:
    """Every open facility above the village's own (or the village's, where somebody goes home), the best first. `but` is the asking one."""
    proposed = [
        _weigh(each, need, departments)
        for each in facilities
        if each.open and each.code != but and _comes_into_question(each, need)
    ]
    return sorted(
        proposed,
        key=lambda each: (
            Merit.LOWER in each.merits,
            Merit.NO_DEPARTMENT in each.merits,
            Merit.LEVEL not in each.merits,
            Merit.DEPARTMENT not in each.merits,
            bool(need.examinations) and Merit.EXAMINATION not in each.merits,
            need.emergency and Merit.EMERGENCY_PHONE not in each.merits,
            Merit.CATCHMENT not in each.merits,
            _FAR_AWAY if each.minutes is None else each.minutes,
            each.facility.code,
        ),
    )


def _comes_into_question(facility: Facility, need: Need) -> bool:
    return (facility.level is FacilityLevel.VILLAGE) == (need.level is FacilityLevel.VILLAGE)


def _weigh(facility: Facility, need: Need, departments: Mapping[str, Department]) -> ProposedFacility:
    department, merits = "", list[Merit]()
    if need.department:
        department, merit = _department(facility, need.department, departments)
        # Whoever answers an emergency telephone takes emergencies, whatever its departments are called.
        if not (merit is Merit.NO_DEPARTMENT and need.emergency and facility.emergency_phone):
            merits.append(merit)
    if need.examinations and set(need.examinations) <= set(facility.examinations):
        merits.append(Merit.EXAMINATION)
    above = _LEVELS.index(facility.level) - _LEVELS.index(need.level)
    merits.append(Merit.LEVEL if above == 0 else Merit.HIGHER if above > 0 else Merit.LOWER)
    if facility.answers_for(need.village):
        merits.append(Merit.CATCHMENT)
    if need.emergency and facility.emergency_phone:
        merits.append(Merit.EMERGENCY_PHONE)
    return ProposedFacility(facility, department, facility.minutes_away.get(need.village), tuple(merits))


def _department(facility: Facility, wanted: str, departments: Mapping[str, Department]) -> tuple[str, Merit]:
    """The department that sees such patients there: the wanted one, or whoever stands in for it."""
    there = {each.department for each in facility.capabilities}
    here, passed = wanted, set[str]()
    while here in departments and here not in passed:
        if here in there:
            return here, Merit.DEPARTMENT if here == wanted else Merit.STANDS_IN
        passed.add(here)
        here = departments[here].parent or ""
    return "", Merit.NO_DEPARTMENT
