"""Archive codes: how they are read, and that no serial is given out twice."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cunyi.domain.archive_code import (
    ArchiveCode,
    SerialBlock,
    VillageKind,
    next_serial,
    read_archive_code,
    village_kind,
)
from cunyi.domain.errors import UserError

VILLAGE = "360731101101"


def block(first, last, used_through=0):
    return SerialBlock(village_code=VILLAGE, first=first, last=last, used_through=used_through)


@given(st.integers(1, 99_999))
def test_a_code_is_read_back_from_its_text(serial):
    code = ArchiveCode(county="360731", township="101", village="101", serial=serial)
    assert len(code.text) == 17
    assert read_archive_code(code.text) == code


def test_width_blanks_and_dashes_do_not_matter():
    code = read_archive_code("３60731-101-101　00025")
    assert (code.text, code.village_code, code.serial) == (VILLAGE + "00025", VILLAGE, 25)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "请输入健康档案编码"),
        (VILLAGE + "0002", "现在是 16 位"),
        ("360731198506154025", "证件号码一栏"),
        ("11010519491231002X", "证件号码一栏"),
        (VILLAGE + "0O025", "第 14 位应为数字"),
        ("060731101101" + "00025", "不以 0 开头"),
        (VILLAGE + "00000", "从 00001 开始"),
    ],
)
def test_a_refusal_says_what_is_wrong(text, words):
    with pytest.raises(UserError, match=words) as caught:
        read_archive_code(text)
    assert caught.value.field == "archive_code"


@pytest.mark.parametrize(
    ("village", "kind"),
    [
        ("000", None),
        ("001", VillageKind.RESIDENTS_COMMITTEE),
        ("099", VillageKind.RESIDENTS_COMMITTEE),
        ("100", None),
        ("101", VillageKind.VILLAGERS_COMMITTEE),
        ("199", VillageKind.VILLAGERS_COMMITTEE),
        ("200", None),
        ("900", None),
        ("901", VillageKind.OTHER),
        ("999", VillageKind.OTHER),
    ],
)
def test_the_village_digits_tell_the_kind_of_village(village, kind):
    assert village_kind(ArchiveCode(county="360731", township="101", village=village, serial=1)) is kind


def test_the_lowest_free_serial_comes_first_whatever_the_order_of_the_blocks():
    code, after = next_serial([block(201, 300), block(1, 100, used_through=99)])
    assert (code.text, after) == (VILLAGE + "00100", block(1, 100, used_through=100))
    code, after = next_serial([block(201, 300), after])
    assert (code.serial, after) == (201, block(201, 300, used_through=201))


def test_blocks_give_out_each_of_their_serials_once_and_then_ask_for_more():
    blocks, given_out = {1: block(1, 3), 10: block(10, 11, used_through=10)}, []
    for _ in range(4):
        code, after = next_serial(list(blocks.values()))
        blocks[after.first] = after
        given_out.append(code.serial)
    assert given_out == [1, 2, 3, 11]
    with pytest.raises(UserError, match="向卫生院申请新的编号段") as caught:
        next_serial(list(blocks.values()))
    assert caught.value.field == "archive_code"


def test_no_block_at_all_asks_for_one():
    with pytest.raises(UserError, match="申请新的编号段"):
        next_serial([])


def test_blocks_that_could_give_a_code_out_twice_are_a_fault():
    with pytest.raises(ValueError, match="overlap"):
        next_serial([block(1, 100, used_through=50), block(50, 140)])
    with pytest.raises(ValueError, match="villages"):
        next_serial([block(1, 100), SerialBlock(village_code="360731101102", first=1, last=100)])


@pytest.mark.parametrize(("first", "last", "used"), [(0, 5, 0), (5, 4, 0), (1, 100_000, 0), (10, 20, 9), (10, 20, 21)])
def test_an_impossible_block_is_refused_also_when_decoded(first, last, used):
    with pytest.raises(ValueError):
        block(first, last, used)
    raw = {"village_code": VILLAGE, "first": first, "last": last, "used_through": used}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(raw, SerialBlock)


def test_a_repr_hides_the_serial():
    shown = repr(ArchiveCode(county="360731", township="101", village="101", serial=12_345))
    assert VILLAGE in shown and "12345" not in shown
