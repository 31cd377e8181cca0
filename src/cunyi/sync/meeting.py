"""Two kits that meet exchange what the hub has not answered yet; each carries the other's to the hub."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from cunyi.domain.audit import Action
from cunyi.domain.organisation import KnownNode, NodeState
from cunyi.store.attachments import attachment_by_id, incomplete_attachments, insert_part, read_attachment
from cunyi.store.columns import is_identity
from cunyi.store.known_nodes import node_by_id
from cunyi.store.links import Link, LinkRole, keep_link, link_by_id
from cunyi.store.people import person_by_id
from cunyi.store.unit import SYSTEM, Store, Writing
from cunyi.sync.carrying import carry
from cunyi.sync.errors import not_believed, other_version, outdated, seal_not_accepted, unknown_kit
from cunyi.sync.messages import (
    BATCH_BYTES,
    OLDEST_SERVED,
    PART_BYTES,
    PROTOCOL,
    Answer,
    Forged,
    GivePart,
    Meet,
    Met,
    NotAllowed,
    OtherVersion,
    Part,
    PartGiven,
    PartTaken,
    Replayed,
    Request,
    Revoked,
    UnknownNode,
    Unreadable,
    WantPart,
)
from cunyi.sync.outgoing import unsent
from cunyi.sync.receiving import unknown_kinds
from cunyi.sync.scope import Scope
from cunyi.sync.sealing import ANSWERS, REQUESTS, Envelope, UnreadableError, content, mark_of, opened, seal, understood

_NO_PICTURE = "对方没有这份附件"
_TRIES = 3


class Exchanged(msgspec.Struct, frozen=True, kw_only=True):
    """What a meeting brought (互传结果): changes that were new here, changes that were new there."""

    taken: int
    given: int


class MeetingSide:
    """The kit that is visited (被访方)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def answer(self, request: bytes) -> bytes:
        """The answer to what another kit sent; a refusal is one, too."""
        try:
            envelope = opened(request)
        except UnreadableError:
            return self._sealed(Unreadable(), "", 0, request)
        return self._sealed(self._answered(envelope), envelope.sender, envelope.counter, request)

    def _answered(self, envelope: Envelope) -> Answer:
        version = understood(envelope.protocol, OLDEST_SERVED)
        if version is not None:
            return version
        node = _enrolled(self._store, envelope.sender)
        if node is None or envelope.receiver != self._store.node.id:
            return UnknownNode()
        if not envelope.is_from(node.public_key):
            return Forged()
        try:
            message: Request = content(envelope, REQUESTS)
        except UnreadableError:
            return Unreadable()
        subject = _subject(message)
        if subject is None:
            return NotAllowed(reason=_NO_PICTURE)
        if isinstance(message, Meet) and unknown_kinds(message.changes):
            return OtherVersion(oldest=OLDEST_SERVED, newest=PROTOCOL)
        with self._store.writing(SYSTEM) as writing:
            writing.audit(Action.MEET_NODE, subject=node.id)
            link = _link(writing, node)
            if envelope.counter <= link.heard:
                return Replayed(counter=link.heard)
            keep_link(writing.connection, msgspec.structs.replace(link, heard=envelope.counter, contact_at=writing.at))
            match message:
                case Meet():
                    return self._met(writing, message)
                case GivePart(part=part):
                    here = insert_part(
                        writing.connection, writing.organisation, part.attachment, part.first_byte, part.data
                    )
                    header = attachment_by_id(writing.connection, writing.organisation, part.attachment)
                    return PartTaken(
                        attachment=part.attachment, bytes_here=here, complete=header is not None and header.is_whole
                    )
                case WantPart():
                    return self._part(writing, node, message)
                case _:
                    return NotAllowed(reason=_NO_PICTURE)

    def _met(self, writing: Writing, message: Meet) -> Met:
        taken = carry(writing, message.changes)
        # Also what the other did itself: it may have been restored since.
        changes = unsent(self._store, writing.connection, message.limit, after=message.after)
        until = changes[-1].sequence if changes else message.after
        told = {each.id for each in message.changes}
        missing = incomplete_attachments(writing.connection, writing.organisation)
        return Met(
            until=until,
            more=bool(changes),
            changes=tuple(each for each in changes if each.id not in told),
            taken=taken,
            missing=tuple((each.id, each.bytes_here) for each in missing),
        )

    def _part(self, writing: Writing, node: KnownNode, message: WantPart) -> Answer:
        header = attachment_by_id(writing.connection, writing.organisation, message.attachment)
        if header is None or message.first_byte < 0:
            return NotAllowed(reason=_NO_PICTURE)
        person = person_by_id(writing.connection, writing.organisation, header.person_id)
        scope = Scope(writing.connection, node)
        if not scope.holds(header.person_id, person.village_code if person else None) and not scope.takes_part_in(
            header.thread_id
        ):
            return NotAllowed(reason=_NO_PICTURE)
        data = (
            read_attachment(writing.connection, writing.organisation, header.id, message.first_byte, PART_BYTES)
            if header.is_whole
            else b""
        )
        return PartGiven(part=Part(header.id, message.first_byte, data))

    def _sealed(self, answer: Answer, receiver: str, counter: int, request: bytes) -> bytes:
        return seal(
            self._store.key,
            answer,
            sender=self._store.node.id,
            receiver=receiver,
            counter=counter,
            answers=mark_of(request),
        )


class Meeting:
    """The kit that visits another (来访方). `send` carries a request there and brings the answer; OSError where the line fails."""

    def __init__(self, store: Store, send: Callable[[bytes], bytes], other: str) -> None:
        self._store = store
        self._send = send
        self._other = other

    def exchange(self) -> Exchanged:
        """All that either has unanswered, and the pictures that either lacks. Cut off, it is begun again, and nothing comes twice."""
        after = given_through = taken = given = 0
        missing: tuple[tuple[str, int], ...] = ()
        more, seen = True, set[str]()
        while more:
            with self._store.reading() as connection:
                own = unsent(self._store, connection, BATCH_BYTES, after=given_through)
            told = tuple(each for each in own if each.id not in seen)
            met: Met = self._exchange(Meet(after=after, changes=told), Met)
            seen.update(each.id for each in met.changes)
            with self._store.writing(SYSTEM) as writing:
                taken += carry(writing, met.changes)
                writing.audit(Action.MEET_NODE, subject=self._other, detail=str(len(met.changes)))
            given += met.taken
            after, given_through = met.until, own[-1].sequence if own else given_through
            more, missing = met.more or bool(own), met.missing
        self._give_parts(missing)
        self._want_parts()
        return Exchanged(taken=taken, given=given)

    def _give_parts(self, missing: tuple[tuple[str, int], ...]) -> None:
        organisation = self._store.node.organisation
        for attachment_id, first in missing:
            there, complete = first, not is_identity(attachment_id)
            while not complete:
                with self._store.reading() as connection:
                    data = read_attachment(connection, organisation, attachment_id, there, PART_BYTES)
                if not data:
                    break
                answer: PartTaken = self._exchange(GivePart(part=Part(attachment_id, there, data)), PartTaken)
                complete = answer.complete or answer.bytes_here <= there
                there = answer.bytes_here

    def _want_parts(self) -> None:
        organisation = self._store.node.organisation
        with self._store.reading() as connection:
            missing = incomplete_attachments(connection, organisation)
        for each in missing:
            here = each.bytes_here
            while here < each.bytes_total:
                answer = self._exchange(WantPart(attachment=each.id, first_byte=here), PartGiven | NotAllowed)
                if isinstance(answer, NotAllowed) or not answer.part.data:
                    break
                with self._store.writing(SYSTEM, working_state=True) as writing:
                    now = insert_part(writing.connection, organisation, each.id, here, answer.part.data)
                if now <= here:
                    break
                here = now

    def _exchange(self, message: Request, expected: Any) -> Any:
        node = _enrolled(self._store, self._other)
        if node is None:
            raise unknown_kit()
        for _ in range(_TRIES):
            with self._store.writing(SYSTEM, working_state=True) as writing:
                link = _link(writing, node)
                counter = link.counter + 1
                keep_link(writing.connection, msgspec.structs.replace(link, counter=counter))
            request = seal(self._store.key, message, sender=self._store.node.id, receiver=self._other, counter=counter)
            answer = self._believed(self._send(request), node, mark_of(request))
            if isinstance(answer, Replayed):
                with self._store.writing(SYSTEM, working_state=True) as writing:
                    link = msgspec.structs.replace(_link(writing, node), counter=answer.counter)
                    keep_link(writing.connection, link)
                continue
            if not isinstance(answer, expected):
                raise not_believed()
            return answer
        raise not_believed()

    def _believed(self, data: bytes, node: KnownNode, request: bytes) -> Any:
        try:
            envelope = opened(data)
        except UnreadableError:
            raise not_believed() from None
        if (envelope.sender, envelope.answers) != (node.id, request) or not envelope.is_from(node.public_key):
            raise not_believed()
        try:
            answer = content(envelope, ANSWERS)
        except UnreadableError:
            raise outdated() from None
        match answer:
            case UnknownNode() | Revoked():
                raise unknown_kit()
            case Forged():
                raise seal_not_accepted()
            case OtherVersion(oldest=oldest, newest=newest):
                raise other_version(oldest, newest, PROTOCOL)
            case Unreadable():
                raise outdated()
            case _:
                return answer


def _enrolled(store: Store, node_id: str) -> KnownNode | None:
    """A node that may take part, by what the hub said of it."""
    if not is_identity(node_id):
        return None
    with store.reading() as connection:
        node = node_by_id(connection, store.node.organisation, node_id)
    return node if node is not None and node.state is NodeState.ENROLLED else None


def _link(writing: Writing, node: KnownNode) -> Link:
    return link_by_id(writing.connection, writing.organisation, node.id) or Link(
        id=node.id, organisation=writing.organisation, role=LinkRole.KIT, name=node.name, public_key=node.public_key
    )


def _subject(message: Request) -> str | None:
    """The picture that a message is about, or what stands for it where it is about none; None where it is not for a kit."""
    match message:
        case Meet():
            return ""
        case WantPart(attachment=subject) | GivePart(part=Part(attachment=subject)):
            return subject if is_identity(subject) else None
        case _:
            return None
