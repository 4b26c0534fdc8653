"""Inbox, outbox, parked items and dead letters: one set per service, so that a role can be granted its own only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Column, Double, Index, Integer, LargeBinary, String, Table, Text
from sqlmodel import SQLModel

from shared.adapters.sql.types import IDENTITY, UtcTime


@dataclass(frozen=True)
class MessagingTables:
    inbox: Table
    outbox: Table
    parked: Table
    dead_letter: Table


def _dead_letter_table(service: str) -> Table:
    return Table(
        f"{service}_dead_letter",
        SQLModel.metadata,
        Column("id", IDENTITY, primary_key=True, autoincrement=True),
        Column("item", String(36), nullable=True),
        Column("frame", LargeBinary, nullable=False),
        Column("ordinal", Integer, nullable=False),
        Column("reason", Text, nullable=False),
        Column("at", UtcTime, nullable=False),
        Column("type", String(64), nullable=True),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("retries", Integer, nullable=False, server_default="0"),
        Column("earlier", Text, nullable=False, server_default=""),
        Column("seal", LargeBinary, nullable=True),
        # An operator names a letter by its id: one that was retried must not give its id to another.
        sqlite_autoincrement=True,
    )


def _messaging_tables(service: str) -> MessagingTables:
    metadata = SQLModel.metadata
    inbox = Table(
        f"{service}_inbox",
        metadata,
        Column("item", String(36), primary_key=True),
        Column("claimed_at", Double, nullable=False, index=True),
    )
    outbox = Table(
        f"{service}_outbox",
        metadata,
        Column("id", String(36), primary_key=True),
        Column("relay_after", Double, nullable=False, index=True),
        # Last, because SQLite walks through a large value to reach what stands behind it.
        Column("frame", LargeBinary, nullable=False),
    )
    parked = Table(
        f"{service}_parked",
        metadata,
        Column("item", String(36), primary_key=True),
        Column("frame", LargeBinary, nullable=False),
        Column("ordinal", Integer, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("first_at", UtcTime, nullable=False),
        Column("due_at", UtcTime, nullable=False),
        Column("reason", Text, nullable=False),
        Column("retries", Integer, nullable=False, server_default="0"),
        Column("earlier", Text, nullable=False, server_default=""),
        Column("seal", LargeBinary, nullable=True),
    )
    Index(f"ix_{service}_parked_due_at", parked.c.due_at)
    return MessagingTables(inbox, outbox, parked, _dead_letter_table(service))


MESSAGING: Final = {service: _messaging_tables(service) for service in ("intake", "routing", "notification")}

DEAD_LETTERS: Final = {
    **{service: tables.dead_letter for service, tables in MESSAGING.items()},
    "ledger": _dead_letter_table("ledger"),
}
"""What nobody could process; for the ledger, which has no queue, frames of leaves that it does not place."""
