"""How Alembic runs here: on the connection it is given, within that connection's transaction."""

from __future__ import annotations

from alembic import context

from cunyi.store.township_schema import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transaction_per_migration=False
)
context.run_migrations()
