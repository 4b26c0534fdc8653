"""The directory as this authority believes it: signed key events, replayed against the trust file, and never forgotten.

Rules:
1. Nothing but signed events counts. The rows that the exchange shows beside them are not read.
2. The directory only grows: an event that was seen here once must stand at its place for ever. A directory that is
   shorter, or has another event there, is an unexplained change, and everything stops.
3. The authority's own keys are watched: a key in its name that is not in its key file is an unexplained change.
4. In production a sealing key that the ceremony did not pin is used only after a person has compared it, or 72 hours
   after it was first seen here, unless the party's old keys signed for it (a rotation).
5. A message is judged by the directory as it stood when the message was delivered. Events and messages cross by up to
   an hour (the exchange's limit for a decision), so the snapshots of that hour are tried too, the nearest first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from client.exchange import Exchange
from client.register import Register
from shared.domain.ids import encode_time, parse_time
from shared.errors import KeyChangeUnexplained, KeyEventRefused, KeyTooNew, RecipientUnknown
from shared.keys.directory import Directory, DirectoryKey, KeyEvent, Party, SealingKey
from shared.keys.events import verify_event
from shared.keys.trust import Trust

WAIT_FOR_NEW_KEY: Final = timedelta(hours=72)
CROSSING: Final = timedelta(hours=1)
_INDEX, _HEAD = "directory-index", "directory-head"


@dataclass(frozen=True, slots=True)
class Moment:
    """A directory, and the time at which it is to be asked."""

    directory: Directory
    at: datetime


class DirectoryHistory:
    """The directory after each event, oldest first; made by `replay_history` alone."""

    def __init__(self, origin: str, events: Sequence[KeyEvent], snapshots: Sequence[Directory]) -> None:
        self.events = tuple(events)
        self._snapshots = (Directory.empty(origin), *snapshots)

    @property
    def latest(self) -> Directory:
        return self._snapshots[-1]

    def moments(self, at: datetime) -> Iterator[Moment]:
        """The directory as it stood at `at`, then as it stood in the hour before and in the hour after (rule 5)."""
        stood = [one for one in self._snapshots if one.last_at is None or one.last_at <= at]
        yield Moment(stood[-1], at)
        for snapshot, successor in zip(reversed(stood[:-1]), reversed(stood[1:]), strict=True):
            if successor.last_at is None or successor.last_at < at - CROSSING:
                break
            yield Moment(snapshot, at)
        for snapshot in self._snapshots[len(stood) :]:
            if snapshot.last_at is not None and snapshot.last_at <= at + CROSSING:
                yield Moment(snapshot, at)

    def event(self, seq: int) -> KeyEvent:
        return self.events[seq - 1]


def replay_history(documents: Sequence[str], trust: Trust) -> DirectoryHistory:
    """Verify and fold all events, each in its signed form as text. Raises KeyChangeUnexplained at the first bad one."""
    events: list[KeyEvent] = []
    snapshots: list[Directory] = []
    directory = Directory.empty(trust.origin)
    try:
        for text in documents:
            event = verify_event(text.encode(), trust.operator_keys, trust.operator_quorum, directory)
            directory = directory.apply(event)
            events.append(event)
            snapshots.append(directory)
    except (KeyEventRefused, ValueError) as refused:
        raise KeyChangeUnexplained(why=f"event {len(events) + 1}: {refused}") from None
    return DirectoryHistory(trust.origin, events, snapshots)


def fetch_history(
    exchange: Exchange, trust: Trust, register: Register, sleep: Callable[[float], None] = time.sleep
) -> DirectoryHistory:
    """The exchange's directory, replayed. Replicas may be some seconds behind each other: a directory that is shorter
    than one seen before is asked for again, for 15 s. Raises KeyChangeUnexplained, and what the call raises."""
    remembered = int(register.fact(_INDEX) or 0)
    documents = exchange.directory().events
    for _ in range(15):
        if len(documents) >= remembered:
            break
        sleep(1)
        documents = exchange.directory().events
    return replay_history(documents, trust)


class DirectoryWatch:
    """Holds the exchange's directory against what this register remembers. Raises KeyChangeUnexplained at once."""

    def __init__(self, history: DirectoryHistory, register: Register, trust: Trust, now: datetime) -> None:
        self.history = history
        self._register = register
        self._trust = trust
        self._now = now
        self._compare_with_memory()
        self._remember()

    @property
    def latest(self) -> Directory:
        return self.history.latest

    def check_own_keys(self, party: str, kids: Collection[str]) -> None:
        """The keys that count for this party are the given ones, its own. Raises KeyChangeUnexplained (rule 3)."""
        known = self.latest.party(party)
        if known is None:
            return
        for key in known.keys:
            if known.current(key.use, self._now) is key and key.kid not in kids:
                raise KeyChangeUnexplained(why=f"event {key.seq} gave {party} the key {key.kid}, which is not yours")

    def sealing_key(self, party: str) -> SealingKey:
        """The key to seal to now. Raises RecipientUnknown, KeyTooNew (rule 4)."""
        key = self.latest.sealing_key(party, self._now)
        if key is None:
            raise RecipientUnknown(recipient=party)
        usable_from = self.usable_from(key.kid)
        if usable_from is not None and self._now < usable_from:
            raise KeyTooNew(party=party, kid=key.kid, usable_from=encode_time(usable_from))
        return key

    def usable_from(self, kid: str) -> datetime | None:
        """When a key may be used without a comparison; None when it may be used at once."""
        known = self.latest.key(kid)
        if known is None or self._trust.environment == "development" or kid in self._trust.pinned_keys:
            return None
        if self.history.event(known.seq).type == "rotate" or self._register.fact(f"compared:{kid}") is not None:
            return None
        first_seen = self._register.first_seen(known.party, known.use, kid)
        return (self._now if first_seen is None else parse_time(first_seen)) + WAIT_FOR_NEW_KEY

    def note_compared(self, party: Party) -> None:
        """A person has compared the fingerprints of all keys of this party with the party itself."""
        for key in party.keys:
            self._register.note_fact(f"compared:{key.kid}", encode_time(self._now))

    def _compare_with_memory(self) -> None:
        index = int(self._register.fact(_INDEX) or 0)
        if index == 0:
            return
        if self.latest.index < index:
            raise KeyChangeUnexplained(why=f"it shows {self.latest.index} key events, {index} were seen here before")
        if self.history.event(index).digest != self._register.fact(_HEAD):
            raise KeyChangeUnexplained(why=f"key event {index} is not the one that was seen here before")

    def _remember(self) -> None:
        if self.latest.head is None or self._register.fact(_INDEX) == str(self.latest.index):
            return
        keys = [key for party in self.latest.parties() for key in party.keys]
        facts = {_INDEX: str(self.latest.index), _HEAD: self.latest.head}
        self._register.pin({_pin(key): key.seq for key in keys}, facts, encode_time(self._now))


def _pin(key: DirectoryKey) -> tuple[str, str, str]:
    return key.party, key.use, key.kid
