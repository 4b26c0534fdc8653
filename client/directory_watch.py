"""The directory as this authority believes it: signed key events that stand in the ledger, and are never forgotten.

Rules:
1. Nothing but signed events counts. The rows that the exchange shows beside them are not read.
2. The directory only grows: an event that was seen here once must stand at its place for ever. A directory that is
   shorter, or has another event there, is an unexplained change, and everything stops.
3. An event counts here once its place in the ledger is proven (`ledger_view`): a key that was swapped for this client
   alone would have to stand where every auditor reads it. One that is shown for an hour and is in no ledger is an
   unexplained change, and so is one whose date is not that of its place in the ledger.
4. The authority's own keys are watched, in every event that is shown: a key in its name that is not in its key file is
   an unexplained change.
5. In production a key that the ceremony did not pin is used, to seal to or to believe what it signed, only after a
   person has compared it, or 72 hours after it was first seen here. A rotated key waits as long as the keys that signed
   for it: a thief who recovers a party cannot make the recovery look like a rotation. That is this client's own
   caution; whether a recovered key counted for the exchange is judged by `shared.keys.waiting`, as everybody does.
6. A directory counts with the exchange's fresh signature that it is the newest (`directory_statement`).
7. An event that is shown and not proven yet gives nothing, and takes away at once: nothing is sealed to a key that it
   ends, and nothing is believed that such a key signs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Final

from client.directory_history import DirectoryHistory, replay_history
from client.directory_statement import Withheld, withheld_events
from client.exchange import Exchange
from client.ledger_view import LedgerView, ProvenEntry
from client.register import Register
from client.stolen_keys import DeclaredStolen, declared_stolen
from shared.apisig.directory_statements import DirectoryStatement
from shared.apisig.receipts import MERGE_DELAY
from shared.domain.ids import encode_time, parse_time
from shared.domain.strict_json import encode_canonical_json
from shared.errors import (
    DirectoryUndated,
    KeyChangeUnexplained,
    KeyEventWithheld,
    KeyInDoubt,
    KeyRecovered,
    KeyTooNew,
    RecipientKeyEnded,
    RecipientUnknown,
)
from shared.keys.counting import SealingKey
from shared.keys.directory import Directory, DirectoryKey, KeyEvent
from shared.keys.events import EVENT_DATE_TOLERANCE
from shared.keys.trust import Trust
from shared.keys.waiting import WAIT_FOR_NEW_KEY, Waits, waits_by

DATED_WITHIN: Final = 2 * EVENT_DATE_TOLERANCE
"""Of when an event was logged: intake's tolerance of a day, and as much again for a ledger that stood still. An event
dated back further would be signed by keys that had ended."""
_PATIENCE_S: Final = 15
_LEDGER_PATIENCE_S: Final = 5


@dataclass(frozen=True, slots=True)
class Waiting:
    """A key that is not used before this time, because of this event: its party was enrolled by it, or recovered."""

    until: datetime
    event: KeyEvent


def fetch_history(
    exchange: Exchange,
    trust: Trust,
    register: Register,
    ledger: LedgerView,
    stated: DirectoryStatement,
    now: datetime,
    sleep: Callable[[float], None] = time.sleep,
) -> DirectoryHistory:
    """The exchange's directory: replayed, held against this register's memory and what the exchange stated, and proven
    where it is new.

    Replicas may be some seconds behind each other: a directory that is shorter than one seen before, or than the one
    that was stated, is asked for again, for 15 s, and an event that is not in the ledger yet for 5 s. Raises
    KeyChangeUnexplained, DirectoryUndated, LedgerInvalid, and what the calls raise.
    """
    remembered = register.keys.events()
    documents = exchange.directory().events
    for _ in range(_PATIENCE_S):
        if len(documents) >= max(len(remembered), stated.index):
            break
        sleep(1)
        documents = exchange.directory().events
    history = replay_history(documents, trust)
    if history.latest.index < len(remembered):
        raise KeyChangeUnexplained(
            why=f"it shows {history.latest.index} key events, {len(remembered)} were seen here before"
        )
    for seen in remembered:
        if history.event(seen.seq).digest != seen.digest:
            raise KeyChangeUnexplained(why=f"key event {seen.seq} is not the one that was seen here before")
    if stated.index > history.latest.index:
        raise DirectoryUndated(why=f"it shows {history.latest.index} key events, and signed that {stated.index} exist")
    if stated.index and history.event(stated.index).digest != stated.head:
        raise KeyChangeUnexplained(why=f"it signed that key event {stated.index} is another one than it shows")
    newer = [(event.seq, event.digest) for event in history.events[len(remembered) :]]
    if newer:
        register.keys.note_events(newer, encode_time(now))
    _prove_new(exchange, history, register, ledger, sleep)
    return history


def _prove_new(
    exchange: Exchange,
    history: DirectoryHistory,
    register: Register,
    ledger: LedgerView,
    sleep: Callable[[float], None],
) -> None:
    proven = sum(one.logged_at is not None for one in register.keys.events())
    waits = 0
    while proven < history.latest.index:
        before = proven
        for item in exchange.key_event_places(proven):
            if item.proof is None or item.seq != proven + 1 or item.seq > history.latest.index:
                break
            logged = _prove(item.proof, history.event(item.seq), ledger)
            register.keys.note_logged(item.seq, encode_time(logged.logged_at))
            proven += 1
        if proven == before:
            if waits == _LEDGER_PATIENCE_S:
                return
            waits += 1
            sleep(1)


def _prove(proof: str, event: KeyEvent, ledger: LedgerView) -> ProvenEntry:
    """Raises KeyChangeUnexplained, LedgerInvalid."""
    logged = ledger.prove(proof)
    leaf = logged.leaf
    if leaf.type != "directory.key-event" or encode_canonical_json(leaf.fields["event"]) != event.document:
        raise KeyChangeUnexplained(why=f"key event {event.seq} is not the one that stands in the ledger")
    if abs(logged.logged_at - event.at) > DATED_WITHIN:
        dated, logged_at = encode_time(event.at), encode_time(logged.logged_at)
        raise KeyChangeUnexplained(why=f"key event {event.seq} is dated {dated} and was logged at {logged_at}")
    return logged


class DirectoryWatch:
    """What of a fetched history counts here. Raises KeyChangeUnexplained at once."""

    def __init__(self, shown: DirectoryHistory, register: Register, trust: Trust, now: datetime) -> None:
        self._register = register
        self._trust = trust
        self._now = now
        self._shown = shown
        self._logged_at: dict[int, datetime] = {}
        self._first_seen: dict[int, datetime] = {}
        """Of the events that are shown and not proven."""
        for one in register.keys.events():
            if one.logged_at is not None:
                self._logged_at[one.seq] = parse_time(one.logged_at)
                continue
            self._first_seen[one.seq] = parse_time(one.first_seen)
            if now - self._first_seen[one.seq] > MERGE_DELAY:
                raise KeyChangeUnexplained(why=f"key event {one.seq}, seen here at {one.first_seen}, is in no ledger")
        self.history = shown.until(len(self._logged_at), self._waits())
        keys = [(key.party, key.use, key.kid, key.seq) for party in self.latest.parties() for key in party.keys]
        register.keys.pin(keys, encode_time(now))

    @property
    def latest(self) -> Directory:
        return self.history.latest

    def logged_at(self, seq: int) -> datetime | None:
        """When this event was logged; None for one that does not count yet."""
        return self._logged_at.get(seq)

    def known_at(self, seq: int) -> datetime | None:
        """Since when this event was certainly there: when it was logged, or was seen here first."""
        return self._logged_at.get(seq) or self._first_seen.get(seq)

    def check_own_keys(self, party: str, kids: Collection[str]) -> None:
        """Every key that counts for this party, or is announced, is one of these, its own.

        So is every key that came since this register looked last, but by a rotation that another followed: of those
        that were made and renewed again a key file keeps no signing keys. Raises KeyChangeUnexplained (rule 4).
        """
        looked = int(self._register.fact("own-keys-index") or 0)
        known = self._shown.latest.party(party)
        for key in known.keys if known else ():
            counts = known is not None and known.current(key.use, self._now) is key
            is_new = looked > 0 and key.seq > looked and key.by != "rotate"
            if key.kid not in kids and (counts or is_new or self._now < key.not_before):
                raise KeyChangeUnexplained(why=f"event {key.seq} gave {party} the key {key.kid}, which is not yours")
        if looked != self._shown.latest.index:
            self._register.note_fact("own-keys-index", str(self._shown.latest.index))

    def sealing_key(self, party: str) -> SealingKey:
        """The key to seal to now. Raises RecipientUnknown, KeyTooNew, KeyRecovered (rule 5), KeyInDoubt (rule 7)."""
        key = self.latest.sealing_key(party, self._now)
        if key is None:
            raise RecipientUnknown(recipient=party)
        self.require_undoubted(key.kid)
        self.require_usable(key.kid)
        return key

    def require_undoubted(self, kid: str) -> None:
        """Raises KeyInDoubt for a key that is accepted now, but for an event that is not proven yet (rule 7)."""
        key = self.latest.key(kid)
        if key is None or not self._accepts(self.latest, key) or self._accepts(self._shown.latest, key):
            return
        unproven = self._shown.events[self.latest.index :]
        event = next(one for one in reversed(unproven) if one.party == key.party)
        raise KeyInDoubt(seq=event.seq, type=event.type, party=key.party, kid=kid)

    def _accepts(self, directory: Directory, key: DirectoryKey) -> bool:
        return key.kid in {one.kid for one in directory.accepted(key.party, key.use, self._now, even_waiting=True)}

    def require_current(self, party: str, kid: str) -> None:
        """What was sealed to this key may still be sent. Raises RecipientKeyEnded, KeyInDoubt."""
        if kid not in {one.kid for one in self.latest.accepted(party, "seal-xwing", self._now)}:
            raise RecipientKeyEnded(party=party, kid=kid)
        self.require_undoubted(kid)

    @cached_property
    def compromised(self) -> dict[str, datetime]:
        """Every key that is known to be in other hands, and since when; by events that are not proven yet, too."""
        keys = [key for party in self._shown.latest.parties() for key in party.keys]
        return {key.kid: key.compromised_since for key in keys if key.compromised_since is not None}

    def require_usable(self, kid: str) -> None:
        """Raises KeyTooNew, or KeyRecovered where the operators replaced a key that did not sign for it (rule 5)."""
        waiting = self.waiting(kid)
        if waiting is None or self._now >= waiting.until:
            return
        facts = {"party": waiting.event.party, "kid": kid, "usable_from": encode_time(waiting.until)}
        if waiting.event.type == "recover":
            raise KeyRecovered(**facts, seq=waiting.event.seq, at=encode_time(waiting.event.at))
        raise KeyTooNew(**facts)

    def waiting(self, kid: str) -> Waiting | None:
        """Until when a key is not used without a comparison; None when it may be used at once."""
        known = self.latest.key(kid)
        if known is None or self._trust.environment == "development" or self._is_compared(kid):
            return None
        waits = [self._since_first_seen(root) for root in known.roots if not self._is_compared(root)]
        return max(waits, key=lambda one: one.until, default=None)

    def _since_first_seen(self, root: str) -> Waiting:
        known, first_seen = self.latest.key(root), self._register.keys.first_seen(root)
        assert known is not None, "a root is registered before what hangs on it"  # noqa: S101
        until = (self._now if first_seen is None else parse_time(first_seen)) + WAIT_FOR_NEW_KEY
        return Waiting(until, self.history.event(known.seq))

    def _is_compared(self, kid: str) -> bool:
        return kid in self._trust.pinned_keys or self._register.fact(f"compared:{kid}") is not None

    def _waits(self) -> Waits:
        """What everybody judges by, with what was compared here."""
        keys = [key for party in self._shown.latest.parties() for key in party.keys]
        recovered = {key.kid for key in keys if key.by == "recover"}
        hanging = {kid for key in keys if recovered.intersection(key.roots) for kid in (key.kid, *key.roots)}
        return replace(waits_by(self._trust, list(filter(self._is_compared, hanging))), logged=self._logged_at)

    def recovered(self) -> list[Waiting]:
        """Recoveries of parties whose new keys are not used here yet, each once."""
        found: dict[int, Waiting] = {}
        for party in self.latest.parties():
            for key in party.keys:
                waiting = self.waiting(key.kid) if party.current(key.use, self._now) is key else None
                if waiting is not None and waiting.event.type == "recover" and self._now < waiting.until:
                    found[waiting.event.seq] = waiting
        return [found[seq] for seq in sorted(found)]

    def declared_stolen(self, party: str) -> list[DeclaredStolen]:
        """Of this party's keys, by events that are not proven yet, too."""
        return declared_stolen(self._shown, party, self._now)

    def withheld(self) -> list[KeyEventWithheld]:
        """What the exchange kept from this authority, as its own signatures prove."""
        stated = [
            DirectoryStatement(self._trust.origin, one.seq, one.head, parse_time(one.at))
            for one in self._register.keys.statements()
        ]
        return [self._tell(one) for one in withheld_events(stated, self.logged_at)]

    def _tell(self, one: Withheld) -> KeyEventWithheld:
        event = self.history.event(one.seq)
        facts = {"index": one.stated.index, "at": encode_time(one.stated.at), "logged_at": encode_time(one.logged_at)}
        return KeyEventWithheld(seq=one.seq, type=event.type, party=event.party, **facts)

    def note_compared(self, keys: Collection[DirectoryKey]) -> None:
        """A person has compared these keys with their party itself."""
        compared = {kid for key in keys for kid in (key.kid, *key.roots)}
        self._register.note_facts({f"compared:{kid}": encode_time(self._now) for kid in compared})
        self.history = self._shown.until(len(self._logged_at), self._waits())
