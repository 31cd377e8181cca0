"""What is to be thought of a reading before a person looks at it: its values, its time, the patient entered at the instrument."""

from __future__ import annotations

import math
import unicodedata
from datetime import date, datetime, timedelta

import msgspec

from cunyi.domain.case import Case
from cunyi.domain.device import ArrivedValue, Beyond, ReceivingPolicy
from cunyi.domain.errors import UserError
from cunyi.domain.finding import Reading, Status
from cunyi.domain.measurement import DeviceValue
from cunyi.domain.person import Person, age_years
from cunyi.journeys.assess_case import normal_band
from cunyi.knowledge.model import Band, Item
from cunyi.reasoning import measuring
from cunyi.reasoning.measuring import critical_values, facts_of, is_possible
from cunyi.reasoning.prepared import Knowledge

FIRST_YEAR = 2020
"""An instrument whose clock stands before this year was never set; such a clock tells no two readings apart."""
# Many instruments give their time in whole minutes.
_A_MINUTE = timedelta(minutes=1)
# So many last digits of a number name a person.
_TELLING = 6


class Timed(msgspec.Struct, frozen=True, kw_only=True):
    """When a reading was taken (测量时间), as far as the clocks tell; `earlier` where it was not in this encounter."""

    at: datetime
    earlier: bool = False
    doubts: tuple[UserError, ...] = ()


def judged_value(value: DeviceValue, knowledge: Knowledge, person: Person | None, on: date) -> ArrivedValue:
    """A value against the ranges, for the person it would belong to; for anybody where that is not known."""
    given = _number(value.value)
    known = knowledge.content.items.get(value.item)
    named = known or _named(value.item, knowledge)
    if named is None:
        return ArrivedValue(
            item=value.item,
            known=False,
            name_zh=value.item,
            name_en=value.item,
            value=given,
            unit=value.unit,
            raw=value.raw,
        )
    arrived = ArrivedValue(
        item=named.id,
        known=True,
        name_zh=named.name,
        name_en=named.name_en,
        value=given,
        unit=named.unit or "",
        raw=value.raw,
    )
    if given is None:
        return arrived
    in_own_unit = known is not None and not named.scale and value.unit in ("", named.unit)
    judged = given if in_own_unit else _converted(named, given, value.unit, knowledge)
    if judged is None:
        return msgspec.structs.replace(arrived, unit=value.unit, refused=_unreadable(named, given, value.unit))
    if isinstance(given, str) and not named.scale:
        # "<0.5" stays as it was written, in the unit it was written in.
        arrived = msgspec.structs.replace(arrived, unit=value.unit or arrived.unit)
        number = _converted(named, given, value.unit, knowledge)
        return arrived if number is None else _judged(arrived, named, number, person, on)
    return _judged(msgspec.structs.replace(arrived, value=judged), named, judged, person, on)


def judged_again(value: ArrivedValue, knowledge: Knowledge, person: Person, on: date) -> ArrivedValue:
    """A value that arrived before, for the person it was given to: what is usual depends on age and sex."""
    item = knowledge.content.items.get(value.item) if value.known else None
    if item is None or value.value is None or (isinstance(value.value, str) and not item.scale):
        return value
    return _judged(msgspec.structs.replace(value, repeat=False, flag=None), item, value.value, person, on)


def judged_time(
    clock_at: datetime | None, now: datetime, *, begun: datetime | None, policy: ReceivingPolicy, clock_doubtful: bool
) -> Timed:
    """When a reading was taken.

    `now` is local time with a zone, in which the instrument's clock is read; `begun` is when the encounter came in front,
    None where there is none. `clock_doubtful`: the computer's own clock is known to be wrong.
    """
    if clock_at is None:
        return Timed(at=now)
    stated = clock_at.replace(tzinfo=now.tzinfo)
    shown = f"{stated:%Y-%m-%d %H:%M}"
    if stated.year < FIRST_YEAR:
        wrong = UserError("仪器时钟没有设好（上面是 {at}），按收到的时间记；请设好仪器的时钟", field="clock", at=shown)
        return Timed(at=now, doubts=(wrong,))
    stale, tolerance = timedelta(minutes=policy.stale_minutes), timedelta(minutes=policy.clock_tolerance_minutes)
    reference = begun or now
    another_day = stated.date() != now.date() and now - stated > tolerance
    if another_day or stated < reference - stale:
        old = UserError(
            "这是以前测的（仪器上的时间是 {at}），不算今天的；请核对是谁的，仪器时钟不对就选“刚测的”",
            field="earlier",
            at=shown,
        )
        return Timed(at=stated, earlier=True, doubts=(old,))
    if clock_doubtful:
        own = UserError("电脑时钟不对，核对不了仪器上的时间（{at}）；请先改正电脑时间", field="clock", at=shown)
        return Timed(at=now, doubts=(own,))
    if stated > now + tolerance:
        fast = UserError("仪器时钟不对（上面是 {at}），按收到的时间记；请设好仪器的时钟", field="clock", at=shown)
        return Timed(at=now, doubts=(fast,))
    if begun is not None and stated < begun - _A_MINUTE:
        before = UserError(
            "这是打开这份接诊之前测的（仪器上的时间是 {at}）；请核对是不是这位的", field="before", at=shown
        )
        return Timed(at=stated, doubts=(before,))
    return Timed(at=min(stated, now))


def entered_fits(entered: str, person: Person) -> bool:
    """Whether what was entered at an instrument names this person: name, a number of theirs, or its last digits."""
    words = _plain(entered)
    own = [person.name, person.archive_code or "", person.phone, *(each.value for each in person.identifiers)]
    known = [_plain(each) for each in own if each]
    return words in known or (len(words) >= _TELLING and any(each.endswith(words) for each in known))


def _plain(words: str) -> str:
    return "".join(unicodedata.normalize("NFKC", words).casefold().split())


def _number(value: float | str | None) -> float | str | None:
    """Words that are a number as one; what is no number at all is no value."""
    if isinstance(value, str):
        words = value.strip()
        try:
            value = float(words)
        except ValueError:
            return words or None
    return None if value is None or not math.isfinite(value) else float(value)


def _named(name: str, knowledge: Knowledge) -> Item | None:
    found = knowledge.language.items.find(name)
    return None if found is None else knowledge.content.items.get(found.id)


def _converted(item: Item, value: float | str, unit: str, knowledge: Knowledge) -> float | str | None:
    read = knowledge.language.read_result(item.name, value, unit or None)
    return None if read is None else read.value


def _judged(arrived: ArrivedValue, item: Item, value: float | str, person: Person | None, on: date) -> ArrivedValue:
    if not is_possible(item, value):
        return msgspec.structs.replace(arrived, refused=_impossible(item, value))
    sex = None if person is None else person.sex
    age = None if person is None else age_years(person.birth_on, on)
    flag = None
    band = normal_band(item, Case(sex=sex, age_years=age))
    if band is not None and isinstance(value, float):
        below = band.bounds.lower is not None and value < band.bounds.lower
        above = band.bounds.upper is not None and value >= band.bounds.upper
        flag = Beyond.LOW if below else Beyond.HIGH if above else None
    repeat = _wants_repeating(item, value, measuring.Person(sex=sex, age_years=age, pregnant=None))
    return msgspec.structs.replace(arrived, flag=flag, repeat=repeat)


def _wants_repeating(item: Item, value: float | str, person: measuring.Person) -> bool:
    """Whether a value is so far out that it is measured again.

    It is critical; or the item has no critical limit on that side, and it is beyond the last of several grades that the
    item's bands have for this person.
    """
    if critical_values([Reading(item=item.id, value=value)], {item.id: item}, person):
        return True
    if isinstance(value, str):
        return False
    above = _limits(item, item.bands, person, upwards=True)
    below = _limits(item, item.bands, person, upwards=False)
    far_above = len(above) > 1 and value >= max(above) and not _limits(item, item.critical, person, upwards=True)
    far_below = len(below) > 1 and value < min(below) and not _limits(item, item.critical, person, upwards=False)
    return far_above or far_below


def _limits(item: Item, bands: tuple[Band, ...], person: measuring.Person, *, upwards: bool) -> set[float]:
    """Where the bands for this person begin that are open upwards, or downwards."""
    found: set[float] = set()
    for band in bands:
        if band.value is None or not _is_for(item, band, person):
            continue
        inner, outer = (band.value.lower, band.value.upper) if upwards else (band.value.upper, band.value.lower)
        if inner is not None and outer is None:
            found.add(inner)
    return found


def _is_for(item: Item, band: Band, person: measuring.Person) -> bool:
    alone = msgspec.structs.replace(item, bands=(msgspec.structs.replace(band, finding=band.finding or item.id),))
    # Of a band for other people nothing is known; of one for this person a value lies inside or outside.
    return any(
        fact.status in (Status.PRESENT, Status.ABSENT)
        for fact in facts_of(Reading(item=item.id, value=0.0), alone, person)
    )


def _impossible(item: Item, value: float | str) -> UserError:
    names = {"item": item.name, "item_en": item.name_en, "value": _words(value)}
    lowest = None if item.possible is None else item.possible.lower
    highest = None if item.possible is None else item.possible.upper
    if highest is None:
        return UserError(
            "{item} {value} 不可能（应不低于 {lowest}），没有采用；请重测，或核对后手工填写",
            field=item.id,
            lowest=f"{lowest:g}",
            **names,
        )
    if lowest is None:
        return UserError(
            "{item} {value} 不可能（应低于 {highest}），没有采用；请重测，或核对后手工填写",
            field=item.id,
            highest=f"{highest:g}",
            **names,
        )
    return UserError(
        "{item} {value} 不可能（应不低于 {lowest}、低于 {highest}），没有采用；请重测，或核对后手工填写",
        field=item.id,
        lowest=f"{lowest:g}",
        highest=f"{highest:g}",
        **names,
    )


def _unreadable(item: Item, value: float | str, unit: str) -> UserError:
    return UserError(
        "{item}的结果“{value}”读不懂，没有采用；请核对结果和单位后手工填写",
        field=item.id,
        item=item.name,
        item_en=item.name_en,
        value=f"{_words(value)} {unit}".strip(),
    )


def _words(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.10g}"
