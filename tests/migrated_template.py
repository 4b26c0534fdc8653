"""Brings a fresh PostgreSQL database to the newest schema, once per run; the modules' databases are copies of it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from alembic import command
from alembic.config import Config

_MIGRATIONS = Path(__file__).parent.parent / "migrations"


def migrate(dsn: str) -> None:
    """Apply every migration to the empty database at `dsn`; without migrations it stays empty.

    Leaves no connection open: PostgreSQL copies no template to which somebody is connected.
    """
    if not (_MIGRATIONS / "env.py").exists():
        return
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", dsn.replace("%", "%%"))
    # In a thread of its own, since env.py may start an event loop and this thread's belongs to the tests.
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(command.upgrade, config, "head").result()
