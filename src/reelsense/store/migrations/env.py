"""Alembic's door: runs on the connection that `reelsense.store.migrate` hands over."""

from alembic import context

from reelsense.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
