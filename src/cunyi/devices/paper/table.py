"""Lines of text with their places become the rows of a report: names, value, unit, reference range, mark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import msgspec

from cunyi.devices.paper.engine import Line
from cunyi.devices.paper.wording import Kind, Piece, ends_of, looks_like_unit, pieces, plain, side_of

_STEEPEST, _STEPS = 0.14, 141
_NAME_HEADS = r"(?:检验|检查|检测|分析|化验)?项目(?:名称)?|(?:中文)?名称"
_EARLIER_HEADS = r"(?:上次|历史|前次|既往)(?:检验|测定|检测)?(?:结果|值)"
_RESULT_HEADS = r"(?:检验|测定|检测|本次|定量)?结果(?:值)?|测定值"
_OTHER_HEADS = r"单位|(?:生物)?参考(?:区间|范围|值)|提示|标志|状态|(?:英文)?(?:缩写|名称|代号)|序号|方法|no\.?"
_HEADS = re.compile(
    rf"(?P<earlier>{_EARLIER_HEADS})|(?P<other>{_OTHER_HEADS})|(?P<result>{_RESULT_HEADS})|(?P<name>{_NAME_HEADS})",
    re.IGNORECASE,
)
_EARLIER, _OTHER, _RESULT, _NAME = "earlier", "other", "result", "name"
_BRACKETED = re.compile(r"\(.*?\)")
_ASCII_UNIT = 10


class ReportRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a report as it was read (化验单的一行). Nothing is mended: `value` and `unit` are what stands there.

    `names` are the name and its short forms in order. `reference` is the range as printed, `lower` and `upper` its ends.
    `side` is the printed mark: high, low, abnormal, or nothing. `uncertain` says that what stands in `value` may
    not be the result. `box` is left, top, right, bottom in pixels; `figure_box` that of the line with the value, where there is one.
    """

    names: tuple[str, ...]
    value: str
    unit: str
    reference: str
    lower: float | None
    upper: float | None
    side: str
    uncertain: bool
    confidence: float
    box: tuple[float, float, float, float]
    figure_box: tuple[float, float, float, float] | None


class _Placed(NamedTuple):
    piece: Piece
    at: float
    line: Line


class _Head(NamedTuple):
    kind: str
    at: float


class _Draft:
    def __init__(self) -> None:
        self.names: list[str] = []
        self.figures: list[_Placed] = []
        self.unit = self.reference = self.mark = ""
        self.lines: list[Line] = []

    def add(self, placed: _Placed) -> None:
        self.lines.append(placed.line)
        text = placed.piece.text
        match placed.piece.kind:
            case Kind.FIGURE:
                self.figures.append(placed)
            case Kind.MARK:
                self.mark = self.mark or (text if self.figures or not text.startswith("*") else "")
            case Kind.UNIT:
                self.unit = self.unit or text
            case Kind.RANGE:
                self.reference = self.reference or text
            case Kind.BOUND | Kind.STEP if not self.figures:
                self.figures.append(placed)
            case Kind.BOUND | Kind.STEP:
                self.reference = self.reference or text
            case _:
                self.names.append(text)

    def row(self, heads: Sequence[_Head]) -> ReportRow | None:
        """The row, if it is one: it has a name, and more than that."""
        if not self.names or not (self.figures or self.unit or self.reference):
            return None
        chosen, uncertain = self._result(heads)
        lower, upper = ends_of(self.reference)
        return ReportRow(
            names=tuple(self.names),
            value=chosen.piece.text if chosen else "",
            unit=self.unit,
            reference=self.reference,
            lower=lower,
            upper=upper,
            side=side_of(self.mark) if self.mark else "",
            uncertain=uncertain,
            confidence=min(line.confidence for line in self.lines),
            box=_around(self.lines),
            figure_box=_around([chosen.line]) if chosen else None,
        )

    def _result(self, heads: Sequence[_Head]) -> tuple[_Placed | None, bool]:
        """What stands below the heading of the results, and whether it may be something else.

        Where the result itself was not read, a reference ("negative") or an earlier result must not take its place.
        """
        if not heads:
            lone_step = len(self.figures) == 1 and self.figures[0].piece.kind is Kind.STEP and not self.reference
            return next(iter(self.figures), None), lone_step or len(self.figures) > 1
        below = [(each, min(heads, key=lambda head: abs(head.at - each.at)).kind) for each in self.figures]
        results = [each for each, kind in below if kind == _RESULT]
        if results:
            return results[0], len(results) > 1
        beside = [each for each, kind in below if kind == _OTHER and each.piece.kind is Kind.FIGURE]
        elsewhere = [each for each, kind in below if kind != _EARLIER and each not in beside]
        self.reference = self.reference or next(
            (each.piece.text for each in elsewhere if each.piece.kind is not Kind.FIGURE), ""
        )
        return next(iter(beside), None), True


def _around(lines: Sequence[Line]) -> tuple[float, float, float, float]:
    return (
        min(line.left for line in lines),
        min(line.top for line in lines),
        max(line.right for line in lines),
        max(line.bottom for line in lines),
    )


def slope_of(lines: Sequence[Line]) -> float:
    """How far the lines of a page fall on their way (dy/dx): the slope at which most of them stand in rows."""
    if len(lines) < 4:
        return 0.0
    near = median(line.height for line in lines) / 3
    best, best_score = 0.0, -1.0
    for step in range(_STEPS):
        slope = (step - _STEPS // 2) * (2 * _STEEPEST / (_STEPS - 1))
        heights = sorted(line.middle[1] - slope * line.middle[0] for line in lines)
        gaps = [after - before for before, after in pairwise(heights)]
        score = sum(1 - gap / near for gap in gaps if gap < near)
        # Of equally good slopes the flatter one.
        if score > best_score + 1e-9 or (abs(score - best_score) <= 1e-9 and abs(slope) < abs(best)):
            best, best_score = slope, score
    return best


def rows_of(lines: Iterable[Line], is_unit: Callable[[str], bool]) -> list[ReportRow]:
    """The rows of a level page, in reading order; what stands above the heading of the table is left out."""
    heads: list[_Head] = []
    found: list[ReportRow] = []
    for physical in side_by_side(list(lines)):
        heading = _heads(physical)
        if not heading:
            found += _rows_in(physical, heads, is_unit)
            continue
        if not heads:
            found.clear()
        heads = heading
    return found


def side_by_side(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines beside each other. Each is joined to the row whose last line is level with it, so that rows may bend."""
    if not lines:
        return []
    near = median(line.height for line in lines) / 2
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (line.left, line.top)):
        level = [
            (abs(row[-1].middle[1] - line.middle[1]), number)
            for number, row in enumerate(rows)
            if abs(row[-1].middle[1] - line.middle[1]) < near and row[-1].middle[0] < line.middle[0]
        ]
        if level:
            rows[min(level)[1]].append(line)
        else:
            rows.append([line])
    return sorted(rows, key=lambda row: sum(line.middle[1] for line in row) / len(row))


def _heads(row: Sequence[Line]) -> list[_Head]:
    """What stands where below a heading; nothing for a row that is no heading."""
    found = []
    for line in row:
        text = _BRACKETED.sub("", plain(line.text)).replace(" ", "")
        matches = list(_HEADS.finditer(text))
        if sum(len(match.group()) for match in matches) < len(text):
            continue
        for match in matches:
            share = (match.start() + match.end()) / 2 / len(text)
            found.append(_Head(match.lastgroup or _OTHER, line.left + share * (line.right - line.left)))
    kinds = {head.kind for head in found}
    return found if _RESULT in kinds and len(kinds) > 1 else []


def _rows_in(row: Sequence[Line], heads: Sequence[_Head], is_unit: Callable[[str], bool]) -> list[ReportRow]:
    placed = []
    for line in row:
        text = plain(line.text)
        for piece in pieces(text, is_unit):
            share = (piece.start + piece.end) / 2 / max(1, len(text))
            placed.append(_Placed(piece, line.left + share * (line.right - line.left), line))
    drafts = [_Draft()]
    for number, each in enumerate(placed):
        draft, following = drafts[-1], placed[number + 1].piece.kind if number + 1 < len(placed) else None
        kind, text = each.piece.kind, each.piece.text
        if kind is Kind.WORD and draft.figures:
            if looks_like_unit(text, is_unit) or _may_be_unit(draft, text, following):
                each = each._replace(piece=each.piece._replace(kind=Kind.UNIT))
            else:
                drafts.append(_Draft())
        elif kind is Kind.FIGURE and following is Kind.WORD and _is_number_of_row(draft, placed, number, is_unit):
            if draft.names:
                drafts.append(_Draft())
            continue
        elif kind is Kind.STEP and not draft.names:
            continue
        drafts[-1].add(each)
    return [made for draft in drafts if (made := draft.row(heads)) is not None]


def _may_be_unit(draft: _Draft, text: str, following: Kind | None) -> bool:
    """A short word in letters after a value, in a row that has no unit yet, before no further value."""
    return not draft.unit and text.isascii() and len(text) <= _ASCII_UNIT and following is not Kind.FIGURE


def _is_number_of_row(draft: _Draft, placed: Sequence[_Placed], number: int, is_unit: Callable[[str], bool]) -> bool:
    """Whether a figure before a word numbers the row: no name stands before it, or the row before it has its value."""
    word = placed[number + 1].piece.text
    if not placed[number].piece.text.isdigit() or looks_like_unit(word, is_unit):
        return False
    return not draft.names or bool(draft.figures and (draft.unit or draft.reference))
