"""Tables that notification writes: each authority's feed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from shared.adapters.sql.types import JSON_COLUMN, UtcTime


class FeedHeadRow(SQLModel, table=True):
    __tablename__ = "feed_head"
    authority: str = Field(primary_key=True, max_length=19)
    position: int = Field(sa_type=BigInteger)


class FeedEntryRow(SQLModel, table=True):
    __tablename__ = "feed_entry"
    authority: str = Field(primary_key=True, max_length=19)
    position: int = Field(primary_key=True, sa_type=BigInteger)
    at: datetime = Field(sa_type=UtcTime)
    type: str = Field(max_length=32)
    message: str = Field(max_length=36, index=True)
    dossier: str = Field(max_length=36)
    data: dict[str, Any] = Field(sa_type=JSON_COLUMN)
