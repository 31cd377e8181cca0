"""What a node is given: at first everything of its villages, page by page; then what changed after its place in the log."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, and_, false, func, not_, or_, select

from cunyi.domain.change import DIRECTORY, SIGNED, ChangeKind
from cunyi.domain.organisation import KnownNode
from cunyi.store import schema, township_schema
from cunyi.store.attachments import incomplete_attachments, read_attachment
from cunyi.store.columns import is_identity
from cunyi.store.links import id_at, last_sequence, values_in
from cunyi.store.unit import Store
from cunyi.sync.gathering import Wanted, gather, persons_in
from cunyi.sync.messages import PART_BYTES, Item, Known, Page, Part, Pull
from cunyi.sync.scope import Scope

# About what one line of the log comes to, and one record, in a page.
_BYTES_OF_A_LINE = 800
_BYTES_OF_A_PERSON, _BYTES_OF_A_RECORD = 1_500, 1_500
_FEWEST = 20
_PEOPLE_AT_ONCE = 400
_BESIDE_VILLAGES = "~"


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """A page, and the people who are linked with somebody in it and whom the node does not have yet (下载结果)."""

    page: Page
    strangers: tuple[str, ...]


def page_for(
    store: Store, connection: Connection, node: KnownNode, asked: Pull, known: Known, *, whole: bool = False
) -> Gathered:
    """What a node asked for, as it stands in one state of the records. `whole` for a file: nothing is left for a next page."""
    scope = Scope(connection, node)
    page = (
        _first(store, connection, scope, asked, known, whole)
        if asked.first
        else _changes(store, connection, scope, asked, known, whole)
    )
    strangers = _strangers(connection, scope, page.items)
    if whole:
        page = msgspec.structs.replace(page, parts=_parts(connection, store, page.items))
    return Gathered(page=msgspec.structs.replace(page, more=page.more or bool(strangers)), strangers=strangers)


def _changes(store: Store, connection: Connection, scope: Scope, asked: Pull, known: Known, whole: bool) -> Page:
    """What changed after a place in the log; each thing once, as it now stands."""
    organisation, node, log = store.node.organisation, scope.node, schema.change
    most = None if whole else max(_FEWEST, asked.limit // _BYTES_OF_A_LINE)
    own_signed = and_(log.c.origin == node.id, log.c.kind.in_([*SIGNED, ChangeKind.ATTACHMENT]))
    query = (
        select(
            log.c.sequence,
            log.c.id,
            log.c.kind,
            log.c.subject,
            log.c.person_id,
            log.c.village_code,
            log.c.village_before,
            log.c.origin,
        )
        .where(
            log.c.organisation == organisation,
            log.c.sequence > asked.place.after,
            log.c.kind != ChangeKind.ACCOUNT,
            or_(
                scope.within(log.c.village_code),
                scope.within(log.c.village_before),
                log.c.person_id.in_(list(scope.followed)) if scope.followed else false(),
                log.c.kind.in_([*DIRECTORY, ChangeKind.NOTE, ChangeKind.ATTACHMENT]),
                log.c.origin == node.id if asked.own else false(),
            ),
            *([] if asked.own else [or_(log.c.origin.is_(None), not_(own_signed))]),
        )
        .order_by(log.c.sequence)
    )
    rows = connection.execute(query if most is None else query.limit(most)).all()
    wanted = Wanted()
    arrived: set[str] = set()
    followed: list[str] = []
    beside: list[tuple[ChangeKind, str]] = []
    for row in rows:
        kind = ChangeKind(row.kind)
        if kind in DIRECTORY:
            wanted.directory = True
            continue
        mine = asked.own and row.origin == node.id
        if mine or scope.holds(row.person_id or "", row.village_code) or scope.covers(row.village_before):
            wanted.add(kind, row.subject)
            came = row.village_before is not None and not scope.covers(row.village_before)
            if kind is ChangeKind.PERSON and scope.followed.get(row.subject) == row.sequence:
                followed.append(row.subject)
            if kind is ChangeKind.PERSON and came and scope.covers(row.village_code):
                arrived.add(row.subject)
        elif kind in (ChangeKind.NOTE, ChangeKind.ATTACHMENT):
            beside.append((kind, row.subject))
    threads = _threads_of(connection, organisation, beside)
    wanted.add_thread(connection, organisation, [each for each in threads if scope.takes_part_in(each)])
    wanted.add_everything_of(connection, organisation, arrived | set(followed))
    more = most is not None and len(rows) == most
    until = rows[-1].sequence if more else last_sequence(connection, organisation)
    return Page(
        known=known,
        first=False,
        asked="",
        after=asked.place.after,
        until=until,
        until_id=rows[-1].id if more else id_at(connection, organisation, until),
        items=tuple(gather(store, connection, wanted)),
        more=more,
        followed=tuple(followed),
    )


def _first(store: Store, connection: Connection, scope: Scope, asked: Pull, known: Known, whole: bool) -> Page:
    """A page of everything that the node is to have. The cursor holds the place of the log when the first was made."""
    organisation = store.node.organisation
    through, last = _cursor(asked.cursor)
    wanted = Wanted()
    if not last:
        through = last_sequence(connection, organisation)
        wanted.directory = True
    people = schema.person
    if last != _BESIDE_VILLAGES:
        query = select(people.c.id).where(people.c.organisation == organisation, scope.within(people.c.village_code))
        if last:
            query = query.where(people.c.id > last)
        query = query.order_by(people.c.id)
        ids = list(connection.execute(query if whole else query.limit(_PEOPLE_AT_ONCE)).scalars())
        chosen = ids if whole else _as_many_as_fit(connection, organisation, ids, asked.limit)
        wanted.add_everything_of(connection, organisation, chosen)
        done = whole or (len(chosen) == len(ids) and len(ids) < _PEOPLE_AT_ONCE)
        last = _BESIDE_VILLAGES if done else chosen[-1]
        if not whole:
            return _first_page(store, connection, asked, known, through, f"{through} {last}", wanted)
    wanted.add_everything_of(connection, organisation, scope.followed)
    threads, conflicts = township_schema.thread, township_schema.conflict
    asked_here = connection.execute(
        select(threads.c.id).where(
            threads.c.organisation == organisation,
            or_(threads.c.from_facility == scope.node.facility, threads.c.to_facility == scope.node.facility),
        )
    ).scalars()
    wanted.add_thread(connection, organisation, asked_here.all())
    households = schema.household
    for kind, table in ((ChangeKind.HOUSEHOLD, households), (ChangeKind.CONFLICT, conflicts)):
        for found in connection.execute(
            select(table.c.id).where(table.c.organisation == organisation, scope.within(table.c.village_code))
        ).scalars():
            wanted.add(kind, found)
    page = _first_page(store, connection, asked, known, through, "", wanted)
    return msgspec.structs.replace(page, followed=tuple(scope.followed))


def _first_page(
    store: Store, connection: Connection, asked: Pull, known: Known, through: int, cursor: str, wanted: Wanted
) -> Page:
    return Page(
        known=known,
        first=True,
        asked=asked.cursor,
        after=asked.place.after,
        until=through,
        until_id=id_at(connection, store.node.organisation, through),
        items=tuple(gather(store, connection, wanted)),
        cursor=cursor,
        more=True,
    )


def _cursor(text: str) -> tuple[int, str]:
    """The place of the log, and the last person; a cursor that was not given out here begins anew."""
    through, _, last = text.partition(" ")
    if not through.isascii() or not through.isdigit() or not (last == _BESIDE_VILLAGES or is_identity(last)):
        return 0, ""
    return int(through), last


def _as_many_as_fit(connection: Connection, organisation: str, ids: list[str], limit: int) -> list[str]:
    """The first of some people whose records fit a page; one at least."""
    visits = schema.encounter
    query = (
        select(visits.c.person_id, func.count())
        .where(visits.c.organisation == organisation)
        .group_by(visits.c.person_id)
    )
    records = dict(tuple(row) for row in values_in(connection, query, visits.c.person_id, ids))
    size = 0
    chosen: list[str] = []
    for person in ids:
        size += _BYTES_OF_A_PERSON + records.get(person, 0) * _BYTES_OF_A_RECORD
        if chosen and size > limit:
            break
        chosen.append(person)
    return chosen


def _threads_of(connection: Connection, organisation: str, things: list[tuple[ChangeKind, str]]) -> set[str]:
    """The threads of notes and pictures."""
    found: set[str] = set()
    for kind, table in (
        (ChangeKind.NOTE, township_schema.note),
        (ChangeKind.ATTACHMENT, township_schema.attachment),
    ):
        ids = [subject for each, subject in things if each is kind]
        query = select(table.c.thread_id).where(table.c.organisation == organisation)
        found |= {row.thread_id for row in values_in(connection, query, table.c.id, ids)}
    return found


def _strangers(connection: Connection, scope: Scope, items: tuple[Item, ...]) -> tuple[str, ...]:
    """People who are linked with somebody here, and whom the node does not have: without them nobody's record is whole."""
    here = persons_in(items)
    people, organisation = schema.person, scope.node.organisation
    query = select(people.c.id, people.c.village_code, people.c.replaced_by).where(
        people.c.organisation == organisation
    )
    own = {row.id: row for row in values_in(connection, query, people.c.id, here)}
    held = [row.id for row in own.values() if scope.holds(row.id, row.village_code)]
    targets = [own[each].replaced_by for each in held if own[each].replaced_by]
    linked = [
        *values_in(connection, query, people.c.id, targets),
        *values_in(connection, query, people.c.replaced_by, held),
    ]
    return tuple(sorted({row.id for row in linked if not scope.holds(row.id, row.village_code)}))


def _parts(connection: Connection, store: Store, items: tuple[Item, ...]) -> tuple[Part, ...]:
    """The pictures among some things, whole, for a file."""
    organisation = store.node.organisation
    missing = {each.id for each in incomplete_attachments(connection, organisation)}
    parts: list[Part] = []
    for item in items:
        if item.kind == ChangeKind.ATTACHMENT and item.subject not in missing:
            data = read_attachment(connection, organisation, item.subject)
            parts += [
                Part(item.subject, first, data[first : first + PART_BYTES]) for first in range(0, len(data), PART_BYTES)
            ]
    return tuple(parts)
