"""Whether a paper report is of the person whose record it goes into, and of this visit: asked of the doctor where it is not plain."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import msgspec

from cunyi.devices.paper.heading import ReportHeading
from cunyi.devices.paper.wording import plain
from cunyi.domain.errors import UserError
from cunyi.domain.person import Person, age_years
from cunyi.journeys.doubting_report import Entry

# An age is given in whole years, by one way of counting or another.
_YEARS_APART = 1.5


class PaperSheet(msgspec.Struct, frozen=True, kw_only=True):
    """One photographed report with whose it says it is (一张化验单). Its rows are taken only once the doctor has confirmed the `doubts`."""

    id: str
    heading: ReportHeading
    doubts: tuple[UserError, ...]


def sheets_of(entries: Mapping[str, Entry], person: Person, on: date) -> dict[str, PaperSheet]:
    """The sheets that the rows are of, by id, in order. `on` is the day of the encounter."""
    headings = {entry.sheet: entry.heading for entry in entries.values()}
    return {
        sheet: PaperSheet(id=sheet, heading=heading, doubts=_doubts(sheet, heading, person, on))
        for sheet, heading in headings.items()
    }


def unanswered(sheet: PaperSheet) -> UserError:
    """What is told where rows of a doubtful sheet are to be taken and nobody has confirmed it."""
    return UserError(
        "这张化验单的人或日期和这份档案对不上；是这位居民的，请先在上面勾选，不是就放弃", field=_field(sheet.id)
    )


def day_of(heading: ReportHeading, on: date) -> date | None:
    """The day that goes with the results into the record: an earlier one than the encounter's."""
    return heading.on if heading.on is not None and heading.on < on else None


def _field(sheet: str) -> str:
    return f"sheet-{sheet}"


def _doubts(sheet: str, heading: ReportHeading, person: Person, on: date) -> tuple[UserError, ...]:
    field, found = _field(sheet), []
    if heading.name and _bare(heading.name) != _bare(person.name):
        found.append(
            UserError(
                "化验单上的姓名是“{read}”，这份档案是“{name}”；多半不是这位的",
                field=field,
                read=heading.name,
                name=person.name,
            )
        )
    if heading.sex is not None and person.sex is not None and heading.sex != person.sex:
        found.append(UserError("化验单上的性别和这份档案不一样", field=field))
    age = age_years(person.birth_on, heading.on or on)
    if heading.age_years is not None and age is not None and abs(heading.age_years - age) > _YEARS_APART:
        found.append(
            UserError(
                "化验单上的年龄是 {read:.0f} 岁，这份档案是 {age:.0f} 岁",
                field=field,
                read=heading.age_years,
                age=int(age),
            )
        )
    if heading.on is not None and heading.on < on:
        found.append(
            UserError(
                "化验单是 {on} 的，不是这次就诊当天的；采用的话，这个日期和结果一起记下",
                field=field,
                on=heading.on.isoformat(),
            )
        )
    if heading.on is not None and heading.on > on:
        found.append(UserError("化验单的日期 {on} 在这次就诊以后；请看原图", field=field, on=heading.on.isoformat()))
    return tuple(found)


def _bare(name: str) -> str:
    return plain(name).replace(" ", "").replace("·", "").casefold()
