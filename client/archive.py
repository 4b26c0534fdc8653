"""The archive moves to the acting sealing key, so that a former one can be destroyed and nothing is lost with it.

Every message that was sent or received is sealed to one sealing key of its own party. A re-wrap is its 32-byte secret,
opened with that key and sealed again to the acting one, under

    "comity-rewrap/1" 00 context 00 kid-of-the-acting-key

where the context is the envelope's. It stays in the register; the message itself, signed and sealed, stays what it was.
1. A re-wrap counts after it was read back from disk, opened with the key that it is for, and held against `key_commit`
   in the manifest that the sender signed. So a wrong one cannot pass, whoever wrote the register.
2. `rewrap` may break off anywhere: the former key still opens everything, and the next run goes on.
3. `check_destroyable` refuses as long as a message opens with that key alone, as long as the directory lets others seal
   to it, and for 30 days after the last message sealed to it has expired: another installation of this authority may
   not have read it yet.
4. What cannot be re-wrapped is named, one by one, and is lost only to who names it back (`give_up`).

It destroys nothing itself: `keystore.destroy_sealing_key` does, after this.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from client.directory_watch import DirectoryWatch
from client.exchange import Exchange
from client.mailbox import Mailbox
from client.register import Register
from client.rewraps import Archived, Rewrap, rewrap_info
from client.sealing import is_committed
from client.signing import WRAP_SUITE, AuthorityKeys
from shared.apisig.receipts import MERGE_DELAY
from shared.domain.header import MAX_LIFETIME
from shared.domain.ids import encode_time, parse_time
from shared.envelope.container import ReceivedEnvelope, parse_envelope, parse_submission
from shared.envelope.encoding import digest_of, wrap_info
from shared.errors import (
    EnvelopeCannotOpen,
    EnvelopeWrapMismatch,
    KeyNotFound,
    KeyStillNeeded,
    NotInRegister,
    Rejection,
)
from shared.keys.base64url import parse_b64u
from shared.keys.public import parse_xwing

KEPT_AFTER_EXPIRY: Final = timedelta(days=30)
"""Docs 04: a sealing key outlives the last `expires_at` by 30 days."""
_NAMED_AT_MOST: Final = 5


@dataclass(frozen=True, slots=True)
class Rewrapping:
    """What a run did: so many moved now, so many opened with the acting key before; and what could not be moved."""

    moved: int
    stood: int
    failed: dict[str, str]
    """Message → why."""


class Archive:
    """All messages of one authority's register, as far as they are sealed."""

    def __init__(
        self,
        keys: AuthorityKeys,
        register: Register,
        exchange: Exchange,
        mailbox: Mailbox,
        clock: Callable[[], datetime],
    ) -> None:
        self._keys = keys
        self._register = register
        self._exchange = exchange
        self._mailbox = mailbox
        self._clock = clock

    def rewrap(self, tell: Callable[[int, int], None] = lambda done, of: None) -> Rewrapping:
        """Read the feed to its end, then move every message that the acting key does not open yet.

        `tell` hears how many of how many were looked at. Raises what calls raise; a message that cannot be moved stops
        nothing and is named in the answer.
        """
        self._mailbox.read_feed()
        archive = list(self._sealed_here())
        moved, stood = 0, 0
        failed: dict[str, str] = {}
        for done, one in enumerate(archive, start=1):
            try:
                if self._opens_now(one):
                    stood += 1
                else:
                    self._move(one)
                    moved += 1
            except Rejection as refused:
                failed[one.message] = refused.sentence()
            tell(done, len(archive))
        return Rewrapping(moved, stood, failed)

    def check_destroyable(self, kid: str, watch: DirectoryWatch, give_up: Collection[str] = ()) -> int:
        """How many messages were sealed to this former sealing key, each of which opens without it or was given up.

        Raises KeyNotFound unless it is a former sealing key here, KeyStillNeeded, and what calls raise.
        """
        if kid not in {key.kid(self._keys.authority) for key in self._keys.former_sealing}:
            raise KeyNotFound(kid=kid)
        self._check_not_accepted(kid, watch)
        self._mailbox.read_feed()
        unread = {event.message for event in self._register.unrecorded()}
        sealed = [one for one in self._sealed_here() if kid in self._kids(one)]
        self._check_expired(kid, sealed)
        lost = [*sorted(unread), *(one.message for one in sealed if not self._opens_without(one, kid))]
        _refuse_unless_given_up(kid, [one for one in lost if one not in give_up])
        return len(sealed)

    # --- one message -------------------------------------------------------------------------------------------------

    def _sealed_here(self) -> Iterator[Archived]:
        """What is sealed to a key of this authority: what was handed on to it opens by its forward, which is."""
        for one in self._register.rewraps.archive():
            if any(
                each.kid.startswith(f"{self._keys.authority}#") for each in parse_envelope(one.jws).manifest.recipients
            ):
                yield one

    def _move(self, one: Archived) -> None:
        received = parse_envelope(one.jws)
        secret = self._secret(one, received)
        acting = self._keys.sealing
        kid = acting.kid(self._keys.authority)
        info = rewrap_info(received.context, kid)
        self._register.rewraps.keep(
            Rewrap(one.message, kid, WRAP_SUITE.encrypt(secret, parse_xwing(acting.public).hpke_key, info))
        )
        kept = self._register.rewraps.of(one.message)  # from the disk, as it will be read once the old key is gone
        if kept is None or not is_committed(acting.open_wrap(kept.wrap, info), received.manifest):
            raise EnvelopeCannotOpen(why="its re-wrap does not open")

    def _secret(self, one: Archived, received: ReceivedEnvelope) -> bytes:
        """By its re-wrap if that is sound, else by the wrap that its sender made."""
        kid = self._own_kid(received)
        if one.rewrap is not None and self._holds(one.rewrap.kid) and self._is_proven(one, received, {one.rewrap.kid}):
            secret = self._open_rewrap(one.rewrap, received)
        else:
            wrap = self._wrap(one, kid)
            if digest_of(wrap) != _wrap_digest(received, kid):
                raise EnvelopeWrapMismatch(kid=kid)
            secret = self._keys.opener(kid).open_wrap(wrap, wrap_info(received.context, kid))
        if not is_committed(secret, received.manifest):
            raise EnvelopeCannotOpen(why="the secret is not the one that the sender committed to")
        return secret

    def _wrap(self, one: Archived, kid: str) -> bytes:
        """What this register sent it still has; the exchange has the rest."""
        try:
            return parse_submission(self._register.submission(one.message).container).wraps[kid]
        except NotInRegister:
            fetched = self._exchange.message(one.message)
        try:
            return parse_b64u(fetched.wrap or "")
        except ValueError:
            raise EnvelopeWrapMismatch(kid=kid) from None

    def _open_rewrap(self, rewrap: Rewrap, received: ReceivedEnvelope) -> bytes:
        return self._keys.opener(rewrap.kid).open_wrap(rewrap.wrap, rewrap_info(received.context, rewrap.kid))

    def _opens_now(self, one: Archived) -> bool:
        """With the acting key, by the sender's wrap or by a proven re-wrap."""
        received, acting = parse_envelope(one.jws), self._keys.sealing_kid
        return self._own_kid(received) == acting or self._is_proven(one, received, {acting})

    def _opens_without(self, one: Archived, kid: str) -> bool:
        received = parse_envelope(one.jws)
        others = {key for key in self._kids(one) if key != kid and self._holds(key)}
        return self._own_kid(received) in others or self._is_proven(one, received, others)

    def _is_proven(self, one: Archived, received: ReceivedEnvelope, kids: Collection[str]) -> bool:
        """Not that there is a re-wrap, but that it opens, counts (rule 1)."""
        if one.rewrap is None or one.rewrap.kid not in kids:
            return False
        try:
            return is_committed(self._open_rewrap(one.rewrap, received), received.manifest)
        except EnvelopeCannotOpen:
            return False

    def _kids(self, one: Archived) -> set[str]:
        """The own keys that this message is sealed to: the sender's choice, and its re-wrap's."""
        own = {self._own_kid(parse_envelope(one.jws))}
        return own | ({one.rewrap.kid} if one.rewrap is not None else set())

    def _own_kid(self, received: ReceivedEnvelope) -> str:
        for recipient in received.manifest.recipients:
            if recipient.kid.startswith(f"{self._keys.authority}#"):
                return recipient.kid
        raise KeyNotFound(kid=f"{self._keys.authority}#…")

    def _holds(self, kid: str) -> bool:
        try:
            self._keys.opener(kid)
        except KeyNotFound:
            return False
        return True

    # --- when a key may go -------------------------------------------------------------------------------------------

    def _check_not_accepted(self, kid: str, watch: DirectoryWatch) -> None:
        """By the directory as it is, suspension apart; and an hour ago, since messages and events cross."""
        party, now = watch.latest.party(self._keys.authority), self._clock()
        for at in (now, now - MERGE_DELAY):
            if party is not None and any(key.kid == kid for key in party.accepted("seal-xwing", at)):
                raise KeyStillNeeded(kid=kid, why="others may still seal to it: a rotated key is accepted for a week")

    def _check_expired(self, kid: str, sealed: Iterable[Archived]) -> None:
        last = max(_ends(sealed), default=None)
        if last is not None and self._clock() < last + KEPT_AFTER_EXPIRY:
            until = encode_time(last + KEPT_AFTER_EXPIRY)
            raise KeyStillNeeded(
                kid=kid, why=f"the last message sealed to it expired less than 30 days ago: keep it until {until}"
            )


def _refuse_unless_given_up(kid: str, lost: list[str]) -> None:
    if lost:
        named = ", ".join(lost[:_NAMED_AT_MOST]) + (", …" if lost[_NAMED_AT_MOST:] else "")
        raise KeyStillNeeded(kid=kid, why=f"{len(lost)} messages can be read with it alone: {named}")


def _ends(sealed: Iterable[Archived]) -> Iterator[datetime]:
    for one in sealed:
        yield min(
            parse_envelope(one.jws).header.expires, parse_time(one.recorded_at) + MAX_LIFETIME
        )  # dated far ahead?


def _wrap_digest(received: ReceivedEnvelope, kid: str) -> str | None:
    return next((one.wrap_sha256 for one in received.manifest.recipients if one.kid == kid), None)
