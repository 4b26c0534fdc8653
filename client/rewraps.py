"""Re-wraps, in the register: of a message whose sealing key is to be destroyed, its secret sealed to a later key.

A row is durable when `keep` returns, and is replaced by a later one only. What it holds is sealed; `archive` makes and
proves it, and `opener_of` reads by it once the key itself is gone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from client.signing import AuthorityKeys
from shared.envelope.container import ReceivedEnvelope
from shared.errors import KeyNotFound
from shared.keys.custody import Opener

REWRAP_DOMAIN: Final = b"comity-rewrap/1\x00"


@dataclass(frozen=True, slots=True)
class Rewrap:
    """The secret of one message, sealed to the own sealing key `kid`."""

    message: str
    kid: str
    wrap: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Archived:
    """A message of the register: its signed manifest, when it was recorded, and its re-wrap if there is one."""

    message: str
    jws: bytes = field(repr=False)
    recorded_at: str
    rewrap: Rewrap | None


class Rewraps:
    """The table `rewraps` of an open register."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def keep(self, rewrap: Rewrap) -> None:
        """Durable on return."""
        self._db.execute(
            "INSERT INTO rewraps VALUES (?, ?, ?)"
            " ON CONFLICT (message) DO UPDATE SET kid = excluded.kid, wrap = excluded.wrap",
            (rewrap.message, rewrap.kid, rewrap.wrap),
        )

    def of(self, message: str) -> Rewrap | None:
        row = self._db.execute("SELECT message, kid, wrap FROM rewraps WHERE message = ?", (message,)).fetchone()
        return None if row is None else Rewrap(*row)

    def archive(self) -> Iterator[Archived]:
        """Every message of the register, sent and received, the oldest first."""
        rows = self._db.execute(
            "SELECT m.message, m.jws, m.recorded_at, r.kid, r.wrap FROM messages m LEFT JOIN rewraps r USING (message)"
            " ORDER BY m.entered"
        ).fetchall()
        for message, jws, recorded_at, kid, wrap in rows:
            yield Archived(message, jws, recorded_at, None if kid is None else Rewrap(message, kid, wrap))


class RewrappedOpener:
    """Opens one message by its re-wrap, in place of the key that it was sealed to."""

    def __init__(self, rewrap: Rewrap, context: bytes, key: Opener) -> None:
        self._rewrap = rewrap
        self._context = context
        self._key = key

    @property
    def public(self) -> bytes:
        return self._key.public

    def kid(self, owner: str) -> str:
        return self._key.kid(owner)

    def open_wrap(self, wrap: bytes, info: bytes) -> bytes:
        """The message's secret; the wrap that came with the message opens no more. Raises EnvelopeCannotOpen."""
        return self._key.open_wrap(self._rewrap.wrap, rewrap_info(self._context, self._rewrap.kid))


def opener_of(received: ReceivedEnvelope, kid: str, keys: AuthorityKeys, rewraps: Rewraps) -> Opener:
    """What opens a message sealed to this own key: the key, or once it is destroyed the re-wrap. Raises KeyNotFound."""
    try:
        return keys.opener(kid)
    except KeyNotFound:
        rewrap = rewraps.of(received.header.id)
        if rewrap is None:
            raise
        return RewrappedOpener(rewrap, received.context, keys.opener(rewrap.kid))


def rewrap_info(context: bytes, kid: str) -> bytes:
    """HPKE's info for a re-wrap: it never passes for a wrap that a sender made."""
    return REWRAP_DOMAIN + context + b"\x00" + kid.encode()
