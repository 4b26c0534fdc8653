"""Calendars for the tests of the domain, and moments written as people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from shared.domain.calendars import Calendar

SPAIN: dict[str, Any] = {
    "country": "ES",
    "version": "es.1",
    "sample": True,
    "zone": "Europe/Madrid",
    "offsets": [
        {"since": "2026-01-01T00:00:00Z", "minutes": 60},
        {"since": "2026-03-29T01:00:00Z", "minutes": 120},
        {"since": "2026-10-25T01:00:00Z", "minutes": 60},
    ],
    "weekend": [6, 7],
    "holidays": ["2026-12-07", "2026-12-08", "2026-12-25"],
    "opens": "09:00",
    "closes": "15:00",
    "desk": None,
    "source": "test",
}


def a_calendar(**changes: Any) -> Calendar:
    """Spain's, with these members changed."""
    return Calendar.model_validate(SPAIN | changes)


def utc(text: str) -> datetime:
    """`2026-12-07 08:00` or `2026-12-07 08:00:01`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def day(text: str) -> date:
    return date.fromisoformat(text)
