"""The health record: persons, signed documents and their projections, lists, drafts, accounts, audit log, outbox.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cunyi.store.columns import Identity, Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.String(collation="C").with_variant(sa.String(collation="BINARY"), "sqlite")


def upgrade() -> None:
    """Makes the tables."""
    # fmt: off
    op.create_table('account',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('login', sa.String(), nullable=False),
        sa.Column('details', sa.LargeBinary(), nullable=False),
        sa.Column('password_hash', sa.String(), nullable=False),
        sa.Column('pin_hash', sa.String(), nullable=True),
        sa.Column('wrong_passwords', sa.Integer(), nullable=False),
        sa.Column('wrong_pins', sa.Integer(), nullable=False),
        sa.Column('locked_until', Moment(), nullable=True),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_account')),
        sa.UniqueConstraint('organisation', 'login', name=op.f('uq_account_organisation_login')),
        sqlite_with_rowid=False
    )
    op.create_table('audit_entry',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('sequence', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('at', Moment(), nullable=False),
        sa.Column('latest', Moment(), nullable=False),
        sa.Column('account', Identity(), nullable=True),
        sa.Column('action', sa.String(), nullable=False),
        sa.Column('person', Identity(), nullable=True),
        sa.Column('subject', Identity(), nullable=True),
        sa.Column('detail', sa.String(), nullable=False),
        sa.Column('hash', sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'sequence', name=op.f('pk_audit_entry')),
        sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_audit_entry_organisation_person_sequence'), 'audit_entry', ['organisation', 'person', 'sequence'], unique=False)
    op.create_table('change',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('sequence', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('subject', Identity(), nullable=False),
        sa.Column('body', sa.LargeBinary(), nullable=False),
        sa.Column('at', Moment(), nullable=False),
        sa.Column('sent_at', Moment(), nullable=True),
        sa.PrimaryKeyConstraint('organisation', 'sequence', name=op.f('pk_change')),
        sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_change_organisation_sent_at_sequence'), 'change', ['organisation', 'sent_at', 'sequence'], unique=False)
    op.create_table('device',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('details', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_device')),
        sqlite_with_rowid=False
    )
    op.create_table('diagnosis',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('encounter_id', Identity(), nullable=False),
        sa.Column('position', sa.SmallInteger(), nullable=False),
        sa.Column('person_id', Identity(), nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('icd10', sa.String(), nullable=False),
        sa.Column('disease', sa.String(), nullable=True),
        sa.Column('certainty', sa.String(length=11), nullable=False),
        sa.Column('chronic', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'encounter_id', 'position', name=op.f('pk_diagnosis')),
        sqlite_with_rowid=False
    )
    op.create_table('household',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('village_code', sa.String(length=12), nullable=False),
        sa.Column('details', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_household')),
        sqlite_with_rowid=False
    )
    op.create_table('measured',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('person_id', Identity(), nullable=False),
        sa.Column('item', sa.String(), nullable=False),
        sa.Column('at', Moment(), nullable=False),
        sa.Column('encounter_id', Identity(), nullable=False),
        sa.Column('position', sa.SmallInteger(), nullable=False),
        sa.Column('number', sa.Float(), nullable=True),
        sa.Column('words', sa.String(), nullable=False),
        sa.Column('unit', sa.String(), nullable=False),
        sa.Column('device', sa.String(), nullable=False),
        sa.Column('by', sa.String(), nullable=False),
        sa.Column('laboratory', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'person_id', 'item', 'at', 'encounter_id', 'position', name=op.f('pk_measured')),
        sqlite_with_rowid=False
    )
    op.create_table('merge',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('kept_id', Identity(), nullable=False),
        sa.Column('replaced_id', Identity(), nullable=False),
        sa.Column('before', sa.LargeBinary(), nullable=False),
        sa.Column('undone', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_merge')),
        sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_merge_organisation_kept_id'), 'merge', ['organisation', 'kept_id'], unique=False)
    op.create_index(op.f('ix_merge_organisation_replaced_id'), 'merge', ['organisation', 'replaced_id'], unique=False)
    op.create_table('node',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('facility', sa.String(), nullable=False),
        sa.Column('facility_name', sa.String(), nullable=False),
        sa.Column('township', sa.String(length=9), nullable=False),
        sa.Column('private_key', sa.LargeBinary(), nullable=False),
        sa.Column('public_key', sa.LargeBinary(), nullable=False),
        sa.Column('created_at', Moment(), nullable=False),
        sa.Column('demonstration', sa.Boolean(), nullable=False),
        sa.Column('policy', sa.LargeBinary(), nullable=False),
        sa.Column('receiving', sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_node')),
        sqlite_with_rowid=False
    )
    op.create_table('person',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('village_code', sa.String(length=12), nullable=False),
        sa.Column('household_id', Identity(), nullable=True),
        sa.Column('archive_code', sa.String(length=17), nullable=True),
        sa.Column('name', KEY, nullable=False),
        sa.Column('sort_key', KEY, nullable=False),
        sa.Column('sex', sa.String(length=6), nullable=True),
        sa.Column('birth_on', sa.Date(), nullable=True),
        sa.Column('status', sa.String(), nullable=False),
        sa.Column('replaced_by', Identity(), nullable=True),
        sa.Column('revision', sa.Integer(), nullable=False),
        sa.Column('details', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_person')),
        sa.UniqueConstraint('organisation', 'archive_code', name=op.f('uq_person_organisation_archive_code')),
        sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_person_organisation_household_id'), 'person', ['organisation', 'household_id'], unique=False)
    op.create_index(op.f('ix_person_organisation_replaced_by'), 'person', ['organisation', 'replaced_by'], unique=False)
    op.create_index(op.f('ix_person_organisation_sort_key_village_code_replaced_by'), 'person', ['organisation', 'sort_key', 'village_code', 'replaced_by'], unique=False)
    op.create_index(op.f('ix_person_organisation_village_code_sort_key'), 'person', ['organisation', 'village_code', 'sort_key'], unique=False)
    op.create_table('prescribed',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('person_id', Identity(), nullable=False),
        sa.Column('at', Moment(), nullable=False),
        sa.Column('encounter_id', Identity(), nullable=False),
        sa.Column('position', sa.SmallInteger(), nullable=False),
        sa.Column('drug', sa.String(), nullable=False),
        sa.Column('usage', sa.String(), nullable=False),
        sa.Column('days', sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint('organisation', 'person_id', 'at', 'encounter_id', 'position', name=op.f('pk_prescribed')),
        sqlite_with_rowid=False
    )
    op.create_table('serial_block',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('village_code', sa.String(length=12), nullable=False),
        sa.Column('first', sa.Integer(), nullable=False),
        sa.Column('last', sa.Integer(), nullable=False),
        sa.Column('used_through', sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'village_code', 'first', name=op.f('pk_serial_block')),
        sqlite_with_rowid=False
    )
    op.create_table('unfinished',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('account_id', Identity(), nullable=False),
        sa.Column('page', sa.String(), nullable=False),
        sa.Column('form', sa.LargeBinary(), nullable=False),
        sa.Column('kept_at', Moment(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'account_id', 'page', name=op.f('pk_unfinished')),
        sqlite_with_rowid=False
    )
    op.create_table('village',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('code', sa.String(length=12), nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'code', name=op.f('pk_village')),
        sqlite_with_rowid=False
    )
    op.create_table('arrived_reading',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('device_id', Identity(), nullable=False),
        sa.Column('mark', sa.LargeBinary(length=16), nullable=False),
        sa.Column('received_at', Moment(), nullable=False),
        sa.Column('draft_id', Identity(), nullable=True),
        sa.Column('state', sa.String(length=9), nullable=False),
        sa.Column('details', sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(['organisation', 'device_id'], ['device.organisation', 'device.id'], name=op.f('fk_arrived_reading_organisation_device_id')),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_arrived_reading')),
        sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_arrived_reading_organisation_device_id_mark'), 'arrived_reading', ['organisation', 'device_id', 'mark'], unique=False)
    op.create_index(op.f('ix_arrived_reading_organisation_state_draft_id'), 'arrived_reading', ['organisation', 'state', 'draft_id'], unique=False)
    op.create_table('document',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('person_id', Identity(), nullable=False),
        sa.Column('encounter_id', Identity(), nullable=False),
        sa.Column('version', sa.SmallInteger(), nullable=False),
        sa.Column('body', sa.LargeBinary(), nullable=False),
        sa.Column('hash', sa.LargeBinary(length=32), nullable=False),
        sa.Column('signature', sa.LargeBinary(), nullable=False),
        sa.Column('node_id', Identity(), nullable=False),
        sa.Column('signed_at', Moment(), nullable=False),
        sa.ForeignKeyConstraint(['organisation', 'person_id'], ['person.organisation', 'person.id'], name=op.f('fk_document_organisation_person_id')),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_document')),
        sa.UniqueConstraint('organisation', 'encounter_id', 'version', name=op.f('uq_document_organisation_encounter_id_version')),
        sqlite_with_rowid=True
    )
    op.create_table('draft',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('person_id', Identity(), nullable=False),
        sa.Column('account_id', Identity(), nullable=False),
        sa.Column('encounter_id', Identity(), nullable=False),
        sa.Column('amends', Identity(), nullable=True),
        sa.Column('aside_of', Identity(), nullable=True),
        sa.Column('revision', sa.Integer(), nullable=False),
        sa.Column('window', sa.String(), nullable=False),
        sa.Column('stroke', sa.Integer(), nullable=False),
        sa.Column('form', sa.LargeBinary(), nullable=False),
        sa.Column('begun_at', Moment(), nullable=False),
        sa.Column('kept_at', Moment(), nullable=False),
        sa.ForeignKeyConstraint(['organisation', 'person_id'], ['person.organisation', 'person.id'], name=op.f('fk_draft_organisation_person_id')),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_draft')),
        sqlite_with_rowid=True
    )
    op.create_index(op.f('ix_draft_organisation_account_id_kept_at'), 'draft', ['organisation', 'account_id', 'kept_at'], unique=False)
    op.create_table('encounter',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('person_id', Identity(), nullable=False),
        sa.Column('document_id', Identity(), nullable=False),
        sa.Column('version', sa.SmallInteger(), nullable=False),
        sa.Column('kind', sa.String(length=10), nullable=False),
        sa.Column('occurred_at', Moment(), nullable=False),
        sa.Column('complaint', sa.Text(), nullable=False),
        sa.Column('triage', sa.String(length=10), nullable=False),
        sa.Column('signer', Identity(), nullable=False),
        sa.Column('signer_name', sa.String(), nullable=False),
        sa.ForeignKeyConstraint(['organisation', 'person_id'], ['person.organisation', 'person.id'], name=op.f('fk_encounter_organisation_person_id')),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_encounter')),
        sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_encounter_organisation_person_id_occurred_at'), 'encounter', ['organisation', 'person_id', 'occurred_at'], unique=False)
    op.create_table('identifier',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('value', KEY, nullable=False),
        sa.Column('person_id', Identity(), nullable=False),
        sa.ForeignKeyConstraint(['organisation', 'person_id'], ['person.organisation', 'person.id'], name=op.f('fk_identifier_organisation_person_id')),
        sa.PrimaryKeyConstraint('organisation', 'kind', 'value', 'person_id', name=op.f('pk_identifier')),
        sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_identifier_organisation_person_id'), 'identifier', ['organisation', 'person_id'], unique=False)
    op.create_index(op.f('ix_identifier_organisation_value'), 'identifier', ['organisation', 'value'], unique=False)
    op.create_table('list_entry',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('person_id', Identity(), nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('due_on', sa.Date(), nullable=True),
        sa.Column('ended_on', sa.Date(), nullable=True),
        sa.Column('revision', sa.Integer(), nullable=False),
        sa.Column('details', sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(['organisation', 'person_id'], ['person.organisation', 'person.id'], name=op.f('fk_list_entry_organisation_person_id')),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_list_entry')),
        sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_list_entry_organisation_kind_ended_on_due_on'), 'list_entry', ['organisation', 'kind', 'ended_on', 'due_on'], unique=False)
    op.create_index(op.f('ix_list_entry_organisation_person_id_kind'), 'list_entry', ['organisation', 'person_id', 'kind'], unique=False)
    op.create_table('search_key',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('kind', sa.String(length=8), nullable=False),
        sa.Column('key', KEY, nullable=False),
        sa.Column('person_id', Identity(), nullable=False),
        sa.Column('village_code', sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(['organisation', 'person_id'], ['person.organisation', 'person.id'], name=op.f('fk_search_key_organisation_person_id')),
        sa.PrimaryKeyConstraint('organisation', 'kind', 'key', 'person_id', name=op.f('pk_search_key')),
        sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_search_key_organisation_person_id'), 'search_key', ['organisation', 'person_id'], unique=False)
    op.create_table('session',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('token_hash', sa.LargeBinary(), nullable=False),
        sa.Column('account_id', Identity(), nullable=False),
        sa.Column('begun_at', Moment(), nullable=False),
        sa.Column('seen_at', Moment(), nullable=False),
        sa.Column('locked', sa.Boolean(), nullable=False),
        sa.Column('opened', sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(['organisation', 'account_id'], ['account.organisation', 'account.id'], name=op.f('fk_session_organisation_account_id')),
        sa.PrimaryKeyConstraint('organisation', 'token_hash', name=op.f('pk_session')),
        sqlite_with_rowid=False
    )
    op.create_table('waiting',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('person_id', Identity(), nullable=False),
        sa.Column('village_code', sa.String(length=12), nullable=False),
        sa.Column('reason', sa.String(), nullable=False),
        sa.Column('arrived_at', Moment(), nullable=False),
        sa.Column('done_at', Moment(), nullable=True),
        sa.ForeignKeyConstraint(['organisation', 'person_id'], ['person.organisation', 'person.id'], name=op.f('fk_waiting_organisation_person_id')),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_waiting')),
        sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_waiting_organisation_done_at_arrived_at'), 'waiting', ['organisation', 'done_at', 'arrived_at'], unique=False)
