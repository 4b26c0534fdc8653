"""Signed documents that intake admits: key events and the registry of instruments. Readers verify them again."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from shared.adapters.sql.types import UtcTime


class KeyEventRow(SQLModel, table=True):
    __tablename__ = "key_event"
    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    event: bytes
    recorded_at: datetime = Field(sa_type=UtcTime)
    leaf_digest: bytes | None
    """None for an event whose leaf the migration did not find."""


class InstrumentsRow(SQLModel, table=True):
    __tablename__ = "instruments"
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    document: bytes
    recorded_at: datetime = Field(sa_type=UtcTime)
