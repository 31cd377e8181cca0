"""The level of who waits, and what the hospitals call their departments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cunyi.store.columns import Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns and the table."""
    op.add_column("waiting", sa.Column("level", sa.String(length=10), nullable=False, server_default=""))
    op.add_column("waiting", sa.Column("triage", sa.LargeBinary(), nullable=True))
    # fmt: off
    op.create_table('hospital_department',
        sa.Column('organisation', sa.String(length=6), nullable=False),
        sa.Column('level', sa.String(length=8), nullable=False),
        sa.Column('department', sa.String(), nullable=False),
        sa.Column('hospital', sa.String(), nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('place', sa.String(), nullable=False),
        sa.Column('set_at', Moment(), nullable=False),
        sa.PrimaryKeyConstraint('organisation', 'level', 'department', name=op.f('pk_hospital_department')),
        sqlite_with_rowid=False
    )
