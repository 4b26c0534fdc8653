"""How much a connection may cost, and what is said to one that is refused before it makes a call. The rules stand in
`shared.runtime.connections`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Refusal(Enum):
    """Why a connection is refused before there is a call that could be."""

    malformed = "malformed"
    head_too_large = "head-too-large"
    head_too_slow = "head-too-slow"
    too_large = "too-large"
    full = "full"


PLAIN_ANSWERS: Final[Mapping[Refusal, bytes]] = {
    refusal: f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode()
    for refusal, status in {
        Refusal.malformed: "400 Bad Request",
        Refusal.head_too_large: "431 Request Header Fields Too Large",
        Refusal.head_too_slow: "408 Request Timeout",
        Refusal.too_large: "413 Content Too Large",
        Refusal.full: "503 Service Unavailable",
    }.items()
}
"""Whole answers, as they go over the wire."""


@dataclass(frozen=True)
class ConnectionLimits:
    """Bounds of one listening process. Sizes in bytes as they come over the wire, times in seconds."""

    connections: int = 1000
    head_bytes: int = 16 * 1024
    head_fields: int = 128
    head_s: float = 10.0
    idle_s: float = 75.0
    message_bytes: int = 4 * 1024 * 1024
    """Of one call: a body, and what dividing it into chunks adds to it."""
    leftover_s: float = 30.0
    unread_s: float = 30.0
    pipelined: int = 8
