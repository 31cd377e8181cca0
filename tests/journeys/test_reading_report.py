"""A paper report into the record: nothing without the doctor's tap, everything doubtful said, nothing typed lost."""

import base64
import io
import tempfile
from pathlib import Path

import msgspec
import pytest
from node_for_tests import a_node
from paper_for_tests import TEN_ROWS, ToldReader, drawn_report, encoded, line, lines_of, photographed
from PIL import Image

from cunyi.app import artefact_path, load_knowledge
from cunyi.config import read_config
from cunyi.devices.paper.engine import FasterPaddle
from cunyi.domain.account import Role
from cunyi.domain.errors import InvalidFormError, NotAllowedError, UserError
from cunyi.journeys.consulting import DraftOfElsewhereError, begin_draft, discard, keep_draft, open_draft
from cunyi.journeys.doubting_report import Box
from cunyi.journeys.reading_report import forget_report, keep_boxes, kept_report, read_report, take_confirmed

PHOTO = encoded(Image.new("L", (1000, 3000), 255))


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with a_node(tmp_path_factory.mktemp("kit") / "node") as made:
        yield made


@pytest.fixture
def draft(node):
    known = node.register("周大福").id
    return begin_draft(node.store, node.account, known, {"chief_complaint": ["乏力"], "lab_name": [""]})


@pytest.fixture
def desk(node, draft, mini):
    """Everything of one encounter at hand."""

    class Desk:
        id = draft.id

        def read(self, *rows, photo=PHOTO, lines=None, **options):
            reader = ToldReader(lines_of(*rows, **options) if lines is None else lines)
            return read_report(node.store, node.account, draft.id, photo, reader=reader, knowledge=mini)

        knowledge = mini

        def report(self):
            return kept_report(node.store, node.account, draft.id, mini)

        def rows(self):
            return self.report().rows

        def boxes(self, **changes):
            """What stands in the boxes, changed by the name that was read there."""
            return {
                row.id: msgspec.structs.replace(row.entry.box, **changes.get(row.entry.box.name, {}))
                for row in self.rows()
            }

        def keep(self, **changes):
            keep_boxes(node.store, node.account, draft.id, self.boxes(**changes))

        def take(self, **changes):
            return self.take_boxes(self.boxes(**changes))

        def take_boxes(self, boxes):
            return take_confirmed(node.store, node.account, draft.id, boxes, mini)

        def form(self):
            return open_draft(node.store, node.account, draft.id).draft.form

        def labs(self):
            rows = zip(*(self.form().get(f"lab_{field}", ()) for field in ("name", "value", "unit")), strict=False)
            return [row for row in rows if any(row)]

        def doubts(self, *rows, **options):
            """The doubts of the first row of a report."""
            forget_report(node.store, node.account, draft.id)
            self.read(*rows, **options)
            return [doubt.message for doubt in self.rows()[0].doubts]

    return Desk()


def test_rows_wait_beside_their_strips_and_nothing_is_confirmed_by_itself(desk):
    assert desk.read(("HGB", "98 ↓", "115-150", "g/L"), ("白细胞计数", "8.2", "3.5-9.5", "10^9/L")) == 2
    first, second = desk.rows()
    assert first.entry.box == Box(name="血红蛋白", value="98", unit="g/L", sure=False)
    assert second.entry.box == Box(name="白细胞", value="8.2", unit="10^9/L", sure=False)
    assert first.doubts == second.doubts == ()
    strip = Image.open(io.BytesIO(base64.b64decode(first.strips[0])))
    assert strip.format == "PNG" and strip.width > 500
    figure = Image.open(io.BytesIO(base64.b64decode(first.strips[1])))
    assert figure.width < strip.width / 3
    assert desk.labs() == []


def test_only_confirmed_rows_are_taken_and_the_others_wait(desk):
    desk.read(("血红蛋白", "98 ↓", "115-150", "g/L"), ("白细胞", "8.2", "3.5-9.5", "10^9/L"))
    with pytest.raises(UserError, match="还没有确认任何一行"):
        desk.take()
    assert desk.take(血红蛋白={"sure": True}) == 1
    assert desk.labs() == [("血红蛋白", "98", "g/L")]
    assert [row.entry.box.name for row in desk.rows()] == ["白细胞"]
    assert desk.rows()[0].strips
    assert desk.take(白细胞={"sure": True}) == 1
    assert desk.labs() == [("血红蛋白", "98", "g/L"), ("白细胞", "8.2", "10^9/L")]
    assert desk.rows() == ()
    assert desk.form()["chief_complaint"] == ["乏力"]


def test_sent_twice_it_is_in_the_record_once(desk):
    desk.read(("血红蛋白", "98 ↓", "115-150", "g/L"))
    boxes = desk.boxes(血红蛋白={"sure": True})
    assert (desk.take_boxes(boxes), desk.take_boxes(boxes)) == (1, 0)
    assert desk.labs() == [("血红蛋白", "98", "g/L")]


def test_what_was_typed_waits_through_a_power_cut(desk):
    desk.read(("血红蛋白", "", "115-150", "g/L"))
    desk.keep(血红蛋白={"value": "98"})
    desk.read(("白细胞", "8.2", "3.5-9.5", "10^9/L"))
    assert [(row.entry.box.name, row.entry.box.value) for row in desk.rows()] == [("血红蛋白", "98"), ("白细胞", "8.2")]
    assert all(row.strips for row in desk.rows())


def test_another_page_finds_the_encounter_changed_elsewhere(node, desk):
    """An encounter that stayed open in a window does not write over results that came from the paper."""
    keep_draft(node.store, node.account, desk.id, {"chief_complaint": ["乏力"]}, revision=1, window="w1", stroke=1)
    heard = open_draft(node.store, node.account, desk.id).draft.revision
    desk.read(("血红蛋白", "98 ↓", "115-150", "g/L"))
    desk.take(血红蛋白={"sure": True})
    with pytest.raises(DraftOfElsewhereError):
        stale = {"chief_complaint": ["乏力、头晕"]}
        keep_draft(node.store, node.account, desk.id, stale, revision=heard, window="w1", stroke=2)
    assert desk.labs() == [("血红蛋白", "98", "g/L")]


def test_a_confirmed_row_that_cannot_be_kept_is_told_beside_it_and_none_is_taken(desk):
    desk.read(("血红蛋白", "98", "115-150", "g/L"), ("白细胞", "8.2", "3.5-9.5", "10^9/L"))
    first, second = desk.rows()
    for wrong, words in (
        ({"name": ""}, "没有项目名称"),
        ({"value": " "}, "没有结果"),
        ({"value": "九十八"}, "不是这个项目能有的"),
        ({"value": "nan"}, "不是这个项目能有的"),
        ({"value": "4,05"}, "不是这个项目能有的"),
        ({"value": "9800"}, "不是这个项目能有的"),
        ({"value": "9" * 50}, "字太多"),
    ):
        with pytest.raises(InvalidFormError, match=words) as told:
            desk.take(血红蛋白={"sure": True, **wrong}, 白细胞={"sure": True})
        assert set(told.value.by_field()) == {first.id}
        desk.keep(**{wrong.get("name", "血红蛋白"): {"name": "血红蛋白", "value": "98", "sure": False}})
    assert desk.labs() == []
    assert [row.id for row in desk.rows()] == [first.id, second.id]


def test_a_result_of_a_test_that_is_not_known_is_kept_in_the_papers_words(desk):
    desk.read(("某某因子", "弱阳性", "阴性", ""), ("血红蛋白", "98", "115-150", "g/L"))
    assert "不认识这个项目" in desk.rows()[0].doubts[0].message
    desk.take(某某因子={"sure": True})
    assert desk.labs() == [("某某因子", "弱阳性", "")]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("血红蛋白", "98 ↓", "115-150", "g/L"), None),
        (("血红蛋白", "", "115-150", "g/L"), "没有读出结果"),
        (("白细胞", "82", "3.5-9.5", "10^9/L"), "小数点可能没有读到：参考区间是 3.5-9.5；请看原图"),
        (("白细胞", "82 ↑", "3.5-9.5", "10^9/L"), "小数点可能没有读到"),
        (("白细胞", "820", "3.5-9.5", "10^9/L"), "小数点可能没有读到"),
        (("白细胞", "0.82", "3.5-9.5", "10^9/L"), "差得很远"),
        (("血红蛋白", "9.8", "115-150", "g/L"), "不可能"),
        (("血红蛋白", "98 ↑", "115-150", "g/L"), "对不上"),
        (("血红蛋白", "130 ↓", "115-150", "g/L"), "对不上"),
        (("血红蛋白", "130 *", "115-150", "g/L"), "对不上"),
        (("血红蛋白", "98", "150-115", "g/L"), "参考区间没有读清"),
        (("血红蛋白", "130", "115-150", ""), "没有读出单位"),
        (("血红蛋白", "130", "115-150", "mmol/L"), "平常的单位是 g/L，这里是 mmol/L"),
        (("血红蛋白", "9.8 ↓", "11.5-15.0", "g/dL"), None),
        (("血红蛋白 WBC", "98 ↓", "115-150", "g/L"), None),
        (("血红蛋白 WBC", "8.2", "3.5-9.5", "10^9/L"), "名称和缩写不是同一个项目"),
        (("血红蛋白", "<20", "115-150", "g/L"), "大于或小于号"),
        (("尿蛋白", "2+", "阴性", ""), None),
    ],
)
def test_what_does_not_fit_together_is_said(desk, row, words):
    told = desk.doubts(row)
    assert told == [] if words is None else any(words in message for message in told), told


def test_a_missing_arrow_says_something_only_where_the_report_marks_others(desk):
    unmarked = ("血红蛋白", "98", "115-150", "g/L")
    assert desk.doubts(unmarked) == []
    assert any("对不上" in each for each in desk.doubts(unmarked, ("白细胞", "11.2 ↑", "3.5-9.5", "10^9/L")))


def test_print_that_is_not_clear_and_several_figures_are_said(desk):
    assert any("字迹不清楚" in each for each in desk.doubts(lines=[line("血红蛋白 98 g/L", 50, 90, confidence=0.7)]))
    two = [line("血红蛋白 120 98 g/L", 50, 90)]
    assert any("不能确定哪个是结果" in each for each in desk.doubts(lines=two))


def test_the_same_test_twice_and_one_in_the_record_already_are_said(desk):
    assert any("出现了两次" in each for each in desk.doubts(("血红蛋白", "98", "", "g/L"), ("HGB", "86", "", "g/L")))
    assert desk.doubts(("血红蛋白", "98", "", "g/L")) == []
    desk.take(血红蛋白={"sure": True})
    assert any("已经有这个项目" in each for each in desk.doubts(("HGB", "98", "", "g/L")))


def test_a_doubt_goes_when_the_box_is_corrected(desk):
    desk.read(("白细胞", "82", "3.5-9.5", "10^9/L"))
    desk.keep(白细胞={"value": "8.2"})
    assert desk.rows()[0].doubts == ()


def test_a_picture_without_results_and_what_is_no_picture_are_told_and_nothing_is_lost(desk):
    desk.read(("血红蛋白", "98", "115-150", "g/L"))
    with pytest.raises(UserError, match="没有读出化验结果"):
        desk.read(lines=[line("今天天气很好 12 只", 50, 50)])
    with pytest.raises(UserError, match="不是图片"):
        desk.read(photo=b"hello", lines=[])
    assert [row.entry.box.value for row in desk.rows()] == ["98"]


def test_a_mountain_of_rows_is_not_piled_up(desk):
    assert desk.read(*[("血红蛋白", "98", "115-150", "g/L")] * 100) == 100
    with pytest.raises(UserError, match="没处理完的行太多"):
        desk.read(*[("血红蛋白", "98", "115-150", "g/L")] * 60)


def test_who_may_not_write_drafts_reads_no_paper(node, desk, mini):
    manager = msgspec.structs.replace(node.account, role=Role.MANAGER)
    reader = ToldReader(lines_of(("血红蛋白", "98", "115-150", "g/L")))
    with pytest.raises(NotAllowedError):
        read_report(node.store, manager, desk.id, PHOTO, reader=reader, knowledge=mini)
    assert reader.asked == []
    for refused in (
        lambda: kept_report(node.store, manager, desk.id, mini),
        lambda: take_confirmed(node.store, manager, desk.id, {}, mini),
        lambda: forget_report(node.store, manager, desk.id),
    ):
        with pytest.raises(NotAllowedError):
            refused()


def test_a_draft_that_is_gone_takes_nothing(node, desk):
    desk.read(("血红蛋白", "98", "115-150", "g/L"))
    boxes = desk.boxes(血红蛋白={"sure": True})
    discard(node.store, node.account, desk.id)
    with pytest.raises(UserError, match="没有这份草稿"):
        desk.take_boxes(boxes)


def test_nothing_of_the_report_lies_in_plain_on_the_disk(node, desk, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    desk.read(("某某特殊因子", "98.7654", "115-150", "g/L"), ("血红蛋白", "98", "115-150", "g/L"))
    assert list(tmp_path.iterdir()) == []
    strip = base64.b64decode(desk.rows()[0].strips[0])
    for path in Path(node.folder.path).rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert "特殊因子".encode() not in data and b"98.7654" not in data and strip[-60:] not in data


@pytest.fixture(scope="module")
def shipped():
    path = read_config().knowledge or artefact_path()
    if not path.exists():
        pytest.skip("the knowledge is not built here")
    return load_knowledge(path)


def test_a_printed_range_of_another_test_is_said(node, draft, shipped):
    lines = lines_of(("血红蛋白", "130", "3-9", "g/L"), ("尿酸", "6.0", "3.0-8.0", "mg/dL"))
    read_report(node.store, node.account, draft.id, PHOTO, reader=ToldReader(lines), knowledge=shipped)
    first, second = kept_report(node.store, node.account, draft.id, shipped).rows
    assert any("印的参考区间和这个项目平常的差得远" in doubt.message for doubt in first.doubts)
    assert second.doubts == ()


@pytest.fixture(scope="module")
def engine():
    pytest.importorskip("faster_paddle")
    made = FasterPaddle()
    yield made
    made.close()


@pytest.mark.parametrize("held", ["crooked", "on its side", "on its head"])
def test_a_report_of_ten_rows_is_read_or_doubted(node, draft, shipped, engine, held):
    knowledge, reader = shipped, engine
    page = drawn_report()
    if held == "crooked":
        page = photographed(page)
    else:
        page = page.resize((800, page.height * 800 // page.width)).rotate(
            270 if held == "on its side" else 180, expand=True
        )
    forget_report(node.store, node.account, draft.id)
    photo = encoded(page, "JPEG", quality=70)
    assert read_report(node.store, node.account, draft.id, photo, reader=reader, knowledge=knowledge) == 10
    rows = kept_report(node.store, node.account, draft.id, knowledge).rows
    for row, (_, name, _, value, _, reference, unit) in zip(rows, TEN_ROWS, strict=True):
        item = knowledge.language.items.find(name)
        assert row.entry.box.name == knowledge.content.items[item.id].name
        read = (row.entry.box.value, row.entry.box.unit, row.entry.row.reference)
        assert read == (value, unit, reference) or row.doubts
        assert not row.entry.box.sure
    # A page that is printed clearly is read without a doubt.
    assert held == "crooked" or sum(bool(row.doubts) for row in rows) <= 1


HEADED = (
    line("姓名：陆大旺  性别：男  年龄：70岁  标本：血清", 100, 20),
    line("采样时间：2026-03-02 08:10", 100, 50),
    line("出生日期：1956-01-02", 600, 50),
)


def test_the_report_of_another_person_and_of_another_day_is_taken_only_once_it_was_confirmed(node, desk):
    desk.read(lines=[*HEADED, *lines_of(("血红蛋白", "98 ↓", "115-150", "g/L"))])
    (sheet,) = desk.report().sheets
    assert (sheet.heading.name, sheet.heading.sex, sheet.heading.age_years) == ("陆大旺", "male", 70)
    assert sheet.heading.on.isoformat() == "2026-03-02"
    told = " ".join(doubt.message for doubt in sheet.doubts)
    assert "姓名是“陆大旺”，这份档案是“周大福”" in told and "化验单是 2026-03-02 的" in told
    sure = {row.id: msgspec.structs.replace(row.entry.box, sure=True) for row in desk.rows()}
    with pytest.raises(InvalidFormError) as refused:
        take_confirmed(node.store, node.account, desk.id, sure, desk.knowledge)
    assert [error.field for error in refused.value.errors] == [f"sheet-{sheet.id}"]
    assert take_confirmed(node.store, node.account, desk.id, sure, desk.knowledge, theirs=[sheet.id]) == 1
    form = open_draft(node.store, node.account, desk.id).draft.form
    assert (form["lab_name"], form["lab_on"]) == (["血红蛋白"], ["2026-03-02"])


def test_the_persons_own_report_of_the_day_needs_no_confirmation_but_its_rows(node, desk):
    day = node.clock().astimezone().date()
    own = [line("姓名：周大福", 100, 20), line(f"报告日期：{day:%Y/%m/%d}", 100, 50)]
    desk.read(lines=[*own, *lines_of(("血红蛋白", "98 ↓", "115-150", "g/L"))])
    (sheet,) = desk.report().sheets
    assert (sheet.heading.name, sheet.heading.on, sheet.doubts) == ("周大福", day, ())
    sure = {row.id: msgspec.structs.replace(row.entry.box, sure=True) for row in desk.rows()}
    assert take_confirmed(node.store, node.account, desk.id, sure, desk.knowledge) == 1
    assert open_draft(node.store, node.account, desk.id).draft.form["lab_on"] == [""]
