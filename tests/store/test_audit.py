"""The audit log: every edit, gap, cut and forgery of it is found, on both databases; the cut also by the file beside it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from clinic_day import Desk, rows
from sqlalchemy import Connection, delete, update

from cunyi.domain.audit import Action
from cunyi.journeys.safekeeping import verify
from cunyi.store import schema
from cunyi.store.audit import AuditReport, verify_audit
from cunyi.store.signing import NodeKey
from cunyi.store.unit import SYSTEM, line_hash

LOG = schema.audit_entry


@pytest.fixture
def busy(desk: Desk) -> Desk:
    person = desk.register("曾小明")
    record = desk.see(person)
    desk.amend(record, "咳嗽5天")
    return desk


def checked(desk: Desk, head: bool = True) -> AuditReport:
    with desk.store.reading() as connection:
        return verify_audit(
            connection,
            desk.account.organisation,
            desk.folder.head if head and desk.folder else None,
            desk.store.key.public,
        )


def tamper(desk: Desk, change: Callable[[Connection], object]) -> None:
    """As somebody who has the key of the database and no part in the program."""
    with desk.store.engine.begin() as connection:
        change(connection)


def test_an_honest_log_has_no_problems(busy: Desk) -> None:
    report = checked(busy)
    assert report.problems == () and report.lines == len(rows(busy.store, LOG)) > 8


@pytest.mark.parametrize(
    "values",
    [{"account": None}, {"action": Action.VIEW_RECORD}, {"detail": "改"}, {"person": None}, {"hash": bytes(32)}],
    ids=lambda values: next(iter(values)),
)
def test_an_edited_line_is_found(busy: Desk, values: dict) -> None:
    line = checked(busy).lines - 2
    tamper(busy, lambda connection: connection.execute(update(LOG).where(LOG.c.sequence == line).values(**values)))
    assert any(f"第 {line} 条被改过" in problem for problem in checked(busy, head=False).problems)


def test_an_edited_line_with_a_hash_of_its_own_breaks_the_chain(busy: Desk) -> None:
    with busy.store.reading() as connection:
        row = connection.execute(LOG.select().where(LOG.c.sequence == 4)).one()
    names = ("sequence", "at", "latest", "account", "action", "person", "subject", "detail")
    line = {name: getattr(row, name) for name in names} | {"detail": "改"}
    with busy.store.reading() as connection:
        before = connection.execute(LOG.select().where(LOG.c.sequence == 3)).one().hash
    line["account"] = row.account or SYSTEM
    forged = line_hash(line, bytes(before))
    tamper(
        busy,
        lambda connection: connection.execute(update(LOG).where(LOG.c.sequence == 4).values(detail="改", hash=forged)),
    )
    assert any("第 5 条被改过，或与前一条接不上" in problem for problem in checked(busy, head=False).problems)


def test_a_removed_line_is_found(busy: Desk) -> None:
    tamper(busy, lambda connection: connection.execute(delete(LOG).where(LOG.c.sequence == 4)))
    assert any("第 4 条到第 4 条缺失" in problem for problem in checked(busy, head=False).problems)


def test_lines_that_changed_places_are_found(busy: Desk) -> None:
    def swap(connection: Connection) -> None:
        for old, new in ((4, 9_004), (5, 4), (9_004, 5)):
            connection.execute(update(LOG).where(LOG.c.sequence == old).values(sequence=new))

    tamper(busy, swap)
    problems = checked(busy, head=False).problems
    assert any("第 4 条" in problem for problem in problems) and any("第 5 条" in problem for problem in problems)


def test_a_record_whose_end_of_the_log_was_cut_is_found_without_the_file(busy: Desk) -> None:
    """Where the lines of a signature went, the signed record has nobody who signed it; where the record went, the line stays."""
    with busy.store.reading() as connection:
        document = connection.execute(schema.document.select()).first()
    tamper(
        busy, lambda connection: connection.execute(delete(schema.document).where(schema.document.c.id == document.id))
    )
    assert any(document.id in problem and "不在了" in problem for problem in verify(busy.store, busy.folder).problems)


def test_a_cut_end_is_found(kit: Desk) -> None:
    kit.see(kit.register("曾小明"))
    last = checked(kit).lines
    tamper(kit, lambda connection: connection.execute(delete(LOG).where(LOG.c.sequence > last - 2)))
    assert any(f"应有至少 {last} 条，只有 {last - 2} 条" in problem for problem in checked(kit).problems)


def test_a_cut_end_that_grew_again_is_found(kit: Desk) -> None:
    kit.see(kit.register("曾小明"))
    last = checked(kit).lines
    tamper(kit, lambda connection: connection.execute(delete(LOG).where(LOG.c.sequence > last - 2)))
    old = kit.folder.head.path.read_bytes()
    for name in ("李桂花", "王大山", "赵五"):
        kit.register(name)
    kit.folder.head.path.write_bytes(old)
    assert any("日志被改写过" in problem for problem in checked(kit).problems)


@pytest.mark.parametrize("how", ["removed", "emptied", "forged", "another node's"])
def test_a_file_at_the_end_that_is_not_the_nodes_is_found(kit: Desk, how: str) -> None:
    path = kit.folder.head.path
    if how == "removed":
        path.unlink()
    elif how == "emptied":
        path.write_bytes(b"")
    elif how == "forged":
        last = checked(kit).lines
        path.write_bytes(path.read_bytes().replace(f'"sequence":{last}'.encode(), f'"sequence":{last - 1}'.encode()))
    else:
        kit.folder.head.advance(checked(kit, head=False).lines, bytes(32), NodeKey.make())
    assert any("不能判断日志有没有被截短" in problem for problem in checked(kit).problems)


def test_a_file_that_lags_behind_is_no_problem(kit: Desk) -> None:
    """The power can go after the log was written and before the file was."""
    old = kit.folder.head.path.read_bytes()
    kit.see(kit.register("曾小明"))
    kit.folder.head.path.write_bytes(old)
    assert checked(kit).problems == ()
    kit.register("李桂花")
    assert checked(kit).problems == ()


def test_a_write_is_not_told_as_failed_where_only_the_file_could_not_be_written(
    kit: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("cunyi.store.audit_head.AuditHead.advance", full)
        person = kit.register("曾小明")
    assert person.id in {row.id for row in rows_of_people(kit)}
    assert checked(kit).problems == ()


def rows_of_people(desk: Desk) -> list:
    with desk.store.reading() as connection:
        return connection.execute(schema.person.select()).all()
