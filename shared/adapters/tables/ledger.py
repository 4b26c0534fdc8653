"""The ledger's tables: services insert into `leaf_waiting`, the ledger's role moves leaves on, rest is insert-only."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from shared.adapters.sql.types import IDENTITY, UtcTime


class LeafWaitingRow(SQLModel, table=True):
    __tablename__ = "leaf_waiting"
    id: int | None = Field(default=None, primary_key=True, sa_type=IDENTITY)
    frame: bytes
    """Of leaves, sealed to the ledger."""


class LeafRow(SQLModel, table=True):
    __tablename__ = "ledger_leaf"
    index: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    logged_at: datetime = Field(sa_type=UtcTime)
    entry: bytes
    entry_hash: bytes
    leaf_digest: bytes = Field(index=True)


class TileRow(SQLModel, table=True):
    """Full tiles only: a partial one follows from leaf hashes and from the roots of the tiles below it."""

    __tablename__ = "ledger_tile"
    __table_args__ = (Index("ix_ledger_tile_level_number_root", "level", "number", "root"),)
    level: int = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_type=BigInteger)
    hashes: bytes
    root: bytes


class CheckpointRow(SQLModel, table=True):
    """The tree that is meant to be signed, committed before any signature exists."""

    __tablename__ = "ledger_checkpoint"
    size: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    root: bytes
    logged_at: datetime = Field(sa_type=UtcTime)
    seal: bytes | None


class NoteRow(SQLModel, table=True):
    __tablename__ = "ledger_note"
    size: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    note: bytes


class CosignatureRow(SQLModel, table=True):
    """One witness's signature line under the note of this size; `key` is its key's name and id."""

    __tablename__ = "ledger_cosignature"
    size: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    key: str = Field(primary_key=True)
    line: bytes


class QuorumRow(SQLModel, table=True):
    """A size whose cosignatures are the quorum that the exchange's trust file asks for: it may be served."""

    __tablename__ = "ledger_quorum"
    size: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})


class TimeStampRow(SQLModel, table=True):
    """What a time-stamp authority gave for the tree head of this size; `authority` is the host of its address."""

    __tablename__ = "ledger_time_stamp"
    size: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    authority: str = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcTime)
    token: bytes
