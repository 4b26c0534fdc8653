"""Who may do what in the database, as data: the least that the code of each service does.

Rules:
1. Everything is listed here; what is not listed is revoked. PUBLIC, which is every role, has nothing.
2. Nobody may update or delete a row of the ledger. Services only insert into `leaf_waiting`; the ledger's role takes
   the leaves out again.
3. The gateway writes nothing. Of the services' outboxes and parked items it sees how many and how old they are, of
   dead letters everything but the frame.
4. Selecting with a lock needs the right to update. So only rows that do change are locked (`mapping.UPDATED`), and the
   right to update `…_parked` is there for its lock alone.
5. A new statement of a service needs its line here: `tests/connected/test_rights.py` compares with the server.

Not here: the roles themselves and their passwords (`deploy/postgres`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from shared.contracts.topology import SERVICES

_SIGNED_TREE: Final = (
    *("ledger_leaf", "ledger_tile", "ledger_checkpoint", "ledger_note"),
    *("ledger_cosignature", "ledger_quorum"),
)
APPEND_ONLY: Final = (*_SIGNED_TREE, "ledger_time_stamp")
"""Tables in which rows are written once and stay, whoever asks."""

DATABASE: Final = "*"
"""Stands for the database's own name, which is not known here."""


class Right(NamedTuple):
    """One privilege on one object. `kind` is database, schema, table, column, sequence or function; the name of a
    column is `table.column`."""

    kind: str
    name: str
    privilege: str


def _on(privileges: str, *tables: str) -> frozenset[Right]:
    return frozenset(Right("table", table, privilege) for table in tables for privilege in privileges.split())


def _columns(privilege: str, table: str, *columns: str) -> frozenset[Right]:
    return frozenset(Right("column", f"{table}.{column}", privilege) for column in columns)


def _numbered(table: str) -> frozenset[Right]:
    """Insert into a table whose rows get their id from a sequence."""
    return _on("INSERT", table) | {Right("sequence", f"{table}_id_seq", "USAGE")}


_EVERYONE: Final = frozenset({Right("database", DATABASE, "CONNECT"), Right("schema", "public", "USAGE")}) | _on(
    "SELECT", "alembic_version"
)
_DIRECTORY: Final = _on("SELECT", "key_event", "instruments")


def _messaging(service: str) -> frozenset[Right]:
    return (
        _on("SELECT INSERT DELETE", f"{service}_inbox")
        | _on("SELECT INSERT UPDATE DELETE", f"{service}_outbox", f"{service}_parked")
        | _on("SELECT DELETE", f"{service}_dead_letter")
        | _numbered(f"{service}_dead_letter")
    )


def _figures(service: str) -> frozenset[Right]:
    """How much waits and since when, and what is known about dead letters, but no content."""
    return (
        _columns("SELECT", f"{service}_outbox", "id", "relay_after")
        | _columns("SELECT", f"{service}_parked", "due_at")
        | _columns("SELECT", f"{service}_dead_letter", *_ABOUT_LETTERS)
    )


_ABOUT_LETTERS: Final = ("id", "item", "ordinal", "type", "at", "reason", "attempts", "retries", "earlier")


RIGHTS: Final[dict[str, frozenset[Right]]] = {
    "gateway": _EVERYONE
    | _DIRECTORY
    | _on("SELECT", "claim", "decision", "dossier", "leg", "failed_evidence")
    | _on("SELECT", "envelope", "mailbox", "evidence", "part", "part_chunk", "parts_pruned")
    | _on("SELECT", "feed_entry", *APPEND_ONLY)
    | _columns("SELECT", "leaf_waiting", "id")
    | _figures("intake")
    | _figures("routing")
    | _figures("notification")
    | _columns("SELECT", "ledger_dead_letter", *_ABOUT_LETTERS),
    "intake": _EVERYONE
    | _DIRECTORY
    | _messaging("intake")
    | _on("INSERT", "key_event", "instruments")
    | _on("SELECT INSERT", "claim", "decision", "dossier")
    | _on("SELECT INSERT UPDATE", "leg", "late_message", "transport_scan")
    | _on("INSERT", "failed_evidence")
    | _on("SELECT", "evidence")  # whether it came, and in time
    | _on("SELECT", *_SIGNED_TREE)  # when the ledger logged a recovery
    | _numbered("leaf_waiting"),
    "routing": _EVERYONE
    | _DIRECTORY
    | _messaging("routing")
    | _on("SELECT INSERT", "envelope")
    | _on("SELECT INSERT UPDATE", "mailbox")
    | _on("SELECT INSERT", "auditor_day")
    | _on("INSERT", "evidence")
    | _on("SELECT INSERT DELETE", "part")
    | _on("INSERT DELETE", "part_chunk")
    | _columns("SELECT", "part_chunk", "digest")
    | _on("SELECT", "leg")  # whether a dossier is closed
    | _on("INSERT", "parts_pruned")
    | _numbered("leaf_waiting"),
    "notification": _EVERYONE
    | _DIRECTORY
    | _messaging("notification")
    | _on("SELECT INSERT UPDATE", "feed_head")
    | _on("INSERT", "feed_entry")
    | _numbered("leaf_waiting"),  # for a dead letter that is retried
    "ledger": _EVERYONE
    | _on("SELECT DELETE", "leaf_waiting", "ledger_dead_letter")
    | _numbered("leaf_waiting")  # that it started
    | _numbered("ledger_dead_letter")
    | _on("SELECT INSERT", *APPEND_ONLY),
}

assert tuple(RIGHTS) == SERVICES  # noqa: S101 - a service without a line here would have no rights at all
