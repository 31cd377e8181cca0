"""What lies in the stores when everything has stopped: every signed record and note of every kit, looked for on the hub byte for byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
from sqlalchemy import Table, func, select

from cunyi.domain.change import Outcome
from cunyi.domain.encounter import canonical
from cunyi.simulation.ledger import Ledger
from cunyi.simulation.nodes import PASSWORD, Machine
from cunyi.store import packing, schema
from cunyi.store.engine import open_postgresql
from cunyi.store.folder import Folder
from cunyi.store.nodes import open_node
from cunyi.store.township_schema import conflict, note
from cunyi.store.unit import Store


class Holding(msgspec.Struct, kw_only=True):
    """What one store holds (库存清点): signed bytes by id, as their SHA-256 with hash, signature and node; states of persons; the outbox."""

    documents: dict[str, bytes] = {}
    encounters: dict[str, list[int]] = {}
    notes: dict[str, bytes] = {}
    threads: dict[str, set[str]] = {}
    people: dict[str, bytes] = {}
    papers: dict[str, list[str]] = {}
    replaced: set[str] = set()
    waiting: int = 0
    outcomes: dict[str, int] = {}
    refused: list[str] = []
    conflicts: int = 0
    conflicts_open: int = 0


class Comparison(msgspec.Struct, kw_only=True):
    """What was found by comparing (核对结果): sentences about what is lost or doubled, empty where nothing is."""

    lost: list[str] = []
    doubled: list[str] = []
    apart: list[str] = []
    records_compared: int = 0
    notes_compared: int = 0
    acknowledged: int = 0

    @property
    def good(self) -> bool:
        """Whether nothing is lost, doubled, or held otherwise here than there."""
        return not (self.lost or self.doubled or self.apart)


def opened(machine: Machine, login: str, password: str = PASSWORD) -> Store:
    """The records of a machine whose program has stopped."""
    if machine.database:
        return open_node(open_postgresql(machine.database), clock=machine.clock)
    folder = Folder(machine.data)
    return folder.open(folder.keyring().open(login, password), clock=lambda: datetime.now(UTC))


def holding_of(store: Store) -> Holding:
    """Counts what a store holds."""
    found = Holding()
    with store.reading() as connection:
        for row in connection.execute(select(schema.document)):
            found.documents[row.id] = _fingerprint(row)
            found.encounters.setdefault(row.encounter_id, []).append(row.version)
        for row in connection.execute(select(note)):
            found.notes[row.id] = _fingerprint(row)
            found.threads.setdefault(row.thread_id, set()).add(row.id)
        for row in connection.execute(select(schema.person)):
            details = msgspec.json.decode(row.details)
            details.pop("revision", None)
            found.people[row.id] = canonical(details)
            if details.get("replaced_by"):
                found.replaced.add(row.id)
            for paper in details.get("identifiers", ()):
                found.papers.setdefault(paper["value"], []).append(row.id)
        change = schema.change.c
        rows = connection.execute(
            select(change.kind, change.outcome, change.reason, change.sent_at, func.count())
            .where(change.origin.is_(None))
            .group_by(change.kind, change.outcome, change.reason, change.sent_at.is_(None), change.sent_at)
        )
        outcomes: Counter[str] = Counter()
        for kind, outcome, reason, sent_at, number in rows:
            found.waiting += number if sent_at is None else 0
            outcomes[outcome or ""] += number
            if outcome == Outcome.REFUSED:
                found.refused.append(f"{kind}: {reason}")
        found.outcomes = {name: number for name, number in outcomes.items() if name}
        found.conflicts = _count(connection, conflict)
        found.conflicts_open = connection.execute(
            select(func.count()).select_from(conflict).where(conflict.c.decided_at.is_(None))
        ).scalar_one()
    return found


def compare(hub: Holding, kits: Mapping[str, Holding], ledger: Ledger, *, gone: Sequence[str] = ()) -> Comparison:
    """Looks for everything that a kit holds and a page acknowledged on the hub. `gone` are kits that were lost, and had sent everything before."""
    result = Comparison()
    for name, kit in kits.items():
        result.records_compared += len(kit.documents)
        result.notes_compared += len(kit.notes)
        for kind, ours, theirs in (("record", kit.documents, hub.documents), ("note", kit.notes, hub.notes)):
            for each, fingerprint in ours.items():
                if each not in theirs:
                    result.lost.append(f"{kind} {each} of {name} is not on the hub")
                elif theirs[each] != fingerprint:
                    result.apart.append(f"{kind} {each} of {name} has other bytes on the hub")
        for thread, ours_in in kit.threads.items():
            if missing := hub.threads.get(thread, set()) - ours_in:
                result.apart.append(f"{len(missing)} notes of thread {thread} are on the hub and not at {name}")
        for person, details in kit.people.items():
            if person not in hub.people:
                result.lost.append(f"person {person} of {name} is not on the hub")
            elif hub.people[person] != details:
                result.apart.append(f"person {person} differs between {name} and the hub")
        result.lost += [f"change of {name} refused: {reason}" for reason in kit.refused]
        if kit.waiting:
            result.lost.append(f"{kit.waiting} changes of {name} were never answered")
    _acknowledged(hub, kits, ledger, gone, result)
    for encounter, versions in hub.encounters.items():
        if len(versions) != len(set(versions)):
            result.doubled.append(f"encounter {encounter} has two versions {versions}")
    for people in hub.papers.values():
        living = [person for person in people if person not in hub.replaced]
        if len(living) > 1:
            result.doubled.append(f"persons {living} have the same papers")
    return result


def _acknowledged(
    hub: Holding, kits: Mapping[str, Holding], ledger: Ledger, gone: Sequence[str], result: Comparison
) -> None:
    """What a page had said was kept."""
    for signed in ledger.signatures:
        result.acknowledged += 1
        if signed.encounter not in hub.encounters:
            result.lost.append(f"encounter {signed.encounter}, acknowledged at {signed.machine}, is not on the hub")
        elif signed.machine not in gone and signed.encounter not in kits[signed.machine].encounters:
            result.lost.append(f"encounter {signed.encounter} is not at {signed.machine}, which acknowledged it")
    for machine, people in ledger.people.items():
        lost = people - hub.people.keys()
        result.lost += [f"person {person}, acknowledged at {machine}, is not on the hub" for person in lost]
    times = Counter(signed.encounter for signed in ledger.signatures)
    result.lost += [
        f"encounter {encounter} was signed {number} times and has {len(hub.encounters[encounter])} versions"
        for encounter, number in times.items()
        if encounter in hub.encounters and len(hub.encounters[encounter]) < number
    ]


def _fingerprint(row: object) -> bytes:
    """The signed bytes with what proves them."""
    body = packing.unpack(row.body)  # type: ignore[attr-defined]
    proof = (bytes(row.hash), bytes(row.signature), row.node_id.encode())  # type: ignore[attr-defined]
    return sha256(b"\0".join((body, *proof))).digest()


def _count(connection: object, table: Table) -> int:
    query = select(func.count()).select_from(table)
    return int(connection.execute(query).scalar_one())  # type: ignore[attr-defined]
