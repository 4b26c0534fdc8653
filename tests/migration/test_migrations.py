"""One linear history for both dialects, up and down, equal to what the code declares."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from deploy.local import PrivatePostgres
from shared.adapters.sql.engine import Store
from shared.adapters.sql.schema import MIGRATIONS, check_schema, migrate, schema_differences
from shared.errors import SettingsRefused


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a database in which nothing was ever made."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    postgres: PrivatePostgres = request.getfixturevalue("postgres")
    postgres.create_database("never_migrated")
    yield postgres.dsn("never_migrated")
    postgres.drop_database("never_migrated")


async def test_the_migrations_make_what_the_tables_declare(empty_database: str) -> None:
    await migrate(empty_database)
    store = Store(empty_database)
    try:
        assert await schema_differences(store) == []
        await check_schema(store, empty_database)
    finally:
        await store.close()


async def test_every_step_can_be_undone_and_done_again(empty_database: str) -> None:
    await migrate(empty_database)
    await migrate(empty_database, "base")
    store = Store(empty_database)
    try:
        with pytest.raises(SettingsRefused, match="at revision None"):
            await check_schema(store, empty_database)
        await migrate(empty_database)
        assert await schema_differences(store) == []
    finally:
        await store.close()


async def test_a_database_of_another_revision_is_refused(empty_database: str) -> None:
    store = Store(empty_database)
    try:
        with pytest.raises(SettingsRefused):
            await check_schema(store, empty_database)
    finally:
        await store.close()


def test_the_history_is_one_line() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert len(scripts.get_heads()) == 1
    assert all(not script.is_branch_point for script in scripts.walk_revisions())
