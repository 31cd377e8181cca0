"""The tables of a township: places, facilities, nodes, what travels between them, threads that several people write in."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    UniqueConstraint,
)

from cunyi.store import schema
from cunyi.store.columns import Identity, Moment
from cunyi.store.table_making import identified, of_person, organisation, plain_table
from cunyi.store.table_making import metadata as metadata

# Official division codes: province 2, prefecture 4, county 6, township 9, village 12 digits.
area = plain_table(
    "area",
    organisation(),
    Column("code", String(12), nullable=False),
    Column("name", String, nullable=False),
    PrimaryKeyConstraint("organisation", "code"),
)

facility = plain_table(
    "facility",
    organisation(),
    Column("code", String, nullable=False),
    Column("level", String(8), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("details", LargeBinary, nullable=False),
    PrimaryKeyConstraint("organisation", "code"),
)

# Every node whose changes are believed here, this one not among them.
known_node = identified(
    "known_node",
    Column("facility", String, nullable=False),
    Column("public_key", LargeBinary(32), nullable=False),
    Column("state", String(8), nullable=False),
    Column("counter", BigInteger, nullable=False),
    Column("contact_at", Moment),
    Column("details", LargeBinary, nullable=False),
)

enrolment = identified(
    "enrolment",
    Column("lookup", String(8), nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
    Column("node_id", Identity),
    Column("details", LargeBinary, nullable=False),
    UniqueConstraint("organisation", "lookup"),
)

# Who this node exchanges changes with, and how far it got: its hub, kits that it met.
link = identified(
    "link",
    Column("role", String(4), nullable=False),
    Column("details", LargeBinary, nullable=False),
)

# What a hub is to its nodes: an epoch that ends when the hub is restored.
epoch = plain_table(
    "epoch",
    organisation(),
    Column("number", Integer, nullable=False),
    Column("mark", Identity, nullable=False),
    # The last place of the log that was there already.
    Column("after_sequence", BigInteger, nullable=False),
    Column("begun_at", Moment, nullable=False),
    PrimaryKeyConstraint("organisation", "number"),
)

# People outside a node's villages whom it was given, because they came to be seen there.
followed = plain_table(
    "followed",
    organisation(),
    Column("node_id", Identity, nullable=False),
    Column("person_id", Identity, nullable=False),
    Column("since", BigInteger, nullable=False),
    PrimaryKeyConstraint("organisation", "node_id", "person_id"),
)

# The way along the hamlets of a village, as a doctor goes it on a round.
hamlet_way = plain_table(
    "hamlet_way",
    organisation(),
    Column("village_code", String(12), nullable=False),
    Column("hamlet", String, nullable=False),
    Column("position", SmallInteger, nullable=False),
    PrimaryKeyConstraint("organisation", "village_code", "hamlet"),
)

conflict = identified(
    "conflict",
    Column("kind", String, nullable=False),
    Column("subject", Identity, nullable=False),
    Column("person_id", Identity),
    Column("village_code", String(12)),
    Column("found_at", Moment, nullable=False),
    Column("decided_at", Moment),
    Column("revision", Integer, nullable=False),
    Column("details", LargeBinary, nullable=False),
    Index(None, "organisation", "decided_at", "found_at"),
    Index(None, "organisation", "subject"),
)

# Who works on the other nodes: what the hub was told of their accounts.
staff = identified(
    "staff",
    Column("node_id", Identity, nullable=False),
    Column("facility", String, nullable=False),
    Column("details", LargeBinary, nullable=False),
)

attachment = identified(
    "attachment",
    Column("person_id", Identity, nullable=False),
    Column("thread_id", Identity, nullable=False),
    Column("media_type", String, nullable=False),
    Column("bytes_total", Integer, nullable=False),
    Column("bytes_here", Integer, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    of_person(),
    Index(None, "organisation", "thread_id"),
)

attachment_part = plain_table(
    "attachment_part",
    organisation(),
    Column("attachment_id", Identity, nullable=False),
    Column("first_byte", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    PrimaryKeyConstraint("organisation", "attachment_id", "first_byte"),
    ForeignKeyConstraint(["organisation", "attachment_id"], ["attachment.organisation", "attachment.id"]),
    rowid=True,
)

note = identified(
    "note",
    Column("thread_id", Identity, nullable=False),
    Column("thread_kind", String(14), nullable=False),
    Column("person_id", Identity, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("node_id", Identity, nullable=False),
    Column("signed_at", Moment, nullable=False),
    of_person(),
    Index(None, "organisation", "thread_id"),
    rowid=True,
)

# Made from the notes of a thread, and can be made anew from them.
thread = identified(
    "thread",
    Column("kind", String(14), nullable=False),
    Column("person_id", Identity, nullable=False),
    Column("village_code", String(12), nullable=False),
    Column("state", String(24), nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("urgency", SmallInteger, nullable=False),
    Column("from_facility", String, nullable=False),
    Column("to_facility", String, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("due_at", Moment),
    Column("details", LargeBinary, nullable=False),
    of_person(),
    Index(None, "organisation", "kind", "closed", "urgency", "changed_at"),
    Index(None, "organisation", "person_id"),
    Index(None, "organisation", "to_facility", "closed"),
    Index(None, "organisation", "from_facility", "closed"),
)

PROJECTIONS = (*schema.PROJECTIONS, thread)
