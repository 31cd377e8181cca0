"""Pictures that go with a question: checked, freed of what the camera wrote beside them, kept within the encrypted store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from cunyi.domain.account import Account, Permission
from cunyi.domain.audit import Action
from cunyi.domain.consultation import ConsultationWritten, Picture, content_of, open_steps
from cunyi.domain.errors import NotAllowedError, UserError
from cunyi.journeys.access import person_for, require
from cunyi.journeys.thread_notes import facility_of
from cunyi.store.attachments import (
    Attachment,
    add_attachment,
    attachment_by_id,
    attachments_of_thread,
    drop_abandoned,
    drop_attachment,
    send_attachments,
)
from cunyi.store.notes import notes_of, thread_by_id
from cunyi.store.unit import Store, Writing

JPEG, PNG = "image/jpeg", "image/png"
MOST_BYTES = 600_000
MOST_PICTURES = 6
# A form that nobody sent by then is not sent any more.
_ABANDONED = timedelta(days=3)
_START, _SCAN, _MARK = b"\xff\xd8", 0xDA, 0xFF
# What describes the picture itself; everything else (place, time, camera, remarks) is left out.
_LEFT_OUT = frozenset({*range(0xE1, 0xF0), 0xFE}) - {0xEE}
_PNG_START, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND"
_PNG_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", _PNG_END)


def keep_picture(
    store: Store, by: Account, person_id: str, thread_id: str, data: bytes, *, reason: str = ""
) -> Attachment:
    """Keeps a picture for a thread that is being begun or gone on with. It is sent on with the note that names it."""
    require(by, Permission.CONSULT)
    if len(data) > MOST_BYTES:
        raise UserError("这张图片太大；请重新选一张，页面会先把它缩小", field="picture")
    media_type, clean = without_remarks(data)
    with store.writing(by.id) as writing:
        thread = thread_by_id(writing.connection, by.organisation, thread_id)
        if thread is not None and not open_steps(thread, facility_of(store, by)):
            raise NotAllowedError("这次会诊已经结束，或没有发给您的机构；不能再加图片", field="picture")
        # Whoever may write in a thread need not be able to open the record.
        owner = thread.person_id if thread else person_for(writing.connection, by, person_id, reason=reason).id
        waiting = _unsent(writing, thread_id)
        if len(waiting) >= MOST_PICTURES:
            raise UserError("一次最多 {most} 张图片；请先去掉一张", field="picture", most=MOST_PICTURES)
        drop_abandoned(writing, writing.at - _ABANDONED)
        kept = add_attachment(writing, owner, thread_id, media_type, clean)
        writing.audit(Action.KEEP_PICTURE, person=owner, subject=kept.id)
    return kept


def forget_picture(store: Store, by: Account, picture_id: str) -> None:
    """Takes a picture back that was not sent yet; nothing where it is named by a note."""
    require(by, Permission.CONSULT)
    with store.writing(by.id) as writing:
        known = attachment_by_id(writing.connection, by.organisation, picture_id)
        if known is None or known.id in named_pictures(writing, known.thread_id):
            raise UserError("这张图片已经发出，不能去掉", field="picture")
        drop_attachment(writing, picture_id)
        writing.audit(Action.KEEP_PICTURE, person=known.person_id, subject=picture_id, detail="去掉")


def send_pictures(writing: Writing, thread_id: str, person_id: str, ids: Sequence[str]) -> tuple[Picture, ...]:
    """The pictures that a note names now, put into the log; those of another thread or person are not taken."""
    named = named_pictures(writing, thread_id)
    sent = [
        each
        for each in attachments_of_thread(writing.connection, writing.organisation, thread_id)
        if each.id in ids and each.person_id == person_id and each.id not in named
    ]
    send_attachments(writing, sent)
    return tuple(
        Picture(id=each.id, media_type=each.media_type, bytes=each.bytes_total, hash=each.hash.hex()) for each in sent
    )


def without_remarks(data: bytes) -> tuple[str, bytes]:
    """The media type of a picture, and the picture without what the camera wrote beside it. UserError for anything that is no picture."""
    if data.startswith(_START):
        media_type, clean = JPEG, _jpeg(data)
    elif data.startswith(_PNG_START):
        media_type, clean = PNG, _png(data)
    else:
        raise UserError("这不是能用的图片；请拍照，或选一张照片", field="picture")
    if clean is None:
        raise UserError("这张图片不完整；请重新拍一张，或另选一张", field="picture")
    return media_type, clean


def _jpeg(data: bytes) -> bytes | None:
    """The segments that describe the picture; None where it is cut off."""
    kept, at = [_START], len(_START)
    while at + 4 <= len(data):
        mark, kind = data[at], data[at + 1]
        if mark != _MARK:
            return None
        if kind == _SCAN:
            return b"".join([*kept, data[at:]])
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2:
            return None
        if kind not in _LEFT_OUT:
            kept.append(data[at : at + 2 + length])
        at += 2 + length
    return None


def _png(data: bytes) -> bytes | None:
    """The chunks that are the picture; None where it is cut off."""
    kept, at = [_PNG_START], len(_PNG_START)
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        after = at + 12 + length
        if after > len(data):
            return None
        if kind in _PNG_KEPT:
            kept.append(data[at:after])
        if kind == _PNG_END:
            return b"".join(kept)
        at = after
    return None


def named_pictures(writing: Writing, thread_id: str) -> set[str]:
    """The pictures of a thread that a note names."""
    notes = [kept.note for kept in notes_of(writing.connection, writing.organisation, thread_id)]
    return {each.id for note in notes for each in content_of(note, ConsultationWritten).pictures}


def _unsent(writing: Writing, thread_id: str) -> list[Attachment]:
    named = named_pictures(writing, thread_id)
    return [
        each
        for each in attachments_of_thread(writing.connection, writing.organisation, thread_id)
        if each.id not in named
    ]
