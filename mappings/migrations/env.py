"""Runs the migrations on the connection that `mappings.schema` hands in."""

from alembic import context
from sqlmodel import SQLModel

from mappings.tables import name_postgresql

connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    name_postgresql()
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
