"""`comity database`: the schema of a PostgreSQL database, and who may do what in it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity.options import Json
from comity.output import reporting, say
from comity.words import _

if TYPE_CHECKING:
    from shared.adapters.sql.rights import Changes

app = typer.Typer(no_args_is_help=True, help="The schema and the rights of a PostgreSQL database.")


@app.callback()
def _database() -> None:
    """The schema and the rights of a PostgreSQL database."""


@app.command()
def migrate(
    database: Annotated[
        str | None,
        typer.Option(
            help="postgresql+asyncpg://… of its owner; COMITY_DATABASE, else comity_database in COMITY_SECRETS."
        ),
    ] = None,
    role_prefix: Annotated[str, typer.Option(help="What the names of the services' roles begin with.")] = "comity_",
    database_ca: Annotated[
        Path | None,
        typer.Option(envvar="COMITY_DATABASE_CA", help="PEM file of the CA that certified the server: demands TLS."),
    ] = None,
    json: Json = False,
) -> None:
    """Bring the schema to what this program needs, then give every service's role its rights and take away all others.

    As the owner of the database, before services of a new version start, and again after a role was made. Nothing
    changes where nothing differs.
    """
    with reporting(json) as output:
        revision, changes = asyncio.run(_migrate(_address(database), database_ca, role_prefix))
        document = {
            "revision": revision,
            "granted": [f"{held.role}: {held.right.privilege} {held.right.name}" for held in changes.granted],
            "revoked": [f"{held.role}: {held.right.privilege} {held.right.name}" for held in changes.revoked],
            "absent": list(changes.absent),
        }

        def render(console: Any) -> None:
            say(console, _("The schema is at revision {revision}.", revision=revision))
            say(
                console,
                _(
                    "Rights: {granted} granted, {revoked} revoked.",
                    granted=len(changes.granted),
                    revoked=len(changes.revoked),
                ),
            )
            if changes.absent:
                say(console, _("Not there, and without rights: {absent}.", absent=", ".join(changes.absent)))
                say(console, _("Make them with deploy/postgres/roles.sh, then migrate again."))

        output.show(document, render)


def _address(given: str | None) -> str:
    """Raises SettingsRefused where there is none, or one that has no roles."""
    from shared.errors import SettingsRefused

    secret = Path(os.environ.get("COMITY_SECRETS", "/nonexistent")) / "comity_database"
    url = given or os.environ.get("COMITY_DATABASE") or (secret.read_text().strip() if secret.is_file() else "")
    if not url.startswith("postgresql+asyncpg://"):
        raise SettingsRefused(why="give --database postgresql+asyncpg://… of its owner; SQLite has no roles")
    return url


async def _migrate(url: str, ca: Path | None, prefix: str) -> tuple[str | None, Changes]:
    from shared.adapters.sql.engine import Store
    from shared.adapters.sql.rights import apply_rights
    from shared.adapters.sql.schema import migrate as migrate_schema
    from shared.adapters.tls import trusting

    proof = trusting(ca)
    revision = await migrate_schema(url, ssl_context=proof)
    store = Store(url, ssl_context=proof, command_timeout_s=None)
    try:
        return revision, await apply_rights(store, prefix)
    finally:
        await store.close()
