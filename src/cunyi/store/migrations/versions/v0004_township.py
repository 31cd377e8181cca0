"""Places, nodes, threads and what travels; changes as differences; parallel versions of a record.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from cunyi.store.columns import Identity, Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables, and brings what waits to be sent into its new form."""
    # fmt: off
    op.create_table('area',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('code', sa.String(length=12), nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'code', name=op.f('pk_area')),
        sqlite_with_rowid=False
    )
    op.create_table('conflict',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('subject', Identity(), nullable=False),
        sa.Column('person_id', Identity(), nullable=True),
        sa.Column('village_code', sa.String(length=12), nullable=True),
        sa.Column('found_at', Moment(), nullable=False),
        sa.Column('decided_at', Moment(), nullable=True),
        sa.Column('revision', sa.Integer(), nullable=False),
        sa.Column('details', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_conflict')),
        sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_conflict_organisation_decided_at_found_at'), 'conflict', ['organisation', 'decided_at', 'found_at'], unique=False)
    op.create_index(op.f('ix_conflict_organisation_subject'), 'conflict', ['organisation', 'subject'], unique=False)
    op.create_table('enrolment',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('lookup', sa.String(length=8), nullable=False),
        sa.Column('expires_at', Moment(), nullable=False),
        sa.Column('used_at', Moment(), nullable=True),
        sa.Column('node_id', Identity(), nullable=True),
        sa.Column('details', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_enrolment')),
        sa.UniqueConstraint('organisation', 'lookup', name=op.f('uq_enrolment_organisation_lookup')),
        sqlite_with_rowid=False
    )
    op.create_table('epoch',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('mark', Identity(), nullable=False),
        sa.Column('after_sequence', sa.BigInteger(), nullable=False),
        sa.Column('begun_at', Moment(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'number', name=op.f('pk_epoch')),
        sqlite_with_rowid=False
    )
    op.create_table('facility',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('code', sa.String(), nullable=False),
        sa.Column('level', sa.String(length=8), nullable=False),
        sa.Column('revision', sa.Integer(), nullable=False),
        sa.Column('details', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'code', name=op.f('pk_facility')),
        sqlite_with_rowid=False
    )
    op.create_table('followed',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('node_id', Identity(), nullable=False),
        sa.Column('person_id', Identity(), nullable=False),
        sa.Column('since', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'node_id', 'person_id', name=op.f('pk_followed')),
        sqlite_with_rowid=False
    )
    op.create_table('known_node',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('facility', sa.String(), nullable=False),
        sa.Column('public_key', sa.LargeBinary(length=32), nullable=False),
        sa.Column('state', sa.String(length=8), nullable=False),
        sa.Column('counter', sa.BigInteger(), nullable=False),
        sa.Column('contact_at', Moment(), nullable=True),
        sa.Column('details', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_known_node')),
        sqlite_with_rowid=False
    )
    op.create_table('link',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('role', sa.String(length=4), nullable=False),
        sa.Column('details', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_link')),
        sqlite_with_rowid=False
    )
    op.create_table('staff',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('node_id', Identity(), nullable=False),
        sa.Column('facility', sa.String(), nullable=False),
        sa.Column('details', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_staff')),
        sqlite_with_rowid=False
    )
    op.create_table('attachment',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('person_id', Identity(), nullable=False),
        sa.Column('thread_id', Identity(), nullable=False),
        sa.Column('media_type', sa.String(), nullable=False),
        sa.Column('bytes_total', sa.Integer(), nullable=False),
        sa.Column('bytes_here', sa.Integer(), nullable=False),
        sa.Column('hash', sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(['organisation', 'person_id'], ['person.organisation', 'person.id'], name=op.f('fk_attachment_organisation_person_id')),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_attachment')),
        sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_attachment_organisation_thread_id'), 'attachment', ['organisation', 'thread_id'], unique=False)
    op.create_table('note',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('thread_id', Identity(), nullable=False),
        sa.Column('thread_kind', sa.String(length=14), nullable=False),
        sa.Column('person_id', Identity(), nullable=False),
        sa.Column('body', sa.LargeBinary(), nullable=False),
        sa.Column('hash', sa.LargeBinary(length=32), nullable=False),
        sa.Column('signature', sa.LargeBinary(), nullable=False),
        sa.Column('node_id', Identity(), nullable=False),
        sa.Column('signed_at', Moment(), nullable=False),
        sa.ForeignKeyConstraint(['organisation', 'person_id'], ['person.organisation', 'person.id'], name=op.f('fk_note_organisation_person_id')),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_note')),
        sqlite_with_rowid=True
    )
    op.create_index(op.f('ix_note_organisation_thread_id'), 'note', ['organisation', 'thread_id'], unique=False)
    op.create_table('thread',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('kind', sa.String(length=14), nullable=False),
        sa.Column('person_id', Identity(), nullable=False),
        sa.Column('village_code', sa.String(length=12), nullable=False),
        sa.Column('state', sa.String(length=24), nullable=False),
        sa.Column('closed', sa.Boolean(), nullable=False),
        sa.Column('urgency', sa.SmallInteger(), nullable=False),
        sa.Column('from_facility', sa.String(), nullable=False),
        sa.Column('to_facility', sa.String(), nullable=False),
        sa.Column('opened_at', Moment(), nullable=False),
        sa.Column('changed_at', Moment(), nullable=False),
        sa.Column('due_at', Moment(), nullable=True),
        sa.Column('details', sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(['organisation', 'person_id'], ['person.organisation', 'person.id'], name=op.f('fk_thread_organisation_person_id')),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_thread')),
        sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_thread_organisation_from_facility_closed'), 'thread', ['organisation', 'from_facility', 'closed'], unique=False)
    op.create_index(op.f('ix_thread_organisation_kind_closed_urgency_changed_at'), 'thread', ['organisation', 'kind', 'closed', 'urgency', 'changed_at'], unique=False)
    op.create_index(op.f('ix_thread_organisation_person_id'), 'thread', ['organisation', 'person_id'], unique=False)
    op.create_index(op.f('ix_thread_organisation_to_facility_closed'), 'thread', ['organisation', 'to_facility', 'closed'], unique=False)
    op.create_table('attachment_part',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('attachment_id', Identity(), nullable=False),
        sa.Column('first_byte', sa.Integer(), nullable=False),
        sa.Column('data', sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(['organisation', 'attachment_id'], ['attachment.organisation', 'attachment.id'], name=op.f('fk_attachment_part_organisation_attachment_id')),
        sa.PrimaryKeyConstraint('organisation', 'attachment_id', 'first_byte', name=op.f('pk_attachment_part')),
        sqlite_with_rowid=True
    )
    op.add_column('change', sa.Column('origin', Identity(), nullable=True))
    op.add_column('change', sa.Column('signature', sa.LargeBinary(), nullable=True))
    op.add_column('change', sa.Column('person_id', Identity(), nullable=True))
    op.add_column('change', sa.Column('village_code', sa.String(length=12), nullable=True))
    op.add_column('change', sa.Column('village_before', sa.String(length=12), nullable=True))
    op.add_column('change', sa.Column('outcome', sa.String(length=9), nullable=True))
    op.add_column('change', sa.Column('reason', sa.String(), server_default='', nullable=False))
    op.create_index(op.f('ix_change_organisation_id'), 'change', ['organisation', 'id'], unique=False)
    op.create_index(op.f('ix_change_organisation_subject_sequence'), 'change', ['organisation', 'subject', 'sequence'], unique=False)
    op.create_table('hamlet_way',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('village_code', sa.String(length=12), nullable=False),
        sa.Column('hamlet', sa.String(), nullable=False),
        sa.Column('position', sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'village_code', 'hamlet', name=op.f('pk_hamlet_way')),
        sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_encounter_organisation_kind_occurred_at'), 'encounter', ['organisation', 'kind', 'occurred_at'], unique=False, sqlite_where=sa.text("kind <> 'outpatient'"), postgresql_where=sa.text("kind <> 'outpatient'"))
    # fmt: on
    with op.batch_alter_table("document") as document:
        document.drop_constraint("uq_document_organisation_encounter_id_version", type_="unique")
        document.create_index(
            "ix_document_organisation_encounter_id_version", ["organisation", "encounter_id", "version"]
        )
    _as_differences(op.get_bind())


def _as_differences(connection: sa.Connection) -> None:
    """A change written before this told the whole new state: as such it is kept, with whose it is."""
    change, document, merge, person = (
        sa.table(
            name,
            sa.column("organisation", sa.String),
            sa.column("id", Identity),
            sa.column("sequence", sa.BigInteger),
            sa.column("kind", sa.String),
            sa.column("subject", Identity),
            sa.column("person_id", Identity),
            sa.column("village_code", sa.String),
            sa.column("body", sa.LargeBinary),
            sa.column("before", sa.LargeBinary),
        )
        for name in ("change", "document", "merge", "person")
    )
    owners: dict[Any, str] = {
        key: value for key, value in connection.execute(sa.select(document.c.id, document.c.person_id))
    }
    villages: dict[Any, str] = {
        key: value for key, value in connection.execute(sa.select(person.c.id, person.c.village_code))
    }
    before: dict[Any, bytes] = {key: value for key, value in connection.execute(sa.select(merge.c.id, merge.c.before))}
    rows = connection.execute(sa.select(change.c.sequence, change.c.kind, change.c.subject, change.c.body)).all()
    for row in rows:
        state = json.loads(row.body)
        owner = None
        if row.kind == "document":
            owner = owners.get(row.subject)
        elif row.kind == "person":
            owner = row.subject
        elif row.kind == "list_entry":
            owner = state["person_id"]
        elif row.kind == "merge":
            owner = state["kept"]
            state = {
                "id": str(UUID(row.subject)),
                "kept_id": state["kept"],
                "replaced_id": state["replaced"],
                "before": json.loads(before[row.subject]),
                "undone": state["undone"],
            }
        village = villages.get(owner) if owner else (state or {}).get("village_code")
        body = (
            b""
            if state is None
            else json.dumps(
                {"before": None, "after": state}, ensure_ascii=False, sort_keys=True, separators=(",", ":")
            ).encode()
        )
        connection.execute(
            sa.update(change)
            .where(change.c.sequence == row.sequence)
            .values(body=body, person_id=owner, village_code=village)
        )
