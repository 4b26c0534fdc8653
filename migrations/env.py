"""Alembic's entry: runs on the connection that `shared.adapters.sql.schema` hands over."""

from alembic import context
from sqlalchemy import Connection

from shared.adapters.tables import METADATA


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=connection.dialect.name == "sqlite",  # SQLite cannot alter a table in place
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


_run(context.config.attributes["connection"])
