"""The hub's side of the exchange: the bytes of a request in, the bytes of its answer out. It keeps nothing but what is in the store."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from cunyi.domain.audit import Action
from cunyi.domain.change import ChangeKind
from cunyi.domain.organisation import KnownNode, NodeState
from cunyi.store.attachments import attachment_by_id, insert_part, read_attachment
from cunyi.store.bulk import without_collecting
from cunyi.store.columns import is_identity
from cunyi.store.known_nodes import node_by_id, note_contact
from cunyi.store.links import (
    Epoch,
    Link,
    LinkRole,
    advance_counter,
    begin_epoch,
    counter_of,
    current_epoch,
    follow,
    followed_by,
    id_at,
    keep_link,
    last_sequence,
    link_by_id,
    note_heard,
)
from cunyi.store.people import person_by_id, person_in_use
from cunyi.store.unit import SYSTEM, Store, Writing
from cunyi.sync.batch import Batch
from cunyi.sync.gathering import gather
from cunyi.sync.looking_up import find_people
from cunyi.sync.messages import (
    OLDEST_SERVED,
    PART_BYTES,
    PROTOCOL,
    Answer,
    Find,
    Follow,
    Following,
    Forged,
    Found,
    GivePart,
    Known,
    NotAllowed,
    Offer,
    Offered,
    OtherVersion,
    Page,
    Part,
    PartGiven,
    PartTaken,
    Place,
    Pull,
    Push,
    Pushed,
    Replayed,
    Request,
    Revoked,
    TravellingChange,
    UnknownNode,
    Unreadable,
    WantPart,
)
from cunyi.sync.offering import take_back, wanted
from cunyi.sync.progress import parted_after
from cunyi.sync.pulling import page_for
from cunyi.sync.receiving import receive, unknown_kinds
from cunyi.sync.scope import Scope
from cunyi.sync.sealing import REQUESTS, Envelope, UnreadableError, content, mark_of, opened, seal, understood

_LONGEST_REASON = 200
_NOT_HERE = "中心没有这位居民；请重新查找"
_NO_PICTURE = "中心没有这份附件"
_OUTSIDE = "这份附件不归本机查看"


class HubSide:
    """What answers the nodes (中心端). Several may work over one database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def answer(self, request: bytes, *, whole: bool = False) -> bytes:
        """The answer to a request, sealed; a refusal is one, too. `whole` where it goes into a file: a Pull then gets all at once."""
        try:
            envelope = opened(request)
        except UnreadableError:
            return self._sealed(Unreadable(), "", 0, request)
        return self._sealed(self._answered(envelope, whole), envelope.sender, envelope.counter, request)

    def _answered(self, envelope: Envelope, whole: bool) -> Answer:
        version = understood(envelope.protocol, OLDEST_SERVED)
        if version is not None:
            return version
        if not is_identity(envelope.sender) or envelope.receiver != self._store.node.id:
            return UnknownNode()
        with self._store.reading() as connection:
            node = node_by_id(connection, self._store.node.organisation, envelope.sender)
        if node is None:
            return UnknownNode()
        if not envelope.is_from(node.public_key):
            return Forged()
        if node.state is NodeState.REVOKED:
            with self._store.writing(SYSTEM, working_state=True) as writing:
                note_heard(writing.connection, writing.organisation, node.id, writing.at)
            return Revoked(reason=node.revoked_reason)
        try:
            message: Request = content(envelope, REQUESTS)
        except UnreadableError:
            return Unreadable()
        return self._served(envelope, node, message, whole)

    def _served(self, envelope: Envelope, node: KnownNode, message: Request, whole: bool) -> Answer:
        match message:
            case Push() | Offer():
                things = (*message.changes,) if isinstance(message, Push) else (*message.items, *message.marks)
                if unknown_kinds(things):
                    return OtherVersion(oldest=OLDEST_SERVED, newest=PROTOCOL)
                if not _well_formed(message):
                    return Unreadable()
            case WantPart(attachment=subject) | GivePart(part=Part(attachment=subject)) | Follow(person=subject):
                if not is_identity(subject):
                    return Unreadable()
            case _:
                pass
        records = isinstance(message, Push | Offer | Find | Follow)
        with self._store.writing(SYSTEM, working_state=not records) as writing:
            organisation = writing.organisation
            if not advance_counter(writing.connection, organisation, node.id, envelope.counter):
                last = counter_of(writing.connection, organisation, node.id)
                if records:
                    writing.audit(Action.RECEIVE_CHANGES, subject=node.id, detail="replayed")
                return Replayed(counter=last)
            epoch = current_epoch(writing.connection, organisation) or begin_epoch(writing)
            if isinstance(message, Pull | Push) and _was_restored(writing, epoch, message.place):
                epoch = begin_epoch(writing, parted_after(writing.connection, organisation, message.place.marks))
            if isinstance(message, Pull):
                note_contact(
                    writing,
                    node.id,
                    protocol=envelope.protocol,
                    waiting=message.waiting,
                    refused=message.refused,
                )
            else:
                note_heard(writing.connection, organisation, node.id, writing.at)
            match message:
                case Push():
                    return self._pushed(writing, node, epoch, message)
                case Offer():
                    return self._offered(writing, node, epoch, message)
                case GivePart():
                    return self._part_taken(writing, node, message.part)
                case Find():
                    return self._found(writing, node, message)
                case Follow():
                    return self._following(writing, node, message)
                case _:
                    pass
        if isinstance(message, Pull):
            return self._page(node, epoch, message, whole)
        if isinstance(message, WantPart):
            return self._part_given(node, message)
        return NotAllowed(reason=_NOT_HERE)

    def _pushed(self, writing: Writing, node: KnownNode, epoch: Epoch, message: Push) -> Pushed:
        link = link_by_id(writing.connection, writing.organisation, node.id) or Link(
            id=node.id, organisation=writing.organisation, role=LinkRole.KIT, name=node.name
        )
        batch = Batch(writing, node)
        if message.received_id != link.received_id or message.place.epoch not in ("", epoch.mark):
            # It may have been restored, or the hub was: it looks first, and sends again.
            writing.audit(Action.RECEIVE_CHANGES, subject=node.id, detail="0")
            return Pushed(known=self._known(writing, epoch, link), outcomes=())
        outcomes = receive(batch, message.changes)
        last = _last_own(node, message.changes, link)
        keep_link(writing.connection, last)
        writing.audit(Action.RECEIVE_CHANGES, subject=node.id, detail=str(len(outcomes)))
        states = gather(self._store, writing.connection, batch.otherwise)
        return Pushed(known=self._known(writing, epoch, last), outcomes=tuple(outcomes), states=tuple(states))

    def _offered(self, writing: Writing, node: KnownNode, epoch: Epoch, message: Offer) -> Offered:
        link = link_by_id(writing.connection, writing.organisation, node.id)
        batch = Batch(writing, node)
        take_back(batch, epoch, message.items)
        followed = followed_by(writing.connection, writing.organisation, node.id)
        for person in message.followed:
            # The backup did not know of it yet.
            if person not in followed:
                _follow(writing, node, person)
        places = wanted(batch, message.marks)
        writing.audit(Action.RECEIVE_CHANGES, subject=node.id, detail=f"offered {len(message.items)}")
        return Offered(known=self._known(writing, epoch, link), wanted=places)

    def _page(self, node: KnownNode, epoch: Epoch, message: Pull, whole: bool) -> Answer:
        with without_collecting(), self._store.reading() as connection:
            link = link_by_id(connection, self._store.node.organisation, node.id)
            known = _known_in(connection, self._store, epoch, link)
            if message.place.epoch != epoch.mark and not message.first:
                # It gives back what it has before it takes anything.
                return _nothing(message, known)
            gathered = page_for(self._store, connection, node, message, known, whole=whole)
        if gathered.strangers:
            with self._store.writing(SYSTEM) as writing:
                for person_id in gathered.strangers:
                    _follow(writing, node, person_id)
        return gathered.page

    def _part_taken(self, writing: Writing, node: KnownNode, part: Part) -> Answer:
        header = attachment_by_id(writing.connection, writing.organisation, part.attachment)
        if header is None:
            return NotAllowed(reason=_NO_PICTURE)
        here = insert_part(writing.connection, writing.organisation, header.id, part.first_byte, part.data)
        return PartTaken(attachment=header.id, bytes_here=here, complete=here == header.bytes_total)

    def _part_given(self, node: KnownNode, message: WantPart) -> Answer:
        organisation = self._store.node.organisation
        with self._store.reading() as connection:
            header = attachment_by_id(connection, organisation, message.attachment)
            if header is None:
                return NotAllowed(reason=_NO_PICTURE)
            person = person_in_use(connection, organisation, header.person_id)
            scope = Scope(connection, node)
            village = person.village_code if person else None
            if not scope.may_write(header.person_id, village) and not scope.takes_part_in(header.thread_id):
                return NotAllowed(reason=_OUTSIDE)
            data = (
                read_attachment(connection, organisation, header.id, message.first_byte, PART_BYTES)
                if header.is_whole and message.first_byte >= 0
                else b""
            )
        return PartGiven(part=Part(header.id, message.first_byte, data))

    def _found(self, writing: Writing, node: KnownNode, message: Find) -> Found:
        people = find_people(writing.connection, writing.organisation, message)
        writing.audit(Action.LOOK_UP_ON_HUB, subject=node.id, detail=message.by if is_identity(message.by) else "")
        return Found(people=people)

    def _following(self, writing: Writing, node: KnownNode, message: Follow) -> Answer:
        person = person_in_use(writing.connection, writing.organisation, message.person)
        if person is None:
            writing.audit(Action.FOLLOW_PERSON, subject=node.id, detail="0")
            return NotAllowed(reason=_NOT_HERE)
        _follow(writing, node, person.id, message.reason[:_LONGEST_REASON])
        return Following(person=person.id)

    def _known(self, writing: Writing, epoch: Epoch, link: Link | None) -> Known:
        return _known_in(writing.connection, self._store, epoch, link)

    def _sealed(self, answer: Answer, receiver: str, counter: int, request: bytes) -> bytes:
        return seal(
            self._store.key,
            answer,
            sender=self._store.node.id,
            receiver=receiver,
            counter=counter,
            answers=mark_of(request),
        )


def _known_in(connection: Connection, store: Store, epoch: Epoch, link: Link | None) -> Known:
    return Known(
        epoch.mark,
        last_sequence(connection, store.node.organisation),
        link.received if link else 0,
        link.received_id if link else None,
    )


def _was_restored(writing: Writing, epoch: Epoch, place: Place) -> bool:
    """Whether a node knows a later place of this log than there is, or another change at its place."""
    if place.epoch != epoch.mark or place.after == 0:
        return False
    return id_at(writing.connection, writing.organisation, place.after) != place.after_id


def _nothing(message: Pull, known: Known) -> Answer:
    return Page(
        known=known,
        first=message.first,
        asked=message.cursor,
        after=message.place.after,
        until=message.place.after,
        until_id=message.place.after_id,
        items=(),
        more=True,
    )


def _follow(writing: Writing, node: KnownNode, person_id: str, reason: str = "") -> None:
    """Gives a person to a node; the line of the log is where everything of them is sent."""
    person = person_by_id(writing.connection, writing.organisation, person_id)
    if person is None:
        return
    writing.change(
        ChangeKind.PERSON, person_id, before=person, after=person, person=person_id, village=person.village_code
    )
    since = last_sequence(writing.connection, writing.organisation)
    follow(writing.connection, writing.organisation, node.id, person_id, since)
    writing.audit(Action.FOLLOW_PERSON, person=person_id, subject=node.id, detail=reason)


def _last_own(node: KnownNode, changes: Sequence[TravellingChange], link: Link) -> Link:
    """The link of a node with the last of its own changes that came."""
    own = max((each for each in changes if each.origin == node.id), key=lambda each: each.sequence, default=None)
    if own is None or own.sequence <= link.received:
        return link
    return msgspec.structs.replace(link, received=own.sequence, received_id=own.id)


def _well_formed(message: Push | Offer) -> bool:
    """Whether every id is one: nothing else may reach the database."""
    if isinstance(message, Offer):
        subjects = [each.subject for each in message.items] + [each.subject for each in message.marks]
        subjects += message.followed
        return all(map(is_identity, subjects))
    return all(
        is_identity(each.id)
        and is_identity(each.subject)
        and is_identity(each.origin)
        and (each.person is None or is_identity(each.person))
        and 0 <= each.sequence < 2**63
        for each in message.changes
    )
