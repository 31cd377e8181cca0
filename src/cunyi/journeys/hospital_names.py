"""The hospitals' own names of departments: kept in the node, used in every assessment that a page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from cunyi.domain.assessment import Assessment, DepartmentChosen
from cunyi.domain.audit import Action
from cunyi.domain.hospital import LEVELS, HospitalDepartment, HospitalMap
from cunyi.knowledge.departments import Department
from cunyi.reasoning.prepared import Knowledge
from cunyi.store.hospitals import hospital_departments, set_hospital_departments
from cunyi.store.unit import SYSTEM, Store


def map_departments(store: Store, departments: Sequence[HospitalDepartment]) -> None:
    """Keeps the own names; those of a level that the table does not speak of stay. Done on the node's computer itself."""
    with store.writing(SYSTEM) as writing:
        for level in LEVELS:
            of_level = [each for each in departments if each.level == level]
            if of_level:
                set_hospital_departments(writing, level, of_level)
                writing.audit(Action.MAP_DEPARTMENTS, detail=f"{level} {len(of_level)}")


def unmap_departments(store: Store, level: str) -> None:
    """Goes back to the national names for the hospital of one level."""
    with store.writing(SYSTEM) as writing:
        set_hospital_departments(writing, level, [])
        writing.audit(Action.MAP_DEPARTMENTS, detail=f"{level} 0")


def own_names(store: Store) -> HospitalMap:
    """The own names of the node."""
    with store.reading() as connection:
        return hospital_departments(connection, store.node.organisation)


def with_own_names(given: Assessment, names: HospitalMap, knowledge: Knowledge) -> Assessment:
    """The assessment with its departments called as the hospitals call them."""
    if not names:
        return given
    departments = knowledge.content.departments
    return msgspec.structs.replace(
        given,
        department=_called(given.department, "county", names, departments),
        township_department=_called(given.township_department, "township", names, departments),
    )


def _called(
    chosen: DepartmentChosen | None, level: str, names: HospitalMap, departments: Mapping[str, Department]
) -> DepartmentChosen | None:
    """The department, or who stands in for it where the hospital has none, under its own name."""
    if chosen is None or chosen.department not in departments:
        return chosen
    here = departments[chosen.department]
    for _ in departments:
        own = names.get((level, here.id))
        if own is None or own.name or here.parent is None:
            break
        here = departments[here.parent]
    own = names.get((level, here.id))
    name = own.shown if own is not None and own.name else here.name
    name_en = own.shown if own is not None and own.name else here.name_en
    return msgspec.structs.replace(chosen, code=here.code, department=here.id, name=name, name_en=name_en)
