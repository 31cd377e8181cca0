"""A question to the health centre, as a kit writes it: urgent or not, with a picture or without."""

from __future__ import annotations

from clinic_day import Desk
from township_for_tests import CENTRE

from cunyi.domain.audit import Action
from cunyi.domain.consultation import ConsultationAsked, ConsultationStep, Picture
from cunyi.domain.person import Person
from cunyi.domain.thread import ThreadKind
from cunyi.journeys.thread_notes import begin_thread, signer_of
from cunyi.store.attachments import add_attachment, send_attachments


def a_question(kit: Desk, person: Person, *, urgency: int = 0, picture: bytes = b"") -> str:
    """Asks, and gives the id of the thread."""
    with kit.store.writing(kit.account.id) as writing:
        thread = writing.new_id()
        kept = [add_attachment(writing, person.id, thread, "image/jpeg", picture)] if picture else []
        asked = ConsultationAsked(
            to_facility=CENTRE,
            urgency_level=urgency,
            question="要不要转？",
            pictures=tuple(
                Picture(id=each.id, media_type=each.media_type, bytes=each.bytes_total, hash=each.hash.hex())
                for each in kept
            ),
        )
        begin_thread(
            writing,
            ThreadKind.CONSULTATION,
            ConsultationStep.ASK,
            asked,
            thread_id=thread,
            person=person,
            facility=(kit.store.node.facility, kit.store.node.facility_name),
            author=signer_of(kit.account),
        )
        send_attachments(writing, kept)
        writing.audit(Action.WRITE_CONSULTATION, person=person.id, subject=thread)
    return thread


def a_picture_in_a_thread(kit: Desk, picture: bytes) -> tuple[str, bytes]:
    """A thread with a picture, and the picture."""
    return a_question(kit, kit.register("周大福"), picture=picture), picture
