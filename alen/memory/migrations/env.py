"""Alembic's entry: run on the connection that the store opened, inside its transaction."""

from __future__ import annotations

from alembic import context

# SQLite undoes changes of schema too, so a process killed half-way leaves the store as it was.
context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
