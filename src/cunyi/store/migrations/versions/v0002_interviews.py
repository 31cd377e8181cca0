"""Interviews before the consultation.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cunyi.store.columns import Identity, Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table."""
    # fmt: off
    op.create_table('interview',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('id', Identity(), nullable=False),
        sa.Column('facility', sa.String(), nullable=False),
        sa.Column('token_hash', sa.LargeBinary(length=32), nullable=True),
        sa.Column('pickup_code', sa.String(length=8), nullable=False),
        sa.Column('state', sa.String(length=10), nullable=False),
        sa.Column('revision', sa.Integer(), nullable=False),
        sa.Column('level', sa.String(length=10), nullable=False),
        sa.Column('created_at', Moment(), nullable=False),
        sa.Column('updated_at', Moment(), nullable=False),
        sa.Column('alarmed_at', Moment(), nullable=True),
        sa.Column('acknowledged_at', Moment(), nullable=True),
        sa.Column('person_id', Identity(), nullable=True),
        sa.Column('draft_id', Identity(), nullable=True),
        sa.Column('details', sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(['organisation', 'person_id'], ['person.organisation', 'person.id'], name=op.f('fk_interview_organisation_person_id')),
        sa.PrimaryKeyConstraint('organisation', 'id', name=op.f('pk_interview')),
        sa.UniqueConstraint('organisation', 'token_hash', name=op.f('uq_interview_organisation_token_hash')),
        sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_interview_organisation_facility_state_created_at'), 'interview', ['organisation', 'facility', 'state', 'created_at'], unique=False)
    op.create_index(op.f('ix_interview_organisation_pickup_code'), 'interview', ['organisation', 'pickup_code'], unique=False)
