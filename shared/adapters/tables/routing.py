"""Tables that routing writes: sealed envelopes, mailboxes, sealed parts, evidences."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from shared.adapters.sql.types import JSON_COLUMN, UtcTime
from shared.adapters.tables.evidence_columns import EvidenceColumns


class EnvelopeRow(SQLModel, table=True):
    __tablename__ = "envelope"
    message: str = Field(primary_key=True, max_length=36)
    digest: str = Field(max_length=43)
    dossier: str = Field(max_length=36, index=True)
    sender: str = Field(max_length=19)
    leg: str | None = Field(default=None, max_length=19)
    kind: str = Field(max_length=64)
    jws: bytes
    summary: dict[str, Any] = Field(sa_type=JSON_COLUMN)
    stored_at: datetime = Field(sa_type=UtcTime)


class MailboxRow(SQLModel, table=True):
    __tablename__ = "mailbox"
    reader: str = Field(primary_key=True, max_length=19)
    message: str = Field(primary_key=True, max_length=36, index=True)
    kid: str = Field(max_length=80)
    wrap: bytes
    delivered_at: datetime = Field(sa_type=UtcTime)
    retrieved_at: datetime | None = Field(default=None, sa_type=UtcTime)


class EvidenceRow(EvidenceColumns, table=True):
    __tablename__ = "evidence"


class AuditorDayRow(SQLModel, table=True):
    """The ledger says that this auditor read on this day."""

    __tablename__ = "auditor_day"
    auditor: str = Field(primary_key=True, max_length=19)
    day: str = Field(primary_key=True, max_length=10)
    first_at: datetime = Field(sa_type=UtcTime)


class PartRow(SQLModel, table=True):
    """A sealed part whose chunks are all there; written in the transaction of its last chunk."""

    __tablename__ = "part"
    digest: str = Field(primary_key=True, max_length=43)
    size: int = Field(sa_type=BigInteger)
    message: str | None = Field(default=None, max_length=36, index=True)
    """With which it came first; None for one that was uploaded before any message named it."""


class PartsPrunedRow(SQLModel, table=True):
    __tablename__ = "parts_pruned"
    message: str = Field(primary_key=True, max_length=36)
    dossier: str = Field(max_length=36)
    pruned_at: datetime = Field(sa_type=UtcTime)
    closed_at: datetime = Field(sa_type=UtcTime)
    kept_days: int
    leaf_digest: bytes


class PartChunkRow(SQLModel, table=True):
    __tablename__ = "part_chunk"
    digest: str = Field(primary_key=True, max_length=43)
    seq: int = Field(primary_key=True)
    data: bytes
