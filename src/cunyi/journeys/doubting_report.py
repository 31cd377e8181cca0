"""What is doubtful about a row of a paper report: told in words beside the row, for the doctor to look at the paper again."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import msgspec

from cunyi.devices.paper.heading import ReportHeading
from cunyi.devices.paper.table import ReportRow
from cunyi.devices.paper.wording import plain
from cunyi.domain.errors import UserError
from cunyi.reasoning.measuring import is_possible
from cunyi.reasoning.prepared import Knowledge

# How sure the recogniser has to be of every letter of a row (0–1); it says more of blurred print than of wrong figures.
_SURE_ENOUGH = 0.9
# So many times beyond the printed range a value is more likely to be read wrongly than to be true.
_FAR = 3.0
_POINTS = (10.0, 100.0)
_HIGH, _LOW, _ABNORMAL = "high", "low", "abnormal"
_FIGURE = re.compile(r"-?\d+(?:\.\d+)?")
_IN_BRACKETS = re.compile(r"\(([^()]+)\)")
_COMPARED = "<>≤≥= "
_DECORATION = "*★☆△▲●◆#.、·-—()[] "
_LONGEST_NAME, _LONGEST_VALUE, _LONGEST_UNIT = 60, 40, 30


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the boxes of a row (核对栏): as read at first, then as the doctor typed it. `sure` is their own mark."""

    name: str = ""
    value: str = ""
    unit: str = ""
    sure: bool = False


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it was read, and what stands in its boxes now (化验单待核对的内容); of which `sheet`, and what that says of whose it is."""

    row: ReportRow
    box: Box
    sheet: str = ""
    heading: ReportHeading = ReportHeading()


def item_named(name: str, knowledge: Knowledge) -> str | None:
    """The id of the item of a name as reports write it, or of its English name."""
    found = knowledge.language.items.find(name) if name.strip() else None
    if found is not None:
        return found.id
    wanted = name.strip().casefold()
    return next((item.id for item in knowledge.content.items.values() if item.name_en.casefold() == wanted), None)


def resolved_name(row: ReportRow, knowledge: Knowledge) -> str:
    """The name of the item that a row is about; what was read where no item is known by it."""
    candidates = _items_of(row, knowledge)
    if not candidates:
        return " ".join(row.names)
    fitting = [item for item in candidates if _fits(row, item, knowledge)]
    return knowledge.content.items[(fitting or candidates)[0]].name


def known_row(row: ReportRow, knowledge: Knowledge) -> bool:
    """Whether a row belongs to the results: its item is known, or it has a value with a unit or a range."""
    if _items_of(row, knowledge):
        return True
    return bool(row.value and (row.unit or row.reference))


def is_sound(row: ReportRow, knowledge: Knowledge) -> bool:
    """Whether a row makes sense: a known item with a value and a unit that can be its own."""
    return any(_fits(row, item, knowledge) for item in _items_of(row, knowledge))


def doubts_of(
    entries: Mapping[str, Entry], in_record: Sequence[str], knowledge: Knowledge
) -> dict[str, tuple[UserError, ...]]:
    """Everything doubtful about each row as its boxes stand now. `in_record` are the names of results in the record."""
    items = {row_id: item_named(entry.box.name, knowledge) for row_id, entry in entries.items()}
    known = [item for item in items.values() if item is not None]
    recorded = {item_named(name, knowledge) for name in in_record}
    marked = any(entry.row.side for entry in entries.values())
    found = {}
    for row_id, entry in entries.items():
        item = items[row_id]
        doubts = _doubts(entry, item, knowledge, marked=marked)
        if item is not None and known.count(item) > 1:
            doubts.append(UserError("这个项目出现了两次；请看原图，只确认对的一行", field=row_id))
        if item is not None and item in recorded:
            doubts.append(UserError("记录里已经有这个项目；确认后会再添一条", field=row_id))
        found[row_id] = tuple(doubts)
    return found


def trouble_with(row_id: str, box: Box, knowledge: Knowledge) -> UserError | None:
    """Why a confirmed row cannot be kept as it stands; None where it can."""
    if not box.name.strip():
        return UserError("确认的这一行没有项目名称；请填写，或取消确认", field=row_id)
    if not box.value.strip():
        return UserError("确认的这一行没有结果；请照纸上填写，或取消确认", field=row_id)
    for words, longest in ((box.name, _LONGEST_NAME), (box.value, _LONGEST_VALUE), (box.unit, _LONGEST_UNIT)):
        if len(words) > longest:
            return UserError("这一行的字太多；请只留项目、结果和单位", field=row_id)
    item = item_named(box.name, knowledge)
    if item is None:
        return None
    if _read(item, box.value, box.unit, knowledge) is None:
        return UserError("这个结果或单位不是这个项目能有的；请照纸上改正，或取消确认", field=row_id)
    return None


def _items_of(row: ReportRow, knowledge: Knowledge) -> list[str]:
    found: dict[str, None] = {}
    inside = [words for name in row.names for words in _IN_BRACKETS.findall(name)]
    for name in (*row.names, *inside, "".join(row.names), " ".join(row.names)):
        bare = name.strip(_DECORATION)
        for form in (name, bare, bare.lstrip("0123456789").strip(_DECORATION)):
            if (item := item_named(form, knowledge)) is not None:
                found[item] = None
                break
    return list(found)


def _fits(row: ReportRow, item: str, knowledge: Knowledge) -> bool:
    """Whether the value and the printed range can be this item's, and the unit is one of its own."""
    named = knowledge.language.items.by_id[item]
    unit = knowledge.language.items.unit(row.unit)
    own = {knowledge.language.items.unit(named.unit or ""), *named.units}
    if row.unit and unit not in own:
        return False
    return _read(item, row.value, row.unit, knowledge) is not None


def _read(item: str, value: str, unit: str, knowledge: Knowledge) -> float | str | None:
    """The value in the item's own unit or on its scale, where it can be at all."""
    known = knowledge.content.items[item]
    figure = None if known.scale else _figure(value.lstrip(_COMPARED))
    if figure is None and not known.scale:
        return None
    read = knowledge.language.read_result(known.name, value if figure is None else figure, unit or None)
    return read.value if read is not None and is_possible(known, read.value) else None


def _figure(words: str) -> float | None:
    match = _FIGURE.fullmatch(plain(words))
    return None if match is None else float(match.group())


def _doubts(entry: Entry, item: str | None, knowledge: Knowledge, *, marked: bool) -> list[UserError]:
    row, box, found = entry.row, entry.box, []
    if item is None:
        found.append(UserError("不认识这个项目；请照纸上核对名称，或从列表里选", field="name"))
    elif item in (candidates := _items_of(row, knowledge)) and item != candidates[0]:
        found.append(UserError("名称和缩写不是同一个项目；请看原图", field="name"))
    if not box.value.strip():
        found.append(UserError("没有读出结果；请照原图填写", field="value"))
        return found
    if box.value == row.value and row.uncertain:
        found.append(UserError("不能确定哪个是结果；请看原图", field="value"))
    if row.confidence < _SURE_ENOUGH:
        found.append(UserError("字迹不清楚；请看原图", field="value"))
    if item is not None:
        found += _doubts_of_item(row, box, item, knowledge)
    value = _figure(box.value)
    return found if value is None else found + _doubts_of_range(row, box.value, value, marked=marked)


def _doubts_of_item(row: ReportRow, box: Box, item: str, knowledge: Knowledge) -> list[UserError]:
    items, known = knowledge.language.items, knowledge.content.items[item]
    own = {items.unit(known.unit or ""), *items.by_id[item].units}
    found = []
    if known.unit and not box.unit:
        found.append(UserError("没有读出单位；平常用 {unit}，请看原图", field="unit", unit=known.unit))
    elif known.unit and items.unit(box.unit) not in own:
        found.append(
            UserError(
                "这个项目平常的单位是 {unit}，这里是 {read}；请看原图", field="unit", unit=known.unit, read=box.unit
            )
        )
    if _read(item, box.value, box.unit, knowledge) is None:
        found.append(UserError("这个结果不可能，多半读错了；请看原图", field="value"))
    elif box.value[:1] in _COMPARED:
        found.append(UserError("结果前面有大于或小于号；请看原图", field="value"))
    if not found and _range_of_another(row, box, item, knowledge):
        found.append(UserError("印的参考区间和这个项目平常的差得远，项目或单位可能读错；请看原图", field="name"))
    return found


def _range_of_another(row: ReportRow, box: Box, item: str, knowledge: Knowledge) -> bool:
    """Whether the printed range lies beside everything that is usual for the item, whoever it is."""
    if row.lower is None or row.upper is None:
        return False
    items = knowledge.language.items
    lower, upper = (items.converted(items.by_id[item], end, box.unit) for end in (row.lower, row.upper))
    usual = [band.value for band in knowledge.content.items[item].normal if band.value is not None]
    if lower is None or upper is None or not usual:
        return False
    lowest = min(0.0 if bounds.lower is None else bounds.lower for bounds in usual)
    highest = max(math.inf if bounds.upper is None else bounds.upper for bounds in usual)
    return upper < lowest or lower > highest


def _doubts_of_range(row: ReportRow, words: str, value: float, *, marked: bool) -> list[UserError]:
    """What the printed reference range and mark say against the value that was read."""
    lower, upper = row.lower, row.upper
    if lower is not None and upper is not None and lower >= upper:
        return [UserError("参考区间没有读清；请看原图", field="value")]
    if lower is None and upper is None:
        return []
    if upper is not None and value > upper and _lost_point(row, words, value):
        return [UserError("小数点可能没有读到：参考区间是 {range}；请看原图", field="value", range=row.reference)]
    side = _HIGH if upper is not None and value > upper else _LOW if lower is not None and value < lower else ""
    far = (upper is not None and value > upper * _FAR) or (lower is not None and value < lower / _FAR)
    if far and row.side != side:
        return [UserError("和印的参考区间 {range} 差得很远；请看原图", field="value", range=row.reference)]
    agrees = row.side == side or (row.side == _ABNORMAL and side)
    # A report that marks nothing at all says nothing by a missing mark.
    if not agrees and (row.side or marked):
        return [UserError("结果、箭头和参考区间 {range} 对不上；请看原图", field="value", range=row.reference)]
    return []


def _lost_point(row: ReportRow, words: str, value: float) -> bool:
    """Whether the range has decimals, the value has none, and would lie near the range with one."""
    if "." in words or "." not in row.reference or row.upper is None:
        return False
    lowest = 0.0 if row.lower is None else row.lower / 2
    return any(lowest <= value / point <= row.upper * 2 for point in _POINTS)
