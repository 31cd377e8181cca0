"""Whatever happens on the way, afterwards every node that is to have a thing has the same, and no signed record is missing.

Several kits and a hub; messages lost, doubled, late, cut; crashes at any point; hub and kits restored from yesterday's backup; one
card met by two kits; people who move; the same record changed in two places; kits that meet. `CUNYI_TEST_SYNC_EXAMPLES` makes it long.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tests.sync.nodes_in_process import COUNTY, LOWER, NUMBERS, UPPER, TestNode, Village, differences

from cunyi.domain.audit import Action
from cunyi.domain.identity import Identifier, IdentifierKind
from cunyi.domain.person import Programme
from cunyi.store import schema, township_schema
from cunyi.store.conflicts import open_conflicts
from cunyi.store.merging import merge_people, merged_details, merges_of, undo_merge
from cunyi.store.people import person_by_id
from cunyi.store.unit import Writing
from cunyi.sync.deciding import decide
from cunyi.sync.errors import NotBelievedError
from cunyi.sync.hub_side import HubSide
from cunyi.sync.meeting import Meeting, MeetingSide

EXAMPLES = int(os.environ.get("CUNYI_TEST_SYNC_EXAMPLES", "5"))
SHM = Path("/dev/shm")
NODES = st.integers(0, 3)
ANY = st.integers(0, 10**6)
WEATHER = st.sampled_from(
    ("good", "good", "good", "request lost", "answer lost", "doubled", "late", "cut", "hub crash")
)
STEPS = st.sampled_from(("push", "pull", "push", "pull", "offer", "move_attachments", "synchronise"))


class Crash(Exception):
    """The power went."""


class Township(RuleBasedStateMachine):
    """What can happen to a hub and three kits, two of them of one village."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(mkdtemp(prefix="cysync", dir=SHM if SHM.is_dir() else None))
        self.village = Village(self.folder)
        self.village.kit(UPPER, facility="U")
        self.village.kit(UPPER, facility="U")
        self.village.kit(LOWER, facility="L")
        self.village.settle()
        self.backups = {node.id: node.backup() for node in self.nodes}
        self.late: list[bytes] = []

    @property
    def nodes(self) -> list[TestNode]:
        return [*self.village.kits, self.village.hub]

    def teardown(self) -> None:
        if not hasattr(self, "village"):
            return
        try:
            self.look()
        finally:
            self.village.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    # What people do.

    @rule(node=NODES, number=st.sampled_from((None, *NUMBERS)), code=st.sampled_from((None, "36073110120100001")))
    def register(self, node: int, number: str | None, code: str | None) -> None:
        at = self.nodes[node]
        with at.store.reading() as connection:
            taken = (
                code and connection.execute(schema.person.select().where(schema.person.c.archive_code == code)).first()
            )
        at.register(f"曾{node}", at.scope[0] if at.scope else UPPER, number, archive_code=None if taken else code)

    @rule(
        node=NODES,
        which=ANY,
        field=st.sampled_from(("phone", "address", "programmes", "village_code", "number")),
        value=st.integers(0, 2),
    )
    def edit(self, node: int, which: int, field: str, value: int) -> None:
        at = self.nodes[node]
        person = self.somebody(at, which)
        if person is None:
            return
        fields: dict[str, Any] = {
            "phone": {"phone": f"1380000000{value}"},
            "address": {"address": f"{value}号"},
            "programmes": {"programmes": tuple(list(Programme)[: value + 1])},
            "village_code": {"village_code": (UPPER, LOWER)[value % 2]},
            "number": {"identifiers": (Identifier(kind=IdentifierKind.RESIDENT_ID, value=NUMBERS[value % 2]),)},
        }[field]
        at.edit(person, **fields)

    @rule(node=NODES, which=ANY, value=st.integers(0, 2))
    def household(self, node: int, which: int, value: int) -> None:
        at = self.nodes[node]
        person = self.somebody(at, which)
        if person is not None:
            at.settle_household(person, f"{value}号")

    @rule(node=NODES, which=ANY, detail=st.integers(0, 2))
    def lists(self, node: int, which: int, detail: int) -> None:
        at = self.nodes[node]
        entries = sorted(row.id for row in at.has(schema.list_entry))
        person = self.somebody(at, which)
        if entries and detail:
            at.change_entry(entries[which % len(entries)], detail=f"每日{detail}次")
        elif person is not None:
            at.put_on_list(person)

    @rule(node=NODES, which=ANY, amend=st.booleans())
    def sign(self, node: int, which: int, amend: bool) -> None:
        at = self.nodes[node]
        records = sorted((row.encounter_id, row.person_id) for row in at.has(schema.document))
        if amend and records:
            encounter, person = records[which % len(records)]
            at.sign(person, "更正", encounter)
            return
        person = self.somebody(at, which)
        if person is not None:
            at.sign(person)

    @rule(node=NODES, which=ANY, answer=st.booleans())
    def write_note(self, node: int, which: int, answer: bool) -> None:
        at = self.nodes[node]
        threads = sorted((row.thread_id, row.person_id) for row in at.has(township_schema.note))
        if answer and threads:
            thread, person = threads[which % len(threads)]
            at.write_note(person, "U", thread)
            return
        person = self.somebody(at, which)
        if person is not None:
            at.write_note(person, ("U", "L", "H")[which % 3])

    @rule(node=NODES, which=ANY, undo=st.booleans())
    def merge(self, node: int, which: int, undo: bool) -> None:
        at = self.nodes[node]
        in_use = sorted(row.id for row in at.has(schema.person) if row.replaced_by is None)
        with at.writing(Action.MERGE_PEOPLE) as writing:
            if undo:
                self.part(writing, at, which)
            elif len(in_use) > 1:
                kept, replaced = (
                    person_by_id(writing.connection, COUNTY, in_use[(which + step) % len(in_use)]) for step in (0, 1)
                )
                merge_people(writing, kept, replaced, merged_details(kept, replaced))

    def part(self, writing: Writing, at: TestNode, which: int) -> None:
        merges = [row for row in at.has(schema.merge) if not row.undone]
        if merges:
            row = sorted(merges, key=lambda each: each.id)[which % len(merges)]
            kept, replaced = (person_by_id(writing.connection, COUNTY, each) for each in (row.kept_id, row.replaced_id))
            found = [each for each in merges_of(writing.connection, COUNTY, row.kept_id) if each.id == row.id]
            if kept and replaced and found:
                undo_merge(writing, found[0], kept, replaced)

    @rule(node=NODES, theirs=st.booleans())
    def decide(self, node: int, theirs: bool) -> None:
        at = self.nodes[node]
        with at.store.reading() as connection:
            conflicts = open_conflicts(connection, COUNTY)
        for conflict in conflicts[:1]:
            values = {each.field: each.theirs if theirs else each.ours for each in conflict.disputed}
            if "archive_code" in values:
                values["archive_code"] = None
            if "replaced_by" in values:
                values["replaced_by"] = None
            with at.store.writing("system") as writing:
                decide(writing, conflict, values, by=at.id)

    # What happens on the way.

    @rule(kit=st.integers(0, 2), step=STEPS, weather=WEATHER, at=st.integers(0, 3))
    def exchange(self, kit: int, step: str, weather: str, at: int) -> None:
        node = self.village.kits[kit]
        line = self.line(weather, at)
        side = self.village.side(node, line)
        try:
            getattr(side, step)()
        except (ConnectionError, NotBelievedError):
            pass
        except Crash:
            self.village.hub.reopen()

    @rule(kit=st.integers(0, 2), step=STEPS)
    def crash_of_a_kit(self, kit: int, step: str) -> None:
        """The power goes before an answer is on the disk."""
        node = self.village.kits[kit]
        finish = Writing.finish

        def until_then(writing: Writing, *, working_state: bool) -> None:
            finish(writing, working_state=working_state)
            if writing.node.id == node.id:
                raise Crash

        Writing.finish = until_then  # type: ignore[method-assign]
        try:
            getattr(self.village.side(node), step)()
        except Crash:
            pass
        finally:
            Writing.finish = finish  # type: ignore[method-assign]
        node.reopen()

    @rule(one=st.integers(0, 2), other=st.integers(0, 2), cut=st.integers(0, 4))
    def meet(self, one: int, other: int, cut: int) -> None:
        if one == other:
            return
        visited, left = MeetingSide(self.village.kits[other].store), [cut]

        def send(request: bytes) -> bytes:
            answer = visited.answer(request)
            left[0] -= 1
            if left[0] == 0:
                raise ConnectionError
            return answer

        with suppress(ConnectionError):
            Meeting(self.village.kits[one].store, send, self.village.kits[other].id).exchange()

    @rule(kit=st.integers(0, 2), lost=st.booleans())
    def carry_a_file(self, kit: int, lost: bool) -> None:
        side = self.village.side(self.village.kits[kit])
        hub = HubSide(self.village.hub.store)
        answers = [hub.answer(request, whole=True) for request in side.requests_for_file()]
        if not lost:
            for answer in answers:
                side.take(answer)

    @rule(kit=st.integers(0, 2), which=ANY)
    def follow(self, kit: int, which: int) -> None:
        persons = sorted(row.id for row in self.village.hub.has(schema.person))
        if persons:
            self.village.side(self.village.kits[kit]).follow("", persons[which % len(persons)])

    @rule(node=NODES)
    def back_up(self, node: int) -> None:
        self.backups[self.nodes[node].id] = self.nodes[node].backup()

    @rule(node=NODES)
    def restore(self, node: int) -> None:
        at = self.nodes[node]
        if at.id in self.backups:
            at.restore(self.backups[at.id])

    # Afterwards.

    def look(self) -> None:
        signed = [self.signed_things(node) for node in self.nodes]
        for _ in range(6):
            self.village.sync()
        hub = self.village.hub
        there = self.signed_things(hub)
        for things in signed:
            missing = {key for key, body in things.items() if there.get(key) != body}
            assert not missing, missing
        for kit in self.village.kits:
            refused = [(row.kind, row.reason) for row in kit.has(schema.change) if row.outcome == "refused"]
            assert not refused, refused
            assert not [row for row in kit.has(schema.change) if row.sent_at is None]
            assert differences(hub, kit) == []
            assert self.conflicts(kit) == {
                key: value for key, value in self.conflicts(hub).items() if key in self.conflicts(kit)
            }
        twice = [tuple(sorted((row.kept_id, row.replaced_id))) for row in hub.has(schema.merge) if not row.undone]
        assert all(row.replaced_by != row.id for row in hub.has(schema.person)), twice

    def conflicts(self, node: TestNode) -> dict[str, bytes]:
        return {row.id: row.details for row in node.has(township_schema.conflict)}

    def signed_things(self, node: TestNode) -> dict[str, bytes]:
        return {row.id: bytes(row.body) for table in (schema.document, township_schema.note) for row in node.has(table)}

    def somebody(self, node: TestNode, which: int) -> str | None:
        persons = sorted(row.id for row in node.has(schema.person))
        return persons[which % len(persons)] if persons else None

    def line(self, weather: str, at: int) -> Callable[[bytes], bytes]:
        hub, count = HubSide(self.village.hub.store), [0]

        def send(request: bytes) -> bytes:
            now = count[0] == at % 2
            count[0] += 1
            if self.late and weather == "late" and now:
                hub.answer(self.late.pop())
            if not now:
                return hub.answer(request)
            match weather:
                case "request lost":
                    self.late.append(request)
                    raise ConnectionError
                case "answer lost":
                    hub.answer(request)
                    raise ConnectionError
                case "doubled":
                    first = hub.answer(request)
                    hub.answer(request)
                    return first
                case "cut":
                    return hub.answer(request)[:-7]
                case "hub crash":
                    return self.crash(hub, request)
                case _:
                    return hub.answer(request)

        return send

    def crash(self, hub: HubSide, request: bytes) -> bytes:
        """The power of the hub goes when everything of a request is written and nothing is on the disk."""
        finish = Writing.finish

        def until_then(writing: Writing, *, working_state: bool) -> None:
            finish(writing, working_state=working_state)
            if writing.node.id == self.village.hub.id:
                raise Crash

        Writing.finish = until_then  # type: ignore[method-assign]
        try:
            return hub.answer(request)
        finally:
            Writing.finish = finish  # type: ignore[method-assign]


TestWhateverHappens = Township.TestCase
TestWhateverHappens.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    derandomize=EXAMPLES < 20,
    suppress_health_check=list(HealthCheck),
    database=None,
)
