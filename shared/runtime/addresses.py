"""Addresses of servers, checked before any library sees them and never quoted: passwords stand in them.

What is wrong is said here in a sentence. Libraries would say it with a piece of the address, which can be the password:
one with a slash in it makes them complain of a port that is no number.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs, urlsplit

DATABASE_SCHEMES: Final = ("postgresql+asyncpg", "sqlite+aiosqlite")
BROKER_SCHEMES: Final = ("amqp", "amqps")
COLLECTOR_SCHEMES: Final = ("http", "https")
HIGHEST_PORT: Final = 65535


def check_address(address: str, schemes: tuple[str, ...]) -> str:
    """The address again. Raises ValueError, saying what is wrong without quoting it."""
    begins = " or ".join(f"{scheme}://" for scheme in schemes)
    if not address.startswith(tuple(f"{scheme}://" for scheme in schemes)):
        raise ValueError(f"an address that begins with {begins} is needed")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(
            f"its host or its port, a number up to {HIGHEST_PORT}, cannot be read; in a password, write"
            " / as %2F, ? as %3F, # as %23, @ as %40 and % as %25"
        ) from None
    if parts.scheme.startswith("sqlite"):
        return address
    if not host and "host" not in parse_qs(parts.query):
        raise ValueError(f"an address with a host is needed: {begins}user:password@host:port/name")
    if port == 0:
        raise ValueError("port 0 is no port of a server")
    return address


def check_collector(address: str) -> str:
    """The address again; nothing may stand in it that is secret. Raises ValueError, without quoting it."""
    parts = urlsplit(check_address(address, COLLECTOR_SCHEMES))
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("no password and no query belong in it; a token goes into OTEL_EXPORTER_OTLP_HEADERS")
    return address
