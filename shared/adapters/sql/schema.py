"""The schema of a database: brought to the newest revision, and compared with what the code expects."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url

from shared.adapters.sql.engine import Store
from shared.adapters.tables import METADATA
from shared.errors import SettingsRefused

MIGRATIONS = Path(__file__).resolve().parents[3] / "migrations"


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


async def migrate(url: str, revision: str = "head", ssl_context: ssl.SSLContext | None = None) -> str | None:
    """Bring the database to a revision, up or down, and return the one it has then. Raises StoreUnavailable."""

    def run(connection: Connection) -> None:
        current = MigrationContext.configure(connection).get_current_revision()
        scripts = ScriptDirectory.from_config(_config())
        older = {script.revision for script in scripts.iterate_revisions(current or "base", "base")}
        step = command.downgrade if revision == "base" or revision in older - {current} else command.upgrade
        step(_config(connection), revision)

    store = Store(url, ssl_context=ssl_context, command_timeout_s=None)
    try:
        async with store.write() as connection:  # one transaction, on SQLite too: a broken start leaves no half of it
            await connection.run_sync(run)
            return await connection.run_sync(_revision)
    finally:
        await store.close()


async def schema_differences(store: Store) -> list[Any]:
    """What autogenerate would change; empty when the migrations and the tables agree."""
    async with store.read() as connection:
        return await connection.run_sync(
            lambda sync: list(compare_metadata(MigrationContext.configure(sync, opts={"compare_type": True}), METADATA))
        )


async def check_schema(store: Store, url: str) -> None:
    """Raises SettingsRefused unless the database is at the revision that this code was written for."""
    expected = ScriptDirectory.from_config(_config()).get_current_head()
    async with store.read() as connection:
        found = await connection.run_sync(_revision)
    if found != expected:
        name = make_url(url).render_as_string(hide_password=True)
        raise SettingsRefused(why=f"the database {name} is at revision {found}, this program needs {expected}")
