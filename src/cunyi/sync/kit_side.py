"""A kit's side of the exchange: one step, one request, one answer. Whatever is cut off is asked again, and that changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from cunyi.domain.change import Outcome
from cunyi.store.attachments import incomplete_attachments, read_attachment
from cunyi.store.links import Link, followed_by, hub_link
from cunyi.store.outbox import count_refused, unsent_count
from cunyi.store.unit import SYSTEM, Store
from cunyi.sync.ahead import Ahead, following
from cunyi.sync.answers import Answers, Taken
from cunyi.sync.errors import (
    not_allowed,
    not_believed,
    not_enrolled,
    other_version,
    outdated,
    revoked,
    seal_not_accepted,
    unknown_at_hub,
)
from cunyi.sync.giving_back import DONE, held, in_batches
from cunyi.sync.messages import (
    BATCH_BYTES,
    PART_BYTES,
    PROTOCOL,
    Find,
    Follow,
    Following,
    Forged,
    Found,
    FoundPerson,
    GivePart,
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
    UnknownNode,
    Unreadable,
    WantPart,
)
from cunyi.sync.offering import mark
from cunyi.sync.outgoing import has_unsent, unsent
from cunyi.sync.progress import settled_now
from cunyi.sync.sealing import ANSWERS, UnreadableError, content, mark_of, opened, seal
from cunyi.sync.taking import Records

_SMALLEST_BATCH, _LARGEST_PAGE = 16 * 1024, 4 * 1024 * 1024
# What a file from the hub may hold when it is unpacked.
_MOST_IN_A_FILE = 2 * 1024 * 1024 * 1024
_TRIES = 3


class Pushing(msgspec.Struct, frozen=True, kw_only=True):
    """What one step of sending did (上传一步)."""

    sent: int
    outcomes: dict[Outcome, int]
    more: bool


class Pulling(msgspec.Struct, frozen=True, kw_only=True):
    """What one step of fetching did (下载一步). `first` while the first sync goes on."""

    received: int
    more: bool
    first: bool


class Synchronised(msgspec.Struct, frozen=True, kw_only=True):
    """What a whole synchronisation did (同步结果汇总)."""

    sent: int
    received: int
    outcomes: dict[Outcome, int]


class KitSide:
    """What asks the hub (设备端). `send` carries the bytes of a request and brings those of its answer; OSError where the line fails.

    `batch_limit` and `page_limit` shrink when it does, and grow when it does not.
    """

    def __init__(
        self, store: Store, send: Callable[[bytes], bytes], *, revoked: Callable[[str], None] | None = None
    ) -> None:
        self._store = store
        self._send = send
        self._revoked = revoked
        self._counter = 0
        self._ahead: Ahead | None = None
        self._records: Records = {}
        self._not_there_yet: set[str] = set()
        self._answers = Answers(store)
        self.batch_limit = BATCH_BYTES
        self.page_limit = BATCH_BYTES

    def push(self) -> Pushing:
        """Sends the oldest unanswered changes; what became of each is then in the log, and the refused ones stay to be seen."""
        link = self._link()
        if link.offering is not None:
            # A change is made on what the hub does not have yet.
            self.offer()
            return Pushing(sent=0, outcomes={}, more=True)
        with self._store.reading() as connection:
            changes = unsent(self._store, connection, self.batch_limit)
        if not changes:
            return Pushing(sent=0, outcomes={}, more=False)
        taken = self._take(
            self._exchange(Push(place=_place(link), received_id=link.received_id, changes=tuple(changes)), Pushed)
        )
        return Pushing(sent=sum(taken.outcomes.values()), outcomes=dict(taken.outcomes), more=self._has_unsent())

    def pull(self) -> Pulling:
        """Fetches the next page of what changed within this node's scope, at first of everything."""
        return self._pulled(ahead=False)

    def _pulled(self, *, ahead: bool) -> Pulling:
        """Fetches a page. `ahead` asks for the one after it while it is being kept; whoever says so looks after what is under way."""
        link = self._link()
        if link.offering is not None:
            self.offer()
            return Pulling(received=0, more=True, first=True)
        settled, request = self._pull_request(link, self.page_limit)
        page = self._exchange(request, Page)
        after = following(request, page) if ahead else None
        if after is not None:
            self._counter = self._next_counter(link)
            self._ahead = Ahead(self._send, self._sealed(after, link, self._counter), after)
        taken = self._take(page, settled=settled)
        return Pulling(received=taken.received, more=taken.more, first=not self._link().first_done)

    def offer(self) -> bool:
        """Gives a restored hub what is here, where it has it otherwise or not at all; whether more is to be given."""
        link = self._link()
        if link.offering is None:
            return False
        with self._store.reading() as connection:
            items, following = held(self._store, connection, link.offering)
        answer = self._exchange(Offer(epoch=link.epoch, marks=tuple(mark(item) for item in items)), Offered)
        wanted = [items[place] for place in answer.wanted if 0 <= place < len(items)]
        for batch in in_batches(wanted, self.batch_limit):
            answer = self._exchange(Offer(epoch=link.epoch, items=tuple(batch)), Offered)
        if following == DONE:
            answer = self._exchange(Offer(epoch=link.epoch, followed=self._followed()), Offered)
        self._answers.offered(answer, link.offering, None if following == DONE else following, wanted)
        return following != DONE

    def move_attachments(self) -> bool:
        """Moves one part of a picture, up or down, from where it stopped; whether more is to be moved now."""
        link = self._link()
        for attachment_id, there in link.uploads.items():
            with self._store.reading() as connection:
                data = read_attachment(connection, self._store.node.organisation, attachment_id, there, PART_BYTES)
            if attachment_id in self._not_there_yet or not data:
                continue
            answer = self._exchange(GivePart(part=Part(attachment_id, there, data)), PartTaken)
            if answer.bytes_here <= there and not answer.complete:
                self._not_there_yet.add(attachment_id)
            self._take(answer)
            return True
        with self._store.reading() as connection:
            missing = incomplete_attachments(connection, self._store.node.organisation)
        for each in missing:
            if each.id in self._not_there_yet:
                continue
            answer = self._exchange(WantPart(attachment=each.id, first_byte=each.bytes_here), PartGiven)
            if not answer.part.data:
                self._not_there_yet.add(each.id)
            self._take(answer)
            return True
        return False

    def synchronise(self) -> Synchronised:
        """Everything until nothing is left: what a restored hub lacks, what is unanswered, what is new, pictures."""
        self._not_there_yet.clear()
        outcomes: Counter[Outcome] = Counter()
        sent, received, more = 0, 0, True
        try:
            while more:
                pushed = self.push()
                sent += pushed.sent
                outcomes.update(pushed.outcomes)
                if pushed.more:
                    continue
                pulled = self._pulled(ahead=True)
                received += pulled.received
                more = pulled.more or self._has_unsent()
        finally:
            self._free_line()
        while self.move_attachments():
            pass
        return Synchronised(sent=sent, received=received, outcomes=dict(outcomes))

    def find(self, by: str, *, identifier: str = "", name: str = "", birth_on: str = "") -> tuple[FoundPerson, ...]:
        """Who somebody is, asked at the hub: by a document number, or by name and birth date. The hub writes down who asked."""
        question = Find(by=by, identifier=identifier, name=name, birth_on=birth_on)
        found: Found = self._exchange(question, Found)
        return found.people

    def follow(self, by: str, person_id: str, *, reason: str = "") -> str:
        """Asks for everything of a person, which comes with the next pull; the id under which their record is in use."""
        following: Following = self._exchange(Follow(by=by, person=person_id, reason=reason), Following)
        return following.person

    def requests_for_file(self) -> list[bytes]:
        """Everything that there is to ask, as messages for a file, in the order in which they are to be answered."""
        link = self._link()
        messages: list[Request] = []
        if link.offering is not None:
            cursor = link.offering
            while cursor != DONE:
                with self._store.reading() as connection:
                    items, cursor = held(self._store, connection, cursor)
                messages += [Offer(epoch=link.epoch, items=tuple(batch)) for batch in in_batches(items, _LARGEST_PAGE)]
            messages.append(Offer(epoch=link.epoch, followed=self._followed()))
        offers = len(messages)
        messages += self._pushes_for_file(link)
        messages.append(self._pull_request(link, _LARGEST_PAGE)[1])
        first = self._next_counter(link)
        self._counter = first + len(messages) - 1
        with self._store.writing(SYSTEM, working_state=True) as writing:
            self._answers.sent_in_file(writing, self._counter, first + offers - 1 if link.offering is not None else 0)
        return [self._sealed(message, link, first + place) for place, message in enumerate(messages)]

    def take(self, answer: bytes) -> None:
        """Takes an answer that came in a file. One that came before, or whose turn is over, changes nothing."""
        link = self._link()
        self._take(self._believed(answer, link, None), counter=opened(answer).counter)

    def _pushes_for_file(self, link: Link) -> list[Request]:
        messages: list[Request] = []
        after, received, received_id = 0, link.received, link.received_id
        parts: list[Request] = []
        with self._store.reading() as connection:
            while changes := unsent(self._store, connection, _LARGEST_PAGE, after=after):
                messages.append(Push(place=_place(link), received_id=received_id, changes=tuple(changes)))
                after = changes[-1].sequence
                own = [each for each in changes if each.origin == self._store.node.id]
                if own and own[-1].sequence > received:
                    received, received_id = own[-1].sequence, own[-1].id
                parts += self._parts_for_file(
                    connection, {each.subject: 0 for each in own if each.kind == "attachment"}
                )
            parts += self._parts_for_file(connection, link.uploads)
        return messages + parts

    def _parts_for_file(self, connection: Any, uploads: dict[str, int]) -> list[Request]:
        parts: list[Request] = []
        for attachment_id, there in uploads.items():
            data = read_attachment(connection, self._store.node.organisation, attachment_id)
            parts += [
                GivePart(part=Part(attachment_id, first, data[first : first + PART_BYTES]))
                for first in range(there, len(data), PART_BYTES)
            ]
        return parts

    def _pull_request(self, link: Link, limit: int) -> tuple[int, Pull]:
        organisation = self._store.node.organisation
        with self._store.reading() as connection:
            settled = settled_now(connection, organisation)
            waiting = sum(unsent_count(connection, organisation).values())
            refused = count_refused(connection, organisation)
        return settled, Pull(
            place=_place(link),
            first=not link.first_done,
            cursor=link.cursor,
            own=link.own_until > link.after,
            limit=limit,
            waiting=waiting,
            refused=refused,
        )

    def _followed(self) -> tuple[str, ...]:
        with self._store.reading() as connection:
            return tuple(followed_by(connection, self._store.node.organisation, self._store.node.id))

    def _has_unsent(self) -> bool:
        with self._store.reading() as connection:
            return has_unsent(connection, self._store.node.organisation)

    def _link(self) -> Link:
        with self._store.reading() as connection:
            link = hub_link(connection, self._store.node.organisation)
        if link is None:
            raise not_enrolled()
        return link

    def _take(self, answer: Any, *, settled: int | None = None, counter: int = 0) -> Taken:
        records, self._records = self._records, {}
        return self._answers.take(answer, settled=settled, counter=max(counter, self._counter), records=records)

    def _next_counter(self, link: Link) -> int:
        return max(link.counter, self._counter) + 1

    def _sealed(self, message: Request, link: Link, counter: int) -> bytes:
        return seal(
            self._store.key,
            message,
            sender=self._store.node.id,
            receiver=link.id,
            counter=counter,
            protocol=PROTOCOL,
        )

    def _exchange(self, message: Request, expected: type[Any]) -> Any:
        """One request and its answer."""
        link = self._link()
        for _ in range(_TRIES):
            try:
                request, data = self._asked_ahead(message) or self._asked_now(message, link)
            except OSError:
                self.batch_limit = max(_SMALLEST_BATCH, self.batch_limit // 2)
                self.page_limit = max(_SMALLEST_BATCH, self.page_limit // 2)
                raise
            answer = self._believed(data, link, mark_of(request))
            if isinstance(answer, Replayed):
                # This node was restored from a backup, or it was cut off before it wrote the number down.
                self._counter = max(answer.counter, self._counter)
                continue
            self.batch_limit = min(BATCH_BYTES, self.batch_limit * 2)
            self.page_limit = min(_LARGEST_PAGE, self.page_limit * 2)
            if not isinstance(answer, expected):
                raise not_believed()
            return answer
        raise not_believed()

    def _asked_now(self, message: Request, link: Link) -> tuple[bytes, bytes]:
        self._counter, self._records = self._next_counter(link), {}
        request = self._sealed(message, link, self._counter)
        return request, self._send(request)

    def _asked_ahead(self, message: Request) -> tuple[bytes, bytes] | None:
        """The page that was asked for already. Where something else is asked, it would be older than that: nobody looks at it."""
        ahead = self._free_line()
        if ahead is None or not isinstance(message, Pull) or not ahead.is_for(message):
            return None
        data, self._records = ahead.answer(), ahead.records
        return ahead.request, data

    def _free_line(self) -> Ahead | None:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.finish()
        return ahead

    def _believed(self, data: bytes, link: Link, request: bytes | None) -> Any:
        """An answer that the hub gave to this request (to any, where it came in a file); its refusals are raised."""
        try:
            envelope = opened(data)
        except UnreadableError:
            raise not_believed() from None
        if envelope.sender != link.id or not envelope.is_from(link.public_key):
            raise not_believed()
        if request is not None and envelope.answers != request:
            raise not_believed()
        if request is None and envelope.receiver != self._store.node.id:
            raise not_believed()
        try:
            answer = content(envelope, ANSWERS) if request is not None else content(envelope, ANSWERS, _MOST_IN_A_FILE)
        except UnreadableError:
            raise outdated() from None
        match answer:
            case Revoked(reason=reason):
                if self._revoked is not None:
                    self._revoked(reason)
                raise revoked(reason)
            case UnknownNode():
                raise unknown_at_hub()
            case Forged():
                raise seal_not_accepted()
            case OtherVersion(oldest=oldest, newest=newest):
                raise other_version(oldest, newest, PROTOCOL)
            case NotAllowed(reason=sentence, values=values):
                raise not_allowed(sentence, values)
            case Unreadable():
                raise outdated()
            case _:
                return answer


def _place(link: Link) -> Place:
    return Place(link.epoch, link.after, link.after_id, link.marks)
