"""The columns of an evidence. What came is routing's to write, what missed a time limit intake's, each in its table."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from shared.adapters.sql.types import UtcTime


class EvidenceColumns(SQLModel):
    message: str = Field(primary_key=True, max_length=36)
    kind: str = Field(primary_key=True, max_length=32)
    recipient: str = Field(primary_key=True, max_length=19)
    at: datetime = Field(sa_type=UtcTime)
    leaf_digest: bytes
