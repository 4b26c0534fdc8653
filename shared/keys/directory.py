"""The directory: who takes part, and which key of theirs counts when. The fold of verified key events, nothing else.

Rules:
1. A snapshot is immutable and stands for the events 1 to `index`. Whoever judges by it names that index.
2. Of a party's keys with one use, the newest whose validity has begun counts. When it has ended, none counts: an older
   key never comes back. A key announced for later does not count yet, and does not end its predecessor yet.
3. A key that a rotation replaced is accepted beside its successor for `ROTATION_OVERLAP`: what was sealed, signed and
   sent before others heard of the change still arrives. It signs no key event any more. A recovery ends it at once.
4. A compromised key counts no more from the event that says so, and nothing before it comes back; the point of ledger
   time from which its signatures are doubted stays with the key.
5. A suspended party has no key that counts; `party` shows it, with the time since when.
6. Keys of the past stay known by their kid, so that old signatures still find their owner.
7. A key that signs envelopes or calls and hangs on a recovery is not accepted before its wait is over (`waiting`). It
   hangs on one that registered it, or on which the keys hang that signed its rotation. Events are no matter of that: a
   recovered pair may rotate at once, and what it registers waits with it. Nor is sealing, which is the sender's risk.

It verifies nothing: it takes a `KeyEvent`, which `events.verify_event` alone makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, Literal

from shared.errors import KeyEventRefused
from shared.keys.counting import ApiKey, SealingKey, SigningKeys
from shared.keys.event_document import EventType, Mandate, NameDocument, Role, Use
from shared.keys.possession import PublicKey
from shared.keys.public import Ed25519Public, MLDSA65Public, XWingPublic
from shared.keys.waiting import EVERYBODY_WAITS, Waits

ROTATION_OVERLAP: Final = timedelta(days=7)
"""From a rotated key's `not_before`: as long as an outbox, or another installation of the party, may lag behind."""


@dataclass(frozen=True, slots=True)
class DirectoryKey:
    """A registered key. Valid from `not_before` until before `not_after`; `seq` is the event that registered it, `by`
    what kind of event that was. What it signed is doubted if it was logged at `compromised_since` or later.

    `roots` are the keys that operators vouched for and that it hangs on, known when the directory has taken it: itself,
    or those behind the keys that signed its rotation.
    """

    party: str
    use: Use
    kid: str
    public: PublicKey
    not_before: datetime
    not_after: datetime
    seq: int
    by: EventType
    compromised_since: datetime | None = None
    roots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compromise:
    """These keys are in other hands since this point of ledger time."""

    kids: tuple[str, ...]
    since: datetime


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """A verified key event. `document` is the signed form as received, `digest` names the event's own bytes."""

    type: EventType
    exchange: str
    seq: int
    prev: str | None
    at: datetime
    party: str
    role: Role | None
    mandate: Mandate | None
    name: NameDocument | None
    country: str | None
    keys: tuple[DirectoryKey, ...]
    compromise: Compromise | None
    signers: tuple[str, ...]
    digest: str
    document: bytes


@dataclass(frozen=True, slots=True)
class Party:
    """An enrolled authority or auditor. `keys` holds all its keys ever, in the order of their registration."""

    id: str
    role: Role
    mandate: Mandate | None
    name: NameDocument
    country: str
    enrolled_at: datetime
    suspended_since: datetime | None
    keys: tuple[DirectoryKey, ...]

    @property
    def is_suspended(self) -> bool:
        return self.suspended_since is not None

    @property
    def status(self) -> Literal["enrolled", "suspended"]:
        return "suspended" if self.is_suspended else "enrolled"

    def current(self, use: Use, at: datetime) -> DirectoryKey | None:
        """The key that counts by rules 2 and 4, suspension apart."""
        begun = [key for key in self.keys if key.use == use and key.not_before <= at]
        return begun[-1] if begun and _stands(begun[-1], at) else None

    def accepted(self, use: Use, at: datetime) -> tuple[DirectoryKey, ...]:
        """The key that counts, and those that its rotations replaced not long ago (rule 3), suspension apart."""
        begun = [key for key in self.keys if key.use == use and key.not_before <= at]
        if not begun or not _stands(begun[-1], at):
            return ()
        found = begun[-1:]
        for newer, older in pairwise(reversed(begun)):
            if newer.by != "rotate" or at >= newer.not_before + ROTATION_OVERLAP:
                break
            found += [older] if _stands(older, at) else []
        return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class Directory:
    """A snapshot. `head` is the digest of event number `index`, null and 0 before the first event. `waits` is what the
    reader knows of recoveries besides."""

    exchange: str
    index: int = 0
    head: str | None = None
    last_at: datetime | None = None
    waits: Waits = EVERYBODY_WAITS
    _parties: Mapping[str, Party] = field(default_factory=dict, repr=False)
    _keys: Mapping[str, DirectoryKey] = field(default_factory=dict, repr=False)  # by the digest in their kid
    _events: frozenset[str] = field(default=frozenset(), repr=False)
    _has_recoveries: bool = False

    @classmethod
    def empty(cls, exchange: str, waits: Waits = EVERYBODY_WAITS) -> Directory:
        """The directory of the exchange with this log origin, before its first event."""
        return cls(exchange, waits=waits)

    def under(self, waits: Waits) -> Directory:
        """The same events, judged by this."""
        return replace(self, waits=waits)

    def logged(self, seq: int, at: datetime) -> Directory:
        """The same, once it is proven when the ledger logged this event."""
        return self.under(self.waits.with_logged(seq, at))

    def apply(self, event: KeyEvent) -> Directory:
        """The directory after this event. Raises KeyEventRefused unless it is the next one."""
        if (event.exchange, event.seq, event.prev) != (self.exchange, self.index + 1, self.head):
            raise KeyEventRefused(why=f"it is not the event after number {self.index}")
        after = self._party_after(event)
        return replace(
            self,
            index=event.seq,
            head=event.digest,
            last_at=event.at,
            _parties={**self._parties, event.party: after},
            _keys={**self._keys, **{_digest_in(key.kid): key for key in after.keys}},
            _events=self._events | {event.digest},
            _has_recoveries=self._has_recoveries or event.type == "recover",
        )

    def is_recorded(self, digest: str) -> bool:
        """Whether the event with this digest is in the directory, the newest or an older one."""
        return digest in self._events

    def party(self, party: str) -> Party | None:
        return self._parties.get(party)

    def parties(self) -> tuple[Party, ...]:
        """All of them, suspended ones too, sorted by id."""
        return tuple(self._parties[party] for party in sorted(self._parties))

    def key(self, kid: str) -> DirectoryKey | None:
        """A key by its kid, whether it counts or not."""
        found = self._keys.get(_digest_in(kid))
        return found if found is not None and found.kid == kid else None

    def owner_of(self, kid: str) -> str | None:
        """The party that registered this key, now or in the past."""
        found = self.key(kid)
        return found.party if found else None

    def is_registered(self, kid: str) -> bool:
        """Whether these raw key bytes were ever registered, by anybody, for any use."""
        return _digest_in(kid) in self._keys

    def current(self, party: str, use: Use, at: datetime) -> DirectoryKey | None:
        """The party's key that counts at `at`; none for an unknown or suspended party."""
        known = self._parties.get(party)
        return None if known is None or known.is_suspended else known.current(use, at)

    def accepted(self, party: str, use: Use, at: datetime, *, even_waiting: bool = False) -> tuple[DirectoryKey, ...]:
        """The keys of one use that are accepted of this party at `at`, the one that counts first."""
        known = self._parties.get(party)
        found = () if known is None or known.is_suspended else known.accepted(use, at)
        if even_waiting or use == "seal-xwing" or not self._has_recoveries:
            return found
        return tuple(key for key in found if self.waits_until(key.kid, at) is None)

    def waits_until(self, kid: str, at: datetime) -> datetime | None:
        """The end of the wait of a key that waits at `at` (rule 7); None for any other."""
        known = self.key(kid) if self._has_recoveries else None
        if known is None or kid in self.waits.compared:
            return None
        roots = [self._keys[_digest_in(root)] for root in known.roots]
        ends = [self.waits.end(root.kid, root.seq) for root in roots if root.by == "recover"]
        return max((end for end in ends if end is not None and at < end), default=None)

    def recoveries(self) -> frozenset[int]:
        """The numbers of all recoveries."""
        return frozenset(key.seq for key in self._keys.values() if key.by == "recover")

    def signing_keys(self, party: str, at: datetime) -> SigningKeys | None:
        """Both signing keys that count at `at`, or none: those that sign a rotation, and that a party signs with."""
        classical, lattice = self.current(party, "sign-ed25519", at), self.current(party, "sign-mldsa65", at)
        if classical is None or lattice is None:
            return None
        if not isinstance(classical.public, Ed25519Public) or not isinstance(lattice.public, MLDSA65Public):
            return None
        return SigningKeys(party, classical.kid, classical.public, lattice.kid, lattice.public)

    def sealing_key(self, party: str, at: datetime) -> SealingKey | None:
        """The key to seal to at `at`, or none."""
        key = self.current(party, "seal-xwing", at)
        if key is None or not isinstance(key.public, XWingPublic):
            return None
        return SealingKey(party, key.kid, key.public, key.not_after)

    def api_key(self, kid: str, at: datetime, *, even_waiting: bool = False) -> ApiKey | None:
        """The API key with this kid if it is accepted of its party at `at`, or none."""
        known = self.key(kid)
        if known is None or known.use != "api-ed25519":
            return None
        if known not in self.accepted(known.party, known.use, at, even_waiting=even_waiting):
            return None
        return (
            ApiKey(known.party, kid, known.public, known.not_after) if isinstance(known.public, Ed25519Public) else None
        )

    def _rooted(self, event: KeyEvent) -> tuple[DirectoryKey, ...]:
        if event.type != "rotate":
            return tuple(replace(key, roots=(key.kid,)) for key in event.keys)
        signers = [key for key in map(self.key, event.signers) if key is not None]
        roots = tuple(sorted({root for signer in signers for root in signer.roots}))
        return tuple(replace(key, roots=roots) for key in event.keys)

    def _party_after(self, event: KeyEvent) -> Party:
        keys = self._rooted(event)
        if event.type == "enrol":
            if event.role is None or event.name is None or event.country is None:
                raise KeyEventRefused(why="an enrolment states role, name and country")
            return Party(event.party, event.role, event.mandate, event.name, event.country, event.at, None, keys)
        before = self._parties.get(event.party)
        if before is None:
            raise KeyEventRefused(why=f"{event.party} is not enrolled")
        if event.type == "suspend":
            return replace(before, suspended_since=event.at)
        if event.type == "reinstate":
            return replace(before, suspended_since=None)
        if event.compromise is not None:
            return replace(before, keys=tuple(_doubt(key, event.compromise) for key in before.keys))
        return replace(before, keys=before.keys + keys)


def _stands(key: DirectoryKey, at: datetime) -> bool:
    return at < key.not_after and key.compromised_since is None


def _doubt(key: DirectoryKey, compromise: Compromise) -> DirectoryKey:
    return replace(key, compromised_since=compromise.since) if key.kid in compromise.kids else key


def _digest_in(kid: str) -> str:
    return kid.partition("#")[2]
