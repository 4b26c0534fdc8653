"""Making the rights in a PostgreSQL database equal to `grants.RIGHTS`, and telling where they differ.

Only what differs is granted or revoked, in one transaction: running services never see a moment without their rights.
A service whose role does not exist is left out and named. A role that could do more than it was granted (a superuser,
a member of another role, an owner) is refused, since grants would say nothing about it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.adapters.sql.engine import Store
from shared.adapters.sql.grants import APPEND_ONLY, DATABASE, RIGHTS, Right
from shared.errors import SettingsRefused

PUBLIC: Final = "public"
"""In the catalogue, whoever asks; no role can have this name."""

ROLES_LOCK: Final = 0x7269676874  # "right": two migrations at once would trip over each other's grants

_FOUND: Final = text("""
    WITH schemas AS (
        SELECT oid, nspname, nspowner, nspacl FROM pg_namespace
        WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'
    ), objects (kind, name, acl) AS (
        SELECT 'database', :database, coalesce(datacl, acldefault('d', datdba))
            FROM pg_database WHERE datname = current_database()
        UNION ALL SELECT 'schema', nspname::text, coalesce(nspacl, acldefault('n', nspowner)) FROM schemas
        UNION ALL SELECT CASE relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, relname::text,
                coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
            FROM pg_class JOIN schemas ON schemas.oid = relnamespace WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        UNION ALL SELECT 'column', relname || '.' || attname, attacl
            FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid JOIN schemas ON schemas.oid = relnamespace
            WHERE attacl IS NOT NULL AND NOT attisdropped
        UNION ALL SELECT 'function', pg_proc.oid::regprocedure::text, coalesce(proacl, acldefault('f', proowner))
            FROM pg_proc JOIN schemas ON schemas.oid = pronamespace
    )
    SELECT kind, name, coalesce(rolname::text, :public) AS role, privilege_type AS privilege, is_grantable
    FROM objects, aclexplode(acl) LEFT JOIN pg_roles ON pg_roles.oid = grantee
    WHERE grantee = 0 OR rolname = ANY (:roles)
""")

_BEYOND_GRANTS: Final = text("""
    SELECT rolname::text AS role, CASE
        WHEN rolsuper THEN 'is a superuser'
        WHEN rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls THEN 'may create roles, or more'
        WHEN EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid) THEN 'is a member of another role'
        WHEN EXISTS (
            SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = pg_roles.oid
            AND deptype = 'o' AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
        ) THEN 'owns something here'
    END AS why
    FROM pg_roles WHERE rolname = ANY (:roles)
""")

_GUARDED: Final = text("""
    SELECT relname::text FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE tgname = 'append_only' AND tgenabled = 'A'
""")

_GUARD: Final = """
    CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END $$
"""


class Held(NamedTuple):
    """A right that a role has, or should have."""

    role: str
    right: Right
    may_pass_on: bool = False


@dataclass(frozen=True)
class Changes:
    """What `apply_rights` did, and for whom it could do nothing."""

    granted: tuple[Held, ...]
    revoked: tuple[Held, ...]
    absent: tuple[str, ...]
    """Roles that do not exist."""


async def apply_rights(store: Store, prefix: str) -> Changes:
    """Grant and revoke until the catalogue says what `grants.RIGHTS` says. As the owner of the database.

    Raises SettingsRefused for a role beyond grants, or where rights remain that this owner cannot revoke;
    StoreUnavailable.
    """
    async with store.write() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ROLES_LOCK})
        # What is made from now on is nobody's either.
        await connection.execute(text("ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM PUBLIC"))
        await connection.execute(text("ALTER DEFAULT PRIVILEGES REVOKE ALL ON TYPES FROM PUBLIC"))
        await _guard(connection)
        present = await _present_roles(connection, prefix)
        await _refuse_beyond_grants(connection, present)
        database = str((await connection.execute(text("SELECT current_database()"))).scalar_one())
        wanted = _wanted(prefix, present)
        revoked = sorted(await _found(connection, present) - wanted)
        for held in revoked:
            await connection.execute(text(_statement("REVOKE", held, database)))
        granted = sorted(wanted - await _found(connection, present))
        for held in granted:
            await connection.execute(text(_statement("GRANT", held, database)))
        left = sorted((await _found(connection, present)) ^ wanted)
        if left:
            raise SettingsRefused(why=f"{_sentence(left[0])} cannot be changed by this owner; {len(left)} such rights")
    absent = tuple(role for role in _roles(prefix) if role not in present)
    return Changes(tuple(granted), tuple(revoked), absent)


async def right_differences(store: Store, prefix: str) -> list[Held]:
    """Rights in the catalogue that are not in the data, and rights in the data that are not in the catalogue."""
    async with store.read() as connection:
        present = await _present_roles(connection, prefix)
        return sorted((await _found(connection, present)) ^ _wanted(prefix, present))


def _roles(prefix: str) -> list[str]:
    return [f"{prefix}{service}" for service in RIGHTS]


def _wanted(prefix: str, present: Iterable[str]) -> set[Held]:
    return {
        Held(f"{prefix}{service}", right)
        for service, rights in RIGHTS.items()
        for right in rights
        if f"{prefix}{service}" in present
    }


async def _present_roles(connection: AsyncConnection, prefix: str) -> list[str]:
    named = text("SELECT rolname::text FROM pg_roles WHERE rolname = ANY (:roles)")
    return list((await connection.execute(named, {"roles": _roles(prefix)})).scalars())


async def _found(connection: AsyncConnection, roles: list[str]) -> set[Held]:
    rows = await connection.execute(_FOUND, {"roles": roles, "database": DATABASE, "public": PUBLIC})
    return {Held(row.role, Right(row.kind, row.name, row.privilege), row.is_grantable) for row in rows}


async def _refuse_beyond_grants(connection: AsyncConnection, roles: list[str]) -> None:
    for row in await connection.execute(_BEYOND_GRANTS, {"roles": roles}):
        if row.why is not None:
            raise SettingsRefused(why=f"the role {row.role} {row.why}: make it as deploy/postgres/roles.sh does")


async def _guard(connection: AsyncConnection) -> None:
    """Even the owner's hand slips: rows of the ledger are changed by nobody who did not first remove this trigger."""
    guarded = set((await connection.execute(_GUARDED)).scalars())
    if set(APPEND_ONLY) <= guarded:
        return
    await connection.execute(text(_GUARD))
    for table in APPEND_ONLY:
        await connection.execute(
            text(
                f"CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
        )
        await connection.execute(text(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only"))


def _statement(verb: str, held: Held, database: str) -> str:
    kind, name, privilege = held.right
    columns = ""
    if kind == "column":
        name, _, column = name.rpartition(".")
        kind, columns = "table", f" ({_quoted(column)})"
    elif kind == "database":
        name = database
    target = name if kind == "function" else _quoted(name)  # a function's name comes with its arguments, quoted
    role = "PUBLIC" if held.role == PUBLIC else _quoted(held.role)
    end = f"TO {role}" if verb == "GRANT" else f"FROM {role} CASCADE"
    return f"{verb} {privilege}{columns} ON {kind.upper()} {target} {end}".replace(":", "\\:")


def _sentence(held: Held) -> str:
    return f"{held.right.privilege} on {held.right.kind} {held.right.name} of {held.role}"


def _quoted(name: str) -> str:
    return postgresql.dialect().identifier_preparer.quote_identifier(name)  # type: ignore[no-untyped-call]  # untyped
