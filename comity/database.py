"""`comity database`: the schema of the exchange's database."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from comity.options import Json
from comity.output import reporting, say

app = typer.Typer(no_args_is_help=True, help="The schema of the exchange's database.")

DatabaseUrl = Annotated[
    str, typer.Option("--database", envvar="COMITY_DATABASE", help="postgresql+asyncpg://…, as its owner.")
]


@app.callback()
def _database() -> None:
    """The schema of the exchange's database."""


@app.command()
def migrate(database: DatabaseUrl, json: Json = False) -> None:
    """Bring the schema to what this program needs. Run it before the services of a new version start."""
    with reporting(json) as output:
        import asyncio

        from shared.adapters.sql import schema

        asyncio.run(schema.migrate(database))

        def render(console: Any) -> None:
            say(console, "The schema is up to date.")

        output.show({"migrated": True}, render)
