"""What an operator decides about one gateway; read from settings by whoever composes the process."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from shared.keys.trust import Trust

VERSIONS: Final = ("v1",)
DECIDE_WITHIN: Final = timedelta(hours=1)
"""The maximum merge delay: a receipt promises a decision in the ledger by then."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one gateway process. Sizes in bytes, times in seconds."""

    header_bytes: int = 16 * 1024
    body_timeout_s: float = 30.0
    submissions_in_flight: int = 64
    """Submissions whose bodies are in memory at once; one more is answered as busy."""
    submissions_per_party: int = 16
    """The same for the party that signed the call, so that nobody takes all the room."""
    polls_per_party: int = 16
    directory_age_s: float = 5.0
    """Calls are judged by a directory no older than this; 04 allows 10 s."""
    unknown_key_refresh_s: float = 1.0
    """An unknown key refreshes the directory at most this often."""


@dataclass(frozen=True)
class GatewayConfig:
    """Who this exchange is and under which address it is called.

    `trust` is the exchange's own trust file: origin, log keys, operator keys and quorum, receipt key, environment.
    `public_url` is scheme, host, port and any path prefix, without a slash at its end, as callers sign it: the Host
    header of a call is never believed.
    """

    name: str
    public_url: str
    trust: Trust
    limits: Limits = field(default_factory=Limits)
