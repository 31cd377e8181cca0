"""The file on a stick: the same messages come out as went in, or it is told what is wrong with the file."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cunyi.interop.carried_file import (
    CarriedFileError,
    Direction,
    FileTrouble,
    new_header,
    read_file,
    read_header,
    write_file,
)

KEY = bytes(range(32))
KIT, HUB = "01890000-0000-7000-8000-000000000001", "01890000-0000-7000-8000-000000000002"
MESSAGES = [b"", b"first", b"x" * 300_000, b"y" * 700_000, b"last"]


def made(messages=MESSAGES, key=KEY, **header):
    target = io.BytesIO()
    size = write_file(target, new_header(Direction.TO_HUB, KIT, HUB, **header), key, messages)
    assert size == len(target.getvalue())
    return target.getvalue()


def trouble(data, key=KEY):
    with pytest.raises(CarriedFileError) as refused:
        read_file(io.BytesIO(data), lambda _: key)
    return refused.value.trouble


@given(st.lists(st.binary(max_size=600)))
@settings(max_examples=30, deadline=None)
def test_what_went_in_comes_out(messages):
    header, found = read_file(io.BytesIO(made(messages)), lambda _: KEY)
    assert list(found) == messages
    assert (header.direction, header.from_node, header.to_node) == (Direction.TO_HUB, KIT, HUB)


def test_long_messages_go_in_parts():
    _, found = read_file(io.BytesIO(made()), lambda _: KEY)
    assert list(found) == MESSAGES


def test_the_key_is_asked_for_by_what_stands_open_and_nothing_else_does():
    data = made([b"the name of somebody"])
    asked = []
    read_file(io.BytesIO(data), lambda header: asked.append(header.from_node) or KEY)
    assert asked == [KIT] and b"somebody" not in data
    assert read_header(io.BytesIO(data)).to_node == HUB


def test_two_files_of_the_same_messages_have_nothing_in_common_but_their_header():
    one, other = made([b"same"]), made([b"same"])
    assert one[-24:] != other[-24:]


def test_a_file_that_was_cut_anywhere_is_told():
    data = made([b"first", b"x" * 300_000, b"last"])
    for end in (30, 60, 100, len(data) // 2, len(data) - 1):
        assert trouble(data[:end]) is FileTrouble.CUT_SHORT, end
    assert trouble(data[:5]) is FileTrouble.NOT_OURS


def test_a_file_that_ends_between_two_parts_is_told():
    data = made([b"x" * 600_000])
    frame = data.index(b"\x00\x03\xe8\x10")
    assert trouble(data[: frame + 4 + 256_016]) is FileTrouble.CUT_SHORT


def test_a_changed_byte_anywhere_is_told():
    data = made([b"first", b"x" * 300_000, b"last"])
    for place in [*range(21, 160, 7), len(data) // 2, len(data) - 1]:
        changed = bytearray(data)
        changed[place] ^= 1
        assert trouble(bytes(changed)) in (FileTrouble.DAMAGED, FileTrouble.CUT_SHORT), place


def test_parts_in_another_order_or_twice_or_of_another_file_are_told():
    data = made([b"x" * 256_000 * 3])
    begin = data.index(b"\x00\x03\xe8\x10")
    one = 4 + 256_016
    first, second = data[begin : begin + one], data[begin + one : begin + 2 * one]
    rest = data[begin + 2 * one :]
    other = made([b"x" * 256_000 * 3])
    begin_other = other.index(b"\x00\x03\xe8\x10")
    for mixed in (
        data[:begin] + second + first + rest,
        data[:begin] + first + first + second + rest,
        data[:begin] + other[begin_other : begin_other + one] + second + rest,
        data + b"!",
    ):
        assert trouble(mixed) is FileTrouble.DAMAGED


def test_a_file_of_another_node_does_not_open():
    assert trouble(made(key=bytes(32))) is FileTrouble.DAMAGED
    assert trouble(b"PK\3\4" + bytes(100)) is FileTrouble.NOT_OURS
