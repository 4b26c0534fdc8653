"""Tables that intake writes: decisions, dossiers, the legal state of legs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from shared.adapters.sql.types import JSON_COLUMN, UtcTime
from shared.adapters.tables.evidence_columns import EvidenceColumns


class ClaimRow(SQLModel, table=True):
    __tablename__ = "claim"
    message: str = Field(primary_key=True, max_length=36)
    sender: str = Field(max_length=19)
    digest: str = Field(max_length=43)


class DecisionRow(SQLModel, table=True):
    __tablename__ = "decision"
    __table_args__ = (Index("ix_decision_urgency_decided_at", "urgency", "decided_at"),)
    message: str = Field(primary_key=True, max_length=36)
    digest: str = Field(primary_key=True, max_length=43)
    sender: str = Field(max_length=19)
    decision: str = Field(max_length=8)
    code: str | None = Field(default=None, max_length=64)
    facts: dict[str, str] = Field(sa_type=JSON_COLUMN)
    decided_at: datetime = Field(sa_type=UtcTime)
    receipt: str
    leaf_digest: bytes
    dossier: str | None = Field(default=None, max_length=36)
    recipients: str | None = None
    urgency: str | None = Field(default=None, max_length=16)


class DossierRow(SQLModel, table=True):
    __tablename__ = "dossier"
    dossier: str = Field(primary_key=True, max_length=36)
    requesting: str = Field(max_length=19, index=True)
    profile: str = Field(max_length=64)
    opening: str = Field(max_length=36)
    opened_at: datetime = Field(sa_type=UtcTime)


class LegRow(SQLModel, table=True):
    __tablename__ = "leg"
    dossier: str = Field(primary_key=True, max_length=36)
    requested: str = Field(primary_key=True, max_length=19, index=True)
    requesting: str = Field(max_length=19)
    version: int
    state: dict[str, Any] = Field(sa_type=JSON_COLUMN)
    updated_at: datetime = Field(sa_type=UtcTime)
    holder: str | None = Field(default=None, max_length=19, index=True)
    struck: dict[str, Any] | None = Field(default=None, sa_type=JSON_COLUMN, nullable=True)
    next_fall: datetime | None = Field(default=None, sa_type=UtcTime, index=True)
    calendars: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class LateMessageRow(SQLModel, table=True):
    __tablename__ = "late_message"
    message: str = Field(primary_key=True, max_length=36)
    recipient: str = Field(primary_key=True, max_length=19)
    dossier: str = Field(max_length=36)
    digest: str = Field(max_length=43)
    sender: str = Field(max_length=19)
    urgency: str = Field(max_length=16)
    accepted_at: datetime = Field(sa_type=UtcTime)
    struck: str
    next_fall: datetime | None = Field(default=None, sa_type=UtcTime, index=True)


class FailedEvidenceRow(EvidenceColumns, table=True):
    __tablename__ = "failed_evidence"


class TransportScanRow(SQLModel, table=True):
    __tablename__ = "transport_scan"
    awaited: str = Field(primary_key=True, max_length=32)
    urgency: str = Field(primary_key=True, max_length=16)
    accepted_at: datetime = Field(sa_type=UtcTime)
    message: str = Field(max_length=36)
