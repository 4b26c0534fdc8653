"""The work queues of the embedded bus: one row per frame, in the same file as everything else. Unused on PostgreSQL."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table
from sqlmodel import SQLModel

from shared.adapters.sql.types import IDENTITY

BUS_MESSAGE: Final = Table(
    "bus_message",
    SQLModel.metadata,
    Column("id", IDENTITY, primary_key=True, autoincrement=True),
    Column("queue", String(64), nullable=False),
    Column("deliveries", Integer, nullable=False),
    Column("leased_by", String(16), nullable=True),
    # Last, because SQLite walks through a large value to reach what stands behind it.
    Column("frame", LargeBinary, nullable=False),
    # A row id must not come back: an old delivery could acknowledge the new frame.
    sqlite_autoincrement=True,
)
"""`leased_by` is the consumer that holds the frame, null for a frame that waits."""

Index("ix_bus_message_queue", BUS_MESSAGE.c.queue, BUS_MESSAGE.c.leased_by, BUS_MESSAGE.c.deliveries)
