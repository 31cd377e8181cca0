"""The tables of one node. Every key carries the organisation (county) it belongs to, so that a hub can be partitioned by it.

What a doctor signed is in `document`, byte for byte; `encounter`, `diagnosis`, `measured` and `prescribed` are projections of it
and can be rebuilt. Persons and lists are state, whose every change is also in `change`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)

from cunyi.store.columns import Identity, Moment
from cunyi.store.table_making import KEY, identified, of_person, organisation, plain_table

node = identified(
    "node",
    Column("facility", String, nullable=False),
    Column("facility_name", String, nullable=False),
    Column("township", String(9), nullable=False),
    Column("private_key", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("demonstration", Boolean, nullable=False),
    Column("policy", LargeBinary, nullable=False),
    Column("receiving", LargeBinary),
)

village = plain_table(
    "village",
    organisation(),
    Column("code", String(12), nullable=False),
    Column("name", String, nullable=False),
    PrimaryKeyConstraint("organisation", "code"),
)

serial_block = plain_table(
    "serial_block",
    organisation(),
    Column("village_code", String(12), nullable=False),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Column("used_through", Integer, nullable=False),
    PrimaryKeyConstraint("organisation", "village_code", "first"),
)

account = identified(
    "account",
    Column("login", String, nullable=False),
    Column("details", LargeBinary, nullable=False),
    Column("password_hash", String, nullable=False),
    Column("pin_hash", String),
    Column("wrong_passwords", Integer, nullable=False),
    Column("wrong_pins", Integer, nullable=False),
    Column("locked_until", Moment),
    UniqueConstraint("organisation", "login"),
)

session = plain_table(
    "session",
    organisation(),
    Column("token_hash", LargeBinary, nullable=False),
    Column("account_id", Identity, nullable=False),
    Column("begun_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("locked", Boolean, nullable=False),
    Column("opened", LargeBinary, nullable=False),
    PrimaryKeyConstraint("organisation", "token_hash"),
    ForeignKeyConstraint(["organisation", "account_id"], ["account.organisation", "account.id"]),
)

audit_entry = plain_table(
    "audit_entry",
    organisation(),
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("latest", Moment, nullable=False),
    Column("account", Identity),
    Column("action", String, nullable=False),
    Column("person", Identity),
    Column("subject", Identity),
    Column("detail", String, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    PrimaryKeyConstraint("organisation", "sequence"),
    Index(None, "organisation", "person", "sequence"),
)

change = plain_table(
    "change",
    organisation(),
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), nullable=False),
    Column("id", Identity, nullable=False),
    Column("kind", String, nullable=False),
    Column("subject", Identity, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", Moment, nullable=False),
    Column("sent_at", Moment),
    # Who made it, where it was another node; with its signature, by which it is believed wherever it is carried.
    Column("origin", Identity),
    Column("signature", LargeBinary),
    Column("person_id", Identity),
    # Where it matters: the village, and the one that the person left with it.
    Column("village_code", String(12)),
    Column("village_before", String(12)),
    Column("outcome", String(9)),
    Column("reason", String, nullable=False, server_default=""),
    PrimaryKeyConstraint("organisation", "sequence"),
    Index(None, "organisation", "sent_at", "sequence"),
    Index(None, "organisation", "id"),
    Index(None, "organisation", "subject", "sequence"),
)

household = identified(
    "household",
    Column("village_code", String(12), nullable=False),
    Column("details", LargeBinary, nullable=False),
)

person = identified(
    "person",
    Column("village_code", String(12), nullable=False),
    Column("household_id", Identity),
    Column("archive_code", String(17)),
    Column("name", KEY, nullable=False),
    Column("sort_key", KEY, nullable=False),
    Column("sex", String(6)),
    Column("birth_on", Date),
    Column("status", String, nullable=False),
    Column("replaced_by", Identity),
    Column("revision", Integer, nullable=False),
    Column("details", LargeBinary, nullable=False),
    UniqueConstraint("organisation", "archive_code"),
    Index(None, "organisation", "village_code", "sort_key"),
    Index(None, "organisation", "household_id"),
    Index(None, "organisation", "replaced_by"),
    Index(None, "organisation", "sort_key", "village_code", "replaced_by"),
)

identifier = plain_table(
    "identifier",
    organisation(),
    Column("kind", String, nullable=False),
    Column("value", KEY, nullable=False),
    Column("person_id", Identity, nullable=False),
    PrimaryKeyConstraint("organisation", "kind", "value", "person_id"),
    of_person(),
    Index(None, "organisation", "value"),
    Index(None, "organisation", "person_id"),
)

# What people are found by. Phone and document numbers stand backwards, so that their last digits are a prefix.
search_key = plain_table(
    "search_key",
    organisation(),
    Column("kind", String(8), nullable=False),
    Column("key", KEY, nullable=False),
    Column("person_id", Identity, nullable=False),
    Column("village_code", String(12), nullable=False),
    PrimaryKeyConstraint("organisation", "kind", "key", "person_id"),
    of_person(),
    Index(None, "organisation", "person_id"),
)

merge = identified(
    "merge",
    Column("kept_id", Identity, nullable=False),
    Column("replaced_id", Identity, nullable=False),
    Column("before", LargeBinary, nullable=False),
    Column("undone", Boolean, nullable=False),
    Index(None, "organisation", "kept_id"),
    Index(None, "organisation", "replaced_id"),
)

list_entry = identified(
    "list_entry",
    Column("person_id", Identity, nullable=False),
    Column("kind", String, nullable=False),
    Column("due_on", Date),
    Column("ended_on", Date),
    Column("revision", Integer, nullable=False),
    Column("details", LargeBinary, nullable=False),
    of_person(),
    Index(None, "organisation", "person_id", "kind"),
    Index(None, "organisation", "kind", "ended_on", "due_on"),
)

document = identified(
    "document",
    Column("person_id", Identity, nullable=False),
    Column("encounter_id", Identity, nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("node_id", Identity, nullable=False),
    Column("signed_at", Moment, nullable=False),
    of_person(),
    # Not unique: two nodes may amend the same encounter while neither knows of the other, and both are kept.
    Index(None, "organisation", "encounter_id", "version"),
    rowid=True,
)

# Word for word in a query, so that a database knows that the index of such encounters is enough.
NOT_AT_THE_CLINIC = text("kind <> 'outpatient'")

encounter = identified(
    "encounter",
    Column("person_id", Identity, nullable=False),
    Column("document_id", Identity, nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("occurred_at", Moment, nullable=False),
    Column("complaint", Text, nullable=False),
    Column("triage", String(10), nullable=False),
    Column("signer", Identity, nullable=False),
    Column("signer_name", String, nullable=False),
    of_person(),
    Index(None, "organisation", "person_id", "occurred_at"),
    # Of calls and home visits, which are few: the rest would make it as large as the other.
    Index(
        None, "organisation", "kind", "occurred_at", sqlite_where=NOT_AT_THE_CLINIC, postgresql_where=NOT_AT_THE_CLINIC
    ),
)

diagnosis = plain_table(
    "diagnosis",
    organisation(),
    Column("encounter_id", Identity, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("person_id", Identity, nullable=False),
    Column("name", String, nullable=False),
    Column("icd10", String, nullable=False),
    Column("disease", String),
    Column("certainty", String(11), nullable=False),
    Column("chronic", Boolean, nullable=False),
    PrimaryKeyConstraint("organisation", "encounter_id", "position"),
)

measured = plain_table(
    "measured",
    organisation(),
    Column("person_id", Identity, nullable=False),
    Column("item", String, nullable=False),
    Column("at", Moment, nullable=False),
    Column("encounter_id", Identity, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("number", Float),
    Column("words", String, nullable=False),
    Column("unit", String, nullable=False),
    Column("device", String, nullable=False),
    Column("by", String, nullable=False),
    Column("laboratory", Boolean, nullable=False),
    PrimaryKeyConstraint("organisation", "person_id", "item", "at", "encounter_id", "position"),
)

prescribed = plain_table(
    "prescribed",
    organisation(),
    Column("person_id", Identity, nullable=False),
    Column("at", Moment, nullable=False),
    Column("encounter_id", Identity, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("drug", String, nullable=False),
    Column("usage", String, nullable=False),
    Column("days", Float),
    PrimaryKeyConstraint("organisation", "person_id", "at", "encounter_id", "position"),
)

draft = identified(
    "draft",
    Column("person_id", Identity, nullable=False),
    Column("account_id", Identity, nullable=False),
    Column("encounter_id", Identity, nullable=False),
    Column("amends", Identity),
    Column("aside_of", Identity),
    Column("revision", Integer, nullable=False),
    Column("window", String, nullable=False),
    Column("stroke", Integer, nullable=False),
    Column("form", LargeBinary, nullable=False),
    Column("begun_at", Moment, nullable=False),
    Column("kept_at", Moment, nullable=False),
    of_person(),
    Index(None, "organisation", "account_id", "kept_at"),
    rowid=True,
)

unfinished = plain_table(
    "unfinished",
    organisation(),
    Column("account_id", Identity, nullable=False),
    Column("page", String, nullable=False),
    Column("form", LargeBinary, nullable=False),
    Column("kept_at", Moment, nullable=False),
    PrimaryKeyConstraint("organisation", "account_id", "page"),
)

waiting = identified(
    "waiting",
    Column("person_id", Identity, nullable=False),
    Column("village_code", String(12), nullable=False),
    Column("reason", String, nullable=False),
    Column("arrived_at", Moment, nullable=False),
    Column("done_at", Moment),
    Column("level", String(10), nullable=False),
    Column("triage", LargeBinary),
    of_person(),
    Index(None, "organisation", "done_at", "arrived_at"),
)

device = identified(
    "device",
    Column("details", LargeBinary, nullable=False),
)

arrived_reading = identified(
    "arrived_reading",
    Column("device_id", Identity, nullable=False),
    Column("mark", LargeBinary(16), nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("draft_id", Identity),
    Column("state", String(9), nullable=False),
    Column("details", LargeBinary, nullable=False),
    ForeignKeyConstraint(["organisation", "device_id"], ["device.organisation", "device.id"]),
    Index(None, "organisation", "device_id", "mark"),
    Index(None, "organisation", "state", "draft_id"),
)

interview = identified(
    "interview",
    Column("facility", String, nullable=False),
    Column("token_hash", LargeBinary(32)),
    Column("pickup_code", String(8), nullable=False),
    Column("state", String(10), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("level", String(10), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("alarmed_at", Moment),
    Column("acknowledged_at", Moment),
    Column("person_id", Identity),
    Column("draft_id", Identity),
    Column("details", LargeBinary, nullable=False),
    of_person(),
    UniqueConstraint("organisation", "token_hash"),
    Index(None, "organisation", "facility", "state", "created_at"),
    Index(None, "organisation", "pickup_code"),
)

hospital_department = plain_table(
    "hospital_department",
    organisation(),
    Column("level", String(8), nullable=False),
    Column("department", String, nullable=False),
    Column("hospital", String, nullable=False),
    Column("name", String, nullable=False),
    Column("place", String, nullable=False),
    Column("set_at", Moment, nullable=False),
    PrimaryKeyConstraint("organisation", "level", "department"),
)

PROJECTIONS = (encounter, diagnosis, measured, prescribed)
