"""Alembic's entry: runs the migrations on the connection that `loyalty.store.migrate` opened."""

from __future__ import annotations

from alembic import context

from loyalty.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
