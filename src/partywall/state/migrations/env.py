"""Run by Alembic: migrates over the connection that `state.database` gives, inside its transaction."""

from __future__ import annotations

from alembic import context

from partywall.state.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
