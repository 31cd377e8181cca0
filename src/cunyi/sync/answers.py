"""What a kit makes of the hub's answers: each in one transaction, and none twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update

from cunyi.domain.audit import Action
from cunyi.domain.change import ChangeKind, Outcome, Reason
from cunyi.domain.organisation import KnownNode
from cunyi.store import schema
from cunyi.store.attachments import attachment_by_id, insert_part
from cunyi.store.bulk import without_collecting
from cunyi.store.links import Link, follow, hub_link, keep_link
from cunyi.store.unit import SYSTEM, Store, Writing
from cunyi.sync.errors import not_enrolled
from cunyi.sync.messages import Item, Offered, Outcomes, Page, PartGiven, PartTaken, Pushed
from cunyi.sync.progress import heard, with_mark
from cunyi.sync.taking import Records, take_items


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer changed here (应答处理结果)."""

    outcomes: dict[Outcome, int] = {}
    received: int = 0
    more: bool = False


class Answers:
    """Where answers are written down (应答)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, answer: Any, *, settled: int | None, counter: int, records: Records) -> Taken:
        """Writes down what an answer says. `settled` are the own changes whose result the page holds, where it is the last one;

        `records` those of the page that were read before.
        """
        match answer:
            case Pushed():
                return self._pushed(answer, counter)
            case Page():
                return self._page(answer, settled, counter, records)
            case Offered():
                self._offered_in_file(answer, counter)
            case PartTaken():
                self._part_taken(answer, counter)
            case PartGiven():
                with self._store.writing(SYSTEM, working_state=True) as writing:
                    _keep_part(writing, answer)
            case _:
                # Refused with nothing to write down: a repeat, for one.
                pass
        return Taken()

    def offered(self, answer: Offered, cursor: str, following: str | None, given: Sequence[Item]) -> None:
        """Writes down how far a restored hub was given what is here."""
        with self._store.writing(SYSTEM) as writing:
            link = _link(writing)
            before = link.epoch
            link = heard(writing, link, answer.known)
            if link.epoch == before and link.offering == cursor:
                uploads = {item.subject: 0 for item in given if item.kind == ChangeKind.ATTACHMENT}
                link = msgspec.structs.replace(link, offering=following, uploads=link.uploads | uploads)
            keep_link(writing.connection, link)
            writing.audit(Action.SEND_CHANGES, subject=link.id, detail=f"offered {len(given)}")

    def sent_in_file(self, writing: Writing, counter: int, offered_in: int) -> None:
        """Writes down the numbers of messages that left in a file."""
        link = _link(writing)
        keep_link(writing.connection, msgspec.structs.replace(link, counter=counter, offered_in=offered_in))

    def _pushed(self, answer: Pushed, counter: int) -> Taken:
        with self._store.writing(SYSTEM) as writing:
            link = _link(writing)
            before = link.epoch
            link = heard(writing, link, answer.known)
            outcomes = [] if before and before != link.epoch else answer.outcomes
            _write_outcomes(writing, outcomes)
            if outcomes:
                take_items(writing, answer.states)
                uploads = _begun(writing, outcomes)
                link = msgspec.structs.replace(link, uploads=uploads | link.uploads)
            keep_link(writing.connection, _counted(link, counter))
            writing.audit(Action.SEND_CHANGES, subject=link.id, detail=str(len(outcomes)))
        counts: Counter[Outcome] = Counter(Outcome(each.outcome) for each in outcomes)
        return Taken(outcomes=dict(counts))

    def _page(self, page: Page, settled: int | None, counter: int, records: Records) -> Taken:
        with without_collecting(), self._store.writing(SYSTEM) as writing:
            link = _link(writing)
            before, fetching = link.epoch, link.own_until
            link = heard(writing, link, page.known)
            # A page that was asked for before the hub, or this node, was known to be restored is not the whole of it.
            another = (bool(before) and before != link.epoch) or link.own_until != fetching
            its_turn = not another and (
                page.first is not link.first_done and page.after == link.after and page.asked == link.cursor
            )
            received = 0
            if its_turn:
                received = take_items(writing, page.items, records)
                for part in page.parts:
                    insert_part(writing.connection, writing.organisation, part.attachment, part.first_byte, part.data)
                for person in page.followed:
                    follow(writing.connection, writing.organisation, writing.node.id, person, 0)
                link = _moved(link, page)
                link = msgspec.structs.replace(link, scope=_own_scope(writing, page.items) or link.scope)
                if settled is not None and not page.more:
                    link = msgspec.structs.replace(link, settled=settled)
            keep_link(writing.connection, _counted(link, counter))
            writing.audit(Action.TAKE_CHANGES, subject=link.id, detail=str(received))
        return Taken(received=received, more=page.more or not its_turn)

    def _offered_in_file(self, answer: Offered, counter: int) -> None:
        with self._store.writing(SYSTEM) as writing:
            link = _link(writing)
            before = link.epoch
            link = heard(writing, link, answer.known)
            if before == link.epoch and link.offered_in and counter >= link.offered_in:
                link = msgspec.structs.replace(link, offering=None, offered_in=0)
            keep_link(writing.connection, _counted(link, counter))
            writing.audit(Action.SEND_CHANGES, subject=link.id, detail="offered")

    def _part_taken(self, answer: PartTaken, counter: int) -> None:
        with self._store.writing(SYSTEM, working_state=True) as writing:
            link = _link(writing)
            uploads = dict(link.uploads)
            if answer.complete:
                uploads.pop(answer.attachment, None)
            elif answer.attachment in uploads:
                uploads[answer.attachment] = answer.bytes_here
            keep_link(writing.connection, _counted(msgspec.structs.replace(link, uploads=uploads), counter))


def _link(writing: Writing) -> Link:
    link = hub_link(writing.connection, writing.organisation)
    if link is None:
        raise not_enrolled()
    return link


def _counted(link: Link, counter: int) -> Link:
    return msgspec.structs.replace(link, counter=max(counter, link.counter))


def _moved(link: Link, page: Page) -> Link:
    if page.cursor:
        return msgspec.structs.replace(link, cursor=page.cursor)
    marks = with_mark(link.marks, page.until, page.until_id)
    return msgspec.structs.replace(
        link, cursor="", first_done=True, after=page.until, after_id=page.until_id, marks=marks
    )


def _own_scope(writing: Writing, items: Sequence[Item]) -> tuple[str, ...]:
    """The villages that the hub says are this node's; empty where it does not say."""
    for item in items:
        if item.kind == ChangeKind.NODE and item.subject == writing.node.id:
            return msgspec.json.decode(item.body, type=KnownNode).scope
    return ()


def _write_outcomes(writing: Writing, outcomes: Sequence[Outcomes]) -> None:
    if not outcomes:
        return
    log = schema.change
    writing.connection.execute(
        update(log)
        .where(
            log.c.organisation == writing.organisation,
            log.c.id == bindparam("change_id"),
            log.c.sent_at.is_(None),
        )
        .values(sent_at=writing.at, outcome=bindparam("became"), reason=bindparam("why")),
        [
            {
                "change_id": each.change,
                "became": Outcome(each.outcome).value,
                "why": Reason(sentence=each.reason, values=each.values).text(),
            }
            for each in outcomes
        ],
    )


def _begun(writing: Writing, outcomes: Sequence[Outcomes]) -> dict[str, int]:
    """The pictures whose headers the hub now has, and of which it has no bytes yet."""
    log = schema.change
    taken = [each.change for each in outcomes if each.outcome != Outcome.REFUSED]
    rows = writing.connection.execute(
        select(log.c.subject).where(
            log.c.organisation == writing.organisation,
            log.c.id.in_(taken),
            log.c.kind == ChangeKind.ATTACHMENT,
        )
    ).scalars()
    found = {}
    for subject in rows:
        header = attachment_by_id(writing.connection, writing.organisation, subject)
        if header is not None and header.is_whole:
            found[subject] = 0
    return found


def _keep_part(writing: Writing, answer: PartGiven) -> None:
    part = answer.part
    if part.data:
        insert_part(writing.connection, writing.organisation, part.attachment, part.first_byte, part.data)
