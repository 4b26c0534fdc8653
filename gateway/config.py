"""What an operator decides about one gateway; read from settings by whoever composes the process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from shared.keys.trust import Trust

VERSIONS: Final = ("v1",)


@dataclass(frozen=True)
class Limits:
    """Bounds of one gateway process. Sizes in bytes, times in seconds."""

    header_bytes: int = 16 * 1024
    body_timeout_s: float = 20.0
    """For a body, and as long again as its bytes take at the rate below: a slow line is no attack."""
    body_bytes_per_s: int = 32 * 1024
    incoming_bytes: int = 32 * 1024 * 1024
    """Of all bodies together that are not whole yet."""
    submissions_in_flight: int = 64
    """Submissions whose bodies are in memory at once; one more is answered as busy."""
    submissions_per_party: int = 16
    """The same for the party that signed the call, so that nobody takes all the room."""
    window_least: int = 64
    """Submissions on their way that are let in whatever they take; see `gateway.admission`."""
    window_most: int = 2000
    """… and however fast they are."""
    target_s: float = 1.0
    """From a submission to its delivery, while more comes than can be delivered."""
    look_every_s: float = 0.1
    """How often the submissions on their way are looked for in the feeds."""
    look_most: int = 200
    """Submissions that are looked for at once."""
    forgotten_after_s: float = 60.0
    """A submission that was not seen delivered or rejected by then is not counted any longer."""
    polls_per_party: int = 16
    directory_age_s: float = 5.0
    """Calls are judged by a directory no older than this; 04 allows 10 s."""
    unknown_key_refresh_s: float = 1.0
    """An unknown key refreshes the directory at most this often."""


@dataclass(frozen=True)
class Rates:
    """Calls that one party may make on one gateway process, in words that the library `limits` reads.

    Far above what the services deliver on a machine like those they were measured on.
    """

    submissions: str = "5000 per 10 seconds"
    documents: str = "1000 per 10 seconds"
    """Key events and registries of instruments: operators alone send them."""
    reads: str = "20000 per 10 seconds"


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
    rates: Rates = field(default_factory=Rates)
