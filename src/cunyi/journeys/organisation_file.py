"""The file that describes a county: its places and facilities, as a table (CSV), YAML or JSON; read whole or not at all."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import yaml

from cunyi.domain.errors import InvalidFormError, UserError
from cunyi.domain.organisation import Area, Capability, Facility, FacilityLevel
from cunyi.journeys.form_reading import phone_number
from cunyi.knowledge.departments import Department
from cunyi.reasoning.prepared import Knowledge

# The columns of a table and the keys that mean the same in YAML and JSON.
COLUMNS = {
    "类别": "kind", "代码": "code", "名称": "name", "级别": "level", "负责区划": "catchment", "地址": "address", "电话": "phone",
    "急救电话": "emergency_phone", "科室": "departments", "检查": "examinations", "路程": "minutes_away", "状态": "open",
    "停诊原因": "closed_reason",
}  # fmt: skip
HEADINGS = {key: heading for heading, key in COLUMNS.items()}
_AREA_DIGITS = (2, 4, 6, 9, 12)
_KINDS = {"区划": "area", "area": "area", "机构": "facility", "facility": "facility"}
_LEVELS = {
    "村": FacilityLevel.VILLAGE, "村卫生室": FacilityLevel.VILLAGE, "乡": FacilityLevel.TOWNSHIP, "镇": FacilityLevel.TOWNSHIP,
    "乡镇": FacilityLevel.TOWNSHIP, "乡镇卫生院": FacilityLevel.TOWNSHIP, "县": FacilityLevel.COUNTY, "县级": FacilityLevel.COUNTY,
    "县级医院": FacilityLevel.COUNTY, **{level.value: level for level in FacilityLevel},
}  # fmt: skip
_OPEN = {
    "": True,
    "开": True,
    "开诊": True,
    "true": True,
    "是": True,
    "停": False,
    "停诊": False,
    "false": False,
    "否": False,
}
# Names may have hours or a remark in brackets; what separates them is anything that people write between words.
_WORDS = re.compile(r"[^、，,;；\s（(]+(?:[（(][^）)]*[）)])?")
_REMARK = re.compile(r"([^（(]+)[（(]([^）)]*)[）)]?$")
_LONGEST_CODE, _LONGEST_NAME, _FARTHEST_MINUTES = 40, 60, 1_440
_AMBULANCE = "120"


class LineError(UserError):
    """A line of the file that cannot be used (组织机构表有误): which line and column, and the trouble."""

    def __init__(self, line: int, column: str, trouble: UserError) -> None:
        self.line, self.column, self.trouble = line, column, trouble
        super().__init__("第 {line} 行“{column}”：{trouble}", field=f"line_{line}")

    def told(self, translated: Callable[[str], str]) -> str:
        """Where it is and what is wrong, in the words of a catalogue."""
        words = self.trouble.told(translated)
        return translated(self.sentence).format(line=self.line, column=self.column, trouble=words)


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says of a county (组织机构表)."""

    areas: tuple[Area, ...]
    facilities: tuple[Facility, ...]


class _Row(msgspec.Struct, frozen=True):
    """A line of the file, all of it text (一行)."""

    line: int
    cells: dict[str, str]


def read_organisation(
    data: bytes, knowledge: Knowledge, *, organisation: str = "", known: Mapping[str, Area] | None = None
) -> Organisation:
    """The places and facilities of a file. InvalidFormError tells every line and column that cannot be used.

    `organisation` is the county of the node, empty where the file decides it; `known` are places that are there already.
    """
    text = _decoded(data)
    rows = list(_yaml_rows(text) if _is_yaml(text) else _table_rows(text))
    reading = _Reading(knowledge, organisation, dict(known or {}))
    for row in sorted(rows, key=lambda row: row.cells["kind"] != "area"):
        reading.take(row)
    if reading.errors:
        reading.errors.sort(key=lambda error: error.line)
        raise InvalidFormError(reading.errors)
    if not reading.areas and not reading.facilities:
        raise UserError("文件里没有区划，也没有机构；每行写一个", field="file")
    return Organisation(areas=tuple(reading.areas.values()), facilities=tuple(reading.facilities.values()))


class _Reading:
    """The file as far as it was read: what was found and every mistake (读取中)."""

    def __init__(self, knowledge: Knowledge, organisation: str, known: dict[str, Area]) -> None:
        self.knowledge = knowledge
        self.organisation = organisation
        self.known = known
        self.areas: dict[str, Area] = {}
        self.facilities: dict[str, Facility] = {}
        self.errors: list[LineError] = []
        self._row = _Row(0, {})

    def take(self, row: _Row) -> None:
        """Reads one line; places before facilities, so that these can be compared with them."""
        self._row = row
        before = len(self.errors)
        made = self._area() if row.cells["kind"] == "area" else self._facility()
        if len(self.errors) > before:
            return
        if isinstance(made, Area):
            self.areas[made.code] = made
        elif made is not None:
            self.facilities[made.code] = made

    def _get(self, key: str, read: Callable[[str], Any], empty: Any = "") -> Any:
        words = self._row.cells.get(key, "").strip()
        try:
            return read(words) if words else empty
        except UserError as error:
            self._wrong(key, error)
            return empty

    def _wrong(self, key: str, error: UserError) -> None:
        self.errors.append(LineError(self._row.line, HEADINGS.get(key, key), error))

    def _needed(self, key: str, read: Callable[[str], Any]) -> Any:
        if not self._row.cells.get(key, "").strip():
            self._wrong(key, UserError("没有写；请补上"))
        return self._get(key, read, None)

    def _area(self) -> Area | None:
        code, name = self._needed("code", self._area_code), self._needed("name", _name)
        for key in self._row.cells:
            if key not in ("kind", "code", "name") and self._row.cells[key].strip():
                self._wrong(key, UserError("区划只有代码和名称；这一格请空着"))
        return Area(code=code, name=name) if code and name else None

    def _area_code(self, words: str) -> str:
        if not words.isascii() or not words.isdigit() or len(words) not in _AREA_DIGITS:
            raise UserError("区划代码要写 2 位（省）、4 位（市）、6 位（县）、9 位（乡镇）或 12 位（村）数字")
        if words in self.areas:
            raise UserError("这个代码上面已经写过")
        if self.organisation == "" and len(words) >= 6:
            self.organisation = words[:6]
        county = self.organisation
        if not (county.startswith(words) or words.startswith(county)):
            raise UserError("不在本县（{county}）；一个文件只写一个县", county=county)
        return words

    def _facility(self) -> Facility | None:
        code = self._needed("code", self._facility_code)
        values: dict[str, Any] = {
            "name": self._needed("name", _name),
            "level": self._needed("level", _level),
            "catchment": self._get("catchment", self._catchment, ()),
            "address": self._get("address", _plain),
            "phone": self._get("phone", phone_number),
            "emergency_phone": self._get(
                "emergency_phone", lambda words: _AMBULANCE if words == _AMBULANCE else phone_number(words)
            ),
            "capabilities": self._get("departments", self._departments, ()),
            "examinations": self._get("examinations", self._examinations, ()),
            "minutes_away": self._get("minutes_away", self._minutes, {}),
            "open": self._get("open", _is_open, True),
            "closed_reason": self._get("closed_reason", _plain),
        }
        return Facility(code=code, organisation=self.organisation, **values) if code else None

    def _facility_code(self, words: str) -> str:
        if len(words) > _LONGEST_CODE or not re.fullmatch(r"[0-9A-Za-z-]+", words):
            raise UserError("机构编号只用数字、字母和短横，最多 {longest} 位", longest=_LONGEST_CODE)
        if words in self.facilities:
            raise UserError("这个编号上面已经写过")
        return words

    def _catchment(self, words: str) -> tuple[str, ...]:
        for code in _each(words):
            self._expect_place(code)
        return tuple(_each(words))

    def _expect_place(self, code: str) -> None:
        if code not in self.areas and code not in self.known:
            raise UserError("没有代码为 {code} 的区划；请先写上这一行区划", code=code)

    def _departments(self, words: str) -> tuple[Capability, ...]:
        found = []
        for each in _WORDS.findall(words):
            remark = _REMARK.match(each)
            name, note = (remark[1], remark[2].strip()) if remark else (each, "")
            found.append(Capability(department=self._department(name).id, note=note))
        return tuple(found)

    def _department(self, words: str) -> Department:
        for department in self.knowledge.content.departments.values():
            if words in (department.id, department.name):
                return department
        raise UserError("没有科室“{name}”；写国家名录的名称，cunyi department list 可看全部", name=words)

    def _examinations(self, words: str) -> tuple[str, ...]:
        known = self.knowledge.content.examinations
        names = {each.name: each.id for each in known.values()}
        found = []
        for each in _each(words):
            if each not in known and each not in names:
                raise UserError("没有检查“{name}”；写知识库 examinations.yaml 里的名称", name=each)
            found.append(each if each in known else names[each])
        return tuple(found)

    def _minutes(self, words: str) -> dict[str, int]:
        found = {}
        for each in _each(words):
            code, _, minutes = each.partition("=")
            if not minutes.isascii() or not minutes.isdigit() or int(minutes) > _FARTHEST_MINUTES:
                raise UserError("路程要写成 村代码=分钟，如 {example}", example="360731101201=25")
            self._expect_place(code)
            found[code] = int(minutes)
        return found


def _each(words: str) -> list[str]:
    return [each for each in re.split(r"[、，,;；\s]+", words) if each]


def _name(words: str) -> str:
    if len(words) > _LONGEST_NAME:
        raise UserError("名称最多 {longest} 字", longest=_LONGEST_NAME)
    return words


def _plain(words: str) -> str:
    return words


def _level(words: str) -> FacilityLevel:
    if words not in _LEVELS:
        raise UserError("级别要写“村”“乡镇”或“县”，不是“{words}”", words=words)
    return _LEVELS[words]


def _is_open(words: str) -> bool:
    if words.casefold() not in _OPEN:
        raise UserError("状态要写“开诊”或“停诊”，不是“{words}”", words=words)
    return _OPEN[words.casefold()]


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UserError("看不懂文件的编码；请在 Excel 里另存为“CSV UTF-8”", field="file")


def _is_yaml(text: str) -> bool:
    """A table begins with its columns; everything else is taken for YAML, of which JSON is a part."""
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    return first.strip().partition(",")[0].strip('"') not in COLUMNS


def _table_rows(text: str) -> Iterator[_Row]:
    lines = csv.reader(io.StringIO(text))
    headings: list[str] | None = None
    errors: list[LineError] = []
    for cells in lines:
        if not any(cell.strip() for cell in cells) or cells[0].startswith("#"):
            continue
        if headings is None:
            headings = [cell.strip() for cell in cells]
            strange = [name for name in headings if name not in COLUMNS]
            missing = [name for name in ("类别", "代码", "名称") if name not in headings]
            if strange or missing:
                raise UserError("表头看不懂；第一行要写 {columns}", field="file", columns="，".join(COLUMNS))
            continue
        row = {COLUMNS[name]: cell.strip() for name, cell in zip(headings, cells, strict=False)}
        kind = _KINDS.get(row.get("kind", ""))
        if kind is None:
            errors.append(LineError(lines.line_num, "类别", UserError("类别要写“区划”或“机构”")))
            continue
        yield _Row(lines.line_num, {**row, "kind": kind})
    if errors:
        raise InvalidFormError(errors)


def _yaml_rows(text: str) -> Iterator[_Row]:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError("第 {line} 行写法有误；请检查缩进、冒号后的空格和引号", field="file", line=line) from None
    if not isinstance(root, yaml.MappingNode):
        raise UserError(
            "看不懂这个文件：表格的第一行要写 类别，代码，名称……；YAML 和 JSON 要写成 areas: 和 facilities: 两个列表",
            field="file",
        )
    for key, items in root.value:
        kind = {"areas": "area", "facilities": "facility"}.get(key.value)
        if kind is None or not isinstance(items, yaml.SequenceNode):
            raise UserError(
                "第 {line} 行看不懂；文件要写成 areas: 和 facilities: 两个列表",
                field="file",
                line=key.start_mark.line + 1,
            )
        for item in items.value:
            yield _yaml_row(kind, item)


def _yaml_row(kind: str, item: yaml.Node) -> _Row:
    line = item.start_mark.line + 1
    cells = {"kind": kind}
    for key, value in item.value if isinstance(item, yaml.MappingNode) else []:
        if key.value not in HEADINGS or key.value == "kind":
            raise InvalidFormError(
                [LineError(key.start_mark.line + 1, str(key.value), UserError("没有这一项；请删去"))]
            )
        cells[key.value] = _flat(value)
    return _Row(line, cells)


def _flat(node: yaml.Node) -> str:
    """The text of a value as it stands in the file: a code keeps its digits, whatever YAML would make of them."""
    if isinstance(node, yaml.MappingNode):
        return " ".join(f"{_flat(key)}={_flat(value)}" for key, value in node.value)
    if isinstance(node, yaml.SequenceNode):
        return " ".join(_flat(each) for each in node.value)
    return str(node.value)
