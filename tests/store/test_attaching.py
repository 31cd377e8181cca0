"""Pictures in parts on both databases: they arrive piece by piece, go on where they stopped, and a changed one begins anew."""

from __future__ import annotations

import msgspec

from cunyi.store.attachments import (
    PART_BYTES,
    add_attachment,
    attachment_by_id,
    incomplete_attachments,
    insert_header,
    insert_part,
    read_attachment,
)
from cunyi.store.unit import SYSTEM

ORGANISATION = "360731"
THREAD = "018f0000-0000-7000-8000-00000000c001"
DATA = bytes(range(256)) * 1000


def test_a_picture_is_kept_in_parts_and_read_from_any_place(desk):
    person = desk.register("周大福")
    with desk.store.writing(SYSTEM, working_state=True) as writing:
        kept = add_attachment(writing, person.id, THREAD, "image/jpeg", DATA)
    with desk.store.reading() as connection:
        assert read_attachment(connection, ORGANISATION, kept.id) == DATA
        assert read_attachment(connection, ORGANISATION, kept.id, 5, 10) == DATA[5:15]
        assert attachment_by_id(connection, ORGANISATION, kept.id) == kept and kept.is_whole
        assert incomplete_attachments(connection, ORGANISATION) == []


def test_parts_that_come_twice_or_from_elsewhere_change_nothing(desk):
    person = desk.register("周大福")
    with desk.store.writing(SYSTEM, working_state=True) as writing:
        whole = add_attachment(writing, person.id, THREAD, "image/jpeg", DATA)
        other = msgspec.structs.replace(whole, id=writing.new_id())
        connection = writing.connection
        assert insert_header(connection, other) and not insert_header(connection, other)
        assert insert_part(connection, ORGANISATION, other.id, 100, DATA[100:200]) == 0
        assert insert_part(connection, ORGANISATION, other.id, 0, DATA[:PART_BYTES]) == PART_BYTES
        assert insert_part(connection, ORGANISATION, other.id, 0, DATA[:PART_BYTES]) == PART_BYTES
        assert [each.id for each in incomplete_attachments(connection, ORGANISATION)] == [other.id]
        assert insert_part(connection, ORGANISATION, other.id, PART_BYTES, DATA[PART_BYTES:] + b"!") == PART_BYTES
        changed = bytes(len(DATA) - PART_BYTES)
        assert insert_part(connection, ORGANISATION, other.id, PART_BYTES, changed) == 0, "not what was signed"
        assert insert_part(connection, ORGANISATION, other.id, 0, DATA) == len(DATA)
        assert read_attachment(connection, ORGANISATION, other.id) == DATA
        assert insert_part(connection, ORGANISATION, "018f0000-0000-7000-8000-0000000000ff", 0, DATA) == 0
