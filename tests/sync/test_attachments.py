"""Pictures travel in parts, from where they stopped, and are whole or not there at all."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
from tests.sync.nodes_in_process import COUNTY, LOWER, TestNode, Village, link_of
from tests.sync.test_kit_side import carried, cut

from cunyi.domain.audit import Action
from cunyi.domain.errors import UserError
from cunyi.store.attachments import add_attachment, attachment_by_id, read_attachment, send_attachments
from cunyi.store.township_schema import attachment, attachment_part
from cunyi.sync.messages import PART_BYTES, Part, PartGiven, WantPart
from cunyi.sync.sealing import mark_of, opened, seal

PICTURE = os.urandom(2 * PART_BYTES + 1234)


def taken(kit: TestNode, data: bytes = PICTURE) -> str:
    """A picture of a thread that is asked about."""
    person = kit.register()
    note = kit.write_note(person.id, "H")
    with kit.writing(Action.CHANGE_LIST) as writing:
        picture = add_attachment(writing, person.id, note.thread, "image/jpeg", data)
        send_attachments(writing, [picture])
    return picture.id


def here(node: TestNode, picture: str) -> bytes:
    with node.store.reading() as connection:
        return read_attachment(connection, COUNTY, picture)


def test_a_picture_reaches_the_hub_and_from_there_the_others(village: Village) -> None:
    kit, other = village.kit(), village.kit()
    picture = taken(kit)
    village.settle()
    assert here(village.hub, picture) == here(other, picture) == PICTURE
    assert link_of(kit).uploads == {}


@pytest.mark.parametrize("answered", [False, True])
def test_a_picture_goes_on_from_where_it_stopped(village: Village, answered: bool) -> None:
    kit, other = village.kit(), village.kit()
    picture = taken(kit)
    village.side(kit).push()
    village.side(kit).move_attachments()
    assert len(here(village.hub, picture)) == PART_BYTES
    kit.reopen()
    for after in range(3):
        with suppress(ConnectionError):
            while village.side(kit, cut(village, after, answered=answered)).move_attachments():
                pass
    village.sync(kit)
    assert here(village.hub, picture) == PICTURE
    for after in range(5):
        with suppress(ConnectionError):
            village.side(other, cut(village, after, answered=answered)).synchronise()
        assert PICTURE.startswith(here(other, picture))
    village.sync(other)
    assert here(other, picture) == PICTURE


def test_a_picture_that_is_not_whole_at_the_hub_is_fetched_later(village: Village) -> None:
    kit, other = village.kit(), village.kit()
    picture = taken(kit)
    village.side(kit).push()
    village.sync(other)
    assert here(other, picture) == b""
    village.settle()
    assert here(other, picture) == PICTURE


def test_parts_that_were_changed_on_the_way_are_never_a_picture(village: Village) -> None:
    kit, other = village.kit(), village.kit()
    picture = taken(kit)
    village.settle()
    with other.store.writing("system", working_state=True) as writing:
        writing.connection.execute(attachment_part.delete())
        writing.connection.execute(attachment.update().values(bytes_here=0))

    def send(request: bytes) -> bytes:
        envelope = opened(request)
        return seal(
            village.hub.store.key,
            PartGiven(part=Part(picture, 0, PICTURE[:-1] + b"?")),
            sender=village.hub.id,
            receiver=other.id,
            counter=envelope.counter,
            answers=mark_of(request),
        )

    village.side(other, send).move_attachments()
    assert here(other, picture) == b""
    village.sync(other)
    assert here(other, picture) == PICTURE


def test_who_has_no_part_in_it_does_not_get_a_picture(village: Village) -> None:
    kit, stranger = village.kit(), village.kit(LOWER)
    picture = taken(kit)
    village.settle()
    assert here(stranger, picture) == b""
    with pytest.raises(UserError):
        village.side(stranger)._exchange(WantPart(attachment=picture, first_byte=0), PartGiven)
    with village.hub.store.reading() as connection:
        assert attachment_by_id(connection, COUNTY, picture) is not None


def test_pictures_travel_by_file(village: Village) -> None:
    kit, other = village.kit(), village.kit()
    picture = taken(kit)
    for answer in carried(village, kit):
        village.side(kit).take(answer)
    assert here(village.hub, picture) == PICTURE
    for _ in range(2):
        for answer in carried(village, other):
            village.side(other).take(answer)
    assert here(other, picture) == PICTURE


def test_pictures_are_given_back_to_a_hub_that_was_restored(village: Village) -> None:
    kit = village.kit()
    empty = village.hub.backup()
    picture = taken(kit)
    village.settle()
    village.hub.restore(empty)
    village.settle()
    assert here(village.hub, picture) == PICTURE
