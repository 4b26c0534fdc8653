"""AMQP properties in which a genuine frame may come: whatever they say, it has its effect, once."""

from __future__ import annotations

from typing import Any

from aio_pika import DeliveryMode


def dresses(queue: str) -> dict[str, dict[str, Any]]:
    """Properties of the AMQP message, by what they claim; `queue` is the name at the broker."""
    death = [{"queue": queue, "reason": "rejected", "count": 1000, "exchange": "", "routing-keys": [queue]}]
    return {
        "untouched": {},
        "not to be kept": {"delivery_mode": DeliveryMode.NOT_PERSISTENT},
        "delivered often before, it says": {"headers": {"x-delivery-count": 19, "x-acquired-count": 19}},
        "dead before, it says": {"headers": {"x-death": death, "x-first-death-queue": queue}},
        "another id": {"message_id": "0", "correlation_id": "0"},
        "with an expiry": {"expiration": 600},
        "of another type": {"type": "envelope-decided", "content_type": "application/json"},
        "compressed, it says": {"content_encoding": "gzip"},
        "from another program": {"app_id": "gateway", "reply_to": queue, "timestamp": 0},
        "first of all": {"priority": 255},
        "with a copy for the same queue": {"headers": {"CC": [queue]}},
        "with headers of our own making": {"headers": {"destination": "routing", "producer": "operator"}},
    }
