"""The organisation of a county at the hub: loading it from a file, closing and opening a facility, who works where."""

from __future__ import annotations

import msgspec

from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action
from cunyi.domain.errors import UserError
from cunyi.domain.organisation import Area, Facility, FacilityLevel
from cunyi.journeys.access import require
from cunyi.journeys.organisation_file import Organisation
from cunyi.store.areas import areas, keep_area
from cunyi.store.facilities import facilities, facility_by_code, keep_facility
from cunyi.store.unit import SYSTEM, Store, Writing

_LONGEST_REASON = 100


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What loading a file did (载入结果). `left` are facilities that are here and not in the file: they stay as they are."""

    areas: int
    changed_areas: int
    facilities: int
    changed_facilities: int
    left: tuple[str, ...]


class Workplace(msgspec.Struct, frozen=True, kw_only=True):
    """Where somebody works (工作机构): for what they sign and what is addressed to them."""

    code: str
    name: str
    level: FacilityLevel


def load_organisation(store: Store, found: Organisation, by: Account | None = None) -> Loaded:
    """Keeps what a file says, in one write; without `by` it is done on the hub's own computer."""
    if by is not None:
        require(by, Permission.MANAGE_NODES)
    with store.writing(by.id if by else SYSTEM) as writing:
        return keep_organisation(writing, found)


def keep_organisation(writing: Writing, found: Organisation) -> Loaded:
    """Keeps what a file says. UserError (field `file`) where it is of another county."""
    county = writing.organisation
    strange = [area.code for area in found.areas if not (county.startswith(area.code) or area.code.startswith(county))]
    if strange:
        raise UserError(
            "文件里的区划 {code} 不在本县（{county}）；请核对", field="file", code=strange[0], county=county
        )
    before = facilities(writing.connection, writing.organisation)
    changed_areas = sum(keep_area(writing, area) for area in found.areas)
    of_county = (msgspec.structs.replace(each, organisation=county) for each in found.facilities)
    changed = sum(keep_facility(writing, each) is not None for each in of_county)
    codes = {each.code for each in found.facilities}
    loaded = Loaded(
        areas=len(found.areas),
        changed_areas=changed_areas,
        facilities=len(found.facilities),
        changed_facilities=changed,
        left=tuple(each.name for each in before if each.code not in codes),
    )
    writing.audit(
        Action.LOAD_ORGANISATION,
        detail=f"区划 {loaded.areas}，机构 {loaded.facilities}，改动 {changed_areas + changed}",
    )
    return loaded


def show_organisation(store: Store) -> Organisation:
    """The places and facilities that this node knows."""
    with store.reading() as connection:
        organisation = store.node.organisation
        return Organisation(
            areas=tuple(areas(connection, organisation)), facilities=tuple(facilities(connection, organisation))
        )


def known_areas(store: Store) -> dict[str, Area]:
    """The places that are here already, by code."""
    with store.reading() as connection:
        return {area.code: area for area in areas(connection, store.node.organisation)}


def open_or_close(store: Store, by: Account, code: str, *, is_open: bool, reason: str = "") -> Facility:
    """Says that a facility takes patients again, or takes none for a reason that every node is told."""
    require(by, Permission.MANAGE_NODES)
    reason = reason.strip()
    if not is_open and not reason:
        raise UserError("请写明停诊的原因，如 装修、停电、医生外出", field="reason")
    if len(reason) > _LONGEST_REASON:
        raise UserError("原因最多 {longest} 字", field="reason", longest=_LONGEST_REASON)
    with store.writing(by.id) as writing:
        facility = facility_by_code(writing.connection, writing.organisation, code)
        if facility is None:
            raise UserError("没有编号为 {code} 的机构；请先载入机构表", field="facility", code=code)
        changed = msgspec.structs.replace(facility, open=is_open, closed_reason="" if is_open else reason)
        kept = keep_facility(writing, changed) or facility
        writing.audit(Action.CHANGE_FACILITY, detail=f"{code} {'开诊' if is_open else '停诊'}")
    return kept


def workplace(store: Store, account: Account) -> Workplace:
    """Where an account works: at its facility where that is registered, else at the node's."""
    node = store.node
    code = account.facility or node.facility
    with store.reading() as connection:
        facility = facility_by_code(connection, node.organisation, code)
        if facility is None and code != node.facility:
            facility = facility_by_code(connection, node.organisation, node.facility)
    if facility is not None:
        return Workplace(code=facility.code, name=facility.name, level=facility.level)
    return Workplace(code=node.facility, name=node.facility_name, level=FacilityLevel.VILLAGE)


def facility_name(store: Store, code: str) -> str:
    """What a facility is called; its number where nobody told this node its name."""
    if code == store.node.facility:
        return store.node.facility_name
    with store.reading() as connection:
        facility = facility_by_code(connection, store.node.organisation, code)
    return facility.name if facility else code


def expect_facility(store: Store, code: str) -> None:
    """UserError (field `facility`) for a facility that is neither the node's nor registered here."""
    if code == store.node.facility:
        return
    with store.reading() as connection:
        if facility_by_code(connection, store.node.organisation, code) is None:
            raise UserError("没有编号为 {code} 的机构；请先载入机构表", field="facility", code=code)
