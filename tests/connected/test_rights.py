"""Every service may do in the database what its code does, and nothing else: asked of the server, not of our data."""

import json

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from comity.main import app
from deploy.local import ServerFailed
from shared.adapters.sql.grants import APPEND_ONLY, DATABASE, RIGHTS, Right
from shared.adapters.sql.rights import apply_rights, right_differences
from shared.adapters.tables import METADATA
from shared.contracts.topology import LETTERED, SERVICES
from shared.errors import SettingsRefused
from tests.connected.roles import Place

TABLES = sorted([*(table.name for table in METADATA.sorted_tables), "alembic_version"])
PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
CONSUMING = ("intake", "routing", "notification")
DENIED = "42501"  # SQLSTATE insufficient_privilege


def allowed(service: str, kind: str, name: str, privilege: str) -> bool:
    """By the data; a right on a whole table is one on each of its columns."""
    whole = Right("table", name.partition(".")[0], privilege)
    return Right(kind, name, privilege) in RIGHTS[service] or (kind == "column" and whole in RIGHTS[service])


async def test_the_server_knows_exactly_the_rights_in_the_data(place: Place) -> None:
    asked = {
        "table": "has_table_privilege(:role, quote_ident(name), privilege)",
        "column": "has_column_privilege(:role, quote_ident(split_part(name, '.', 1)), split_part(name, '.', 2), "
        "privilege)",
        "sequence": "has_sequence_privilege(:role, quote_ident(name), privilege)",
        "schema": "has_schema_privilege(:role, name, privilege)",
        "database": "has_database_privilege(:role, current_database(), privilege)",
    }
    columns = [f"{table.name}.{column.name}" for table in METADATA.sorted_tables for column in table.c]
    sequences = [f"{name}_id_seq" for name in ("leaf_waiting", "bus_message", *(f"{s}_dead_letter" for s in LETTERED))]
    questions = [
        *(("table", table, privilege) for table in TABLES for privilege in PRIVILEGES),
        *(("column", column, privilege) for column in columns for privilege in ("SELECT", "INSERT", "UPDATE")),
        *(("sequence", sequence, privilege) for sequence in sequences for privilege in ("USAGE", "SELECT", "UPDATE")),
        *(("schema", "public", privilege) for privilege in ("USAGE", "CREATE")),
        *(("database", DATABASE, privilege) for privilege in ("CONNECT", "CREATE", "TEMPORARY")),
    ]
    async with place.connection(place.server.dsn(place.name)) as connection:
        there = (await connection.execute(text("SELECT relname FROM pg_class WHERE relkind = 'S'"))).scalars()
        assert set(sequences) == set(there)
        for service in SERVICES:
            for kind, question in asked.items():
                put = [(name, privilege) for of, name, privilege in questions if of == kind]
                answers = await connection.execute(
                    text(
                        f"SELECT name, privilege FROM unnest(CAST(:names AS text[]), CAST(:privileges AS text[]))"
                        f" AS asked (name, privilege) WHERE {question}"
                    ),
                    {
                        "role": f"{place.prefix}{service}",
                        "names": [n for n, _ in put],
                        "privileges": [p for _, p in put],
                    },
                )
                assert {tuple(row) for row in answers} == {
                    (name, privilege) for name, privilege in put if allowed(service, kind, name, privilege)
                }, service


LEDGER_CHANGES = [
    statement
    for table in APPEND_ONLY
    for statement in (
        f'UPDATE {table} SET "{METADATA.tables[table].primary_key.columns[0].name}" = 0',
        f"DELETE FROM {table}",
        f"TRUNCATE {table}",
    )
]


async def test_not_even_the_owner_changes_the_ledger_by_mistake(place: Place) -> None:
    assert await place.allows("owner", LEDGER_CHANGES) == []
    with pytest.raises(DBAPIError, match="append-only"):
        await place.as_superuser("SET session_replication_role = replica", "DELETE FROM ledger_leaf")


FORBIDDEN = {
    "gateway": [
        "INSERT INTO claim VALUES ('m', 's', 'd')",
        "SELECT frame FROM intake_outbox",
        "SELECT frame FROM routing_dead_letter",
        "SELECT frame FROM leaf_waiting",
        "SELECT frame FROM ledger_dead_letter",
        "SELECT * FROM notification_inbox",
    ],
    "intake": [
        "SELECT * FROM envelope",
        "SELECT * FROM part_chunk",
        "INSERT INTO routing_outbox VALUES ('i', 0, '')",
        "SELECT * FROM leaf_waiting",
        "DELETE FROM leaf_waiting",
        "INSERT INTO ledger_leaf VALUES (0, now(), '', '', '')",
        "UPDATE decision SET decision = 'accepted'",
        "DELETE FROM claim",
    ],
    "routing": [
        "SELECT * FROM decision",
        "UPDATE envelope SET jws = ''",
        "SELECT * FROM part_chunk",
        "DELETE FROM evidence",
        "INSERT INTO key_event VALUES (1, '', now())",
    ],
    "notification": [
        "SELECT * FROM mailbox",
        "UPDATE feed_entry SET position = 1",
    ],
    "ledger": [
        "SELECT * FROM decision",
        "SELECT * FROM key_event",
    ],
}
FORBIDDEN_TO_ALL = [
    *LEDGER_CHANGES,
    "CREATE TABLE mine (n int)",
    "CREATE TEMPORARY TABLE mine (n int)",
    "CREATE SCHEMA mine",
    "ALTER TABLE ledger_leaf DISABLE TRIGGER append_only",
    "DROP TABLE claim",
    "CREATE TRIGGER spy BEFORE INSERT ON ledger_leaf EXECUTE FUNCTION refuse_change()",
    "ALTER TABLE ledger_leaf OWNER TO CURRENT_USER",
    "SET session_replication_role = replica",
    "UPDATE alembic_version SET version_num = '0'",
    "INSERT INTO bus_message (queue, deliveries, frame) VALUES ('intake', 0, '')",
    "COPY alembic_version TO PROGRAM 'true'",
    "SELECT pg_read_file('postgresql.conf')",
]


@pytest.mark.parametrize("service", SERVICES)
async def test_what_a_service_does_not_need_is_refused(place: Place, service: str) -> None:
    assert await place.allows(service, [*FORBIDDEN[service], *FORBIDDEN_TO_ALL]) == []


async def test_what_the_data_does_not_say_is_revoked(place: Place) -> None:
    intake, gateway = f"{place.prefix}intake", f"{place.prefix}gateway"
    await place.as_superuser(
        f"GRANT UPDATE ON ledger_leaf TO {intake} WITH GRANT OPTION",
        f"GRANT SELECT ON envelope TO {intake}",
        f"GRANT SELECT (frame), UPDATE (frame) ON routing_outbox TO {gateway}",
        f"REVOKE SELECT ON claim FROM {gateway}",
        f"GRANT CREATE ON SCHEMA public TO {intake}",
        "GRANT SELECT ON mailbox TO PUBLIC",
        f"GRANT TEMPORARY ON DATABASE {place.name} TO PUBLIC",
        "GRANT EXECUTE ON FUNCTION refuse_change() TO PUBLIC",
    )
    async with place.store("owner") as store:
        assert len(await right_differences(store, place.prefix)) == 9
        changes = await apply_rights(store, place.prefix)
        assert (len(changes.revoked), len(changes.granted)) == (8, 1)
        assert await right_differences(store, place.prefix) == []
        again = await apply_rights(store, place.prefix)
        assert (again.revoked, again.granted) == ((), ())


async def test_what_is_made_later_is_nobodys(place: Place) -> None:
    async with place.connection(place.url("owner")) as connection:
        await connection.execute(text("CREATE TABLE later (n int)"))
        await connection.execute(text("CREATE FUNCTION later() RETURNS int LANGUAGE sql AS 'SELECT 1'"))
        await connection.commit()
    try:
        for service in SERVICES:
            assert await place.allows(service, ["SELECT * FROM later", "SELECT later()"]) == []
    finally:
        await place.as_superuser("DROP TABLE later", "DROP FUNCTION later")


@pytest.mark.parametrize(
    ("statement", "undo", "why"),
    [
        ("ALTER ROLE {role} SUPERUSER", "ALTER ROLE {role} NOSUPERUSER", "is a superuser"),
        ("GRANT pg_read_all_data TO {role}", "REVOKE pg_read_all_data FROM {role}", "is a member of another role"),
        ("ALTER TABLE claim OWNER TO {role}", "ALTER TABLE claim OWNER TO {owner}", "owns something"),
        ("ALTER ROLE {role} CREATEROLE", "ALTER ROLE {role} NOCREATEROLE", "may create"),
    ],
)
async def test_a_role_that_no_grant_could_hold_back_is_refused(
    place: Place, statement: str, undo: str, why: str
) -> None:
    names = {"role": f"{place.prefix}routing", "owner": f"{place.prefix}owner"}
    await place.as_superuser(statement.format(**names))
    try:
        async with place.store("owner") as store:
            with pytest.raises(SettingsRefused, match=why):
                await apply_rights(store, place.prefix)
    finally:
        await place.as_superuser(undo.format(**names))


def test_the_command_migrates_and_names_the_roles_that_are_not_there(place: Place) -> None:
    database = f"{place.name}_command"
    place.server.make_roles(place.prefix, database=database)
    try:
        url = place.server.dsn(database, f"{place.prefix}owner")
        options = ["--database", url, "--role-prefix", "nobody_", "--json"]
        done = CliRunner().invoke(app, ["database", "migrate", *options])
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["absent"] == [f"nobody_{service}" for service in SERVICES]
    finally:
        place.server.drop_database(database)


def test_a_short_password_is_refused(place: Place) -> None:
    prefix = f"{place.prefix}short_"
    (place.server.directory / "passwords" / f"{prefix}owner").write_text("hunter2")
    with pytest.raises(ServerFailed, match="shorter than 16"):
        place.server.make_roles(prefix)


def test_every_table_with_a_number_from_a_sequence_lets_its_writers_take_one() -> None:
    for service, rights in RIGHTS.items():
        for right in rights:
            numbered = right.kind == "table" and right.name in ("leaf_waiting", f"{service}_dead_letter")
            if numbered and right.privilege == "INSERT":
                assert Right("sequence", f"{right.name}_id_seq", "USAGE") in rights
