"""The ledger as far as a proof bundle shows it: one checkpoint, entries that stand under it, and the keys they tell.

Steps 3 and 6 of `proof_verification`, and the placing of every entry that the others ask for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from client.directory_watch import DATED_WITHIN
from client.proof_bundle import PlacedEntry
from client.proof_claims import Witnessed
from shared.audit.leaves import Leaf, parse_entry
from shared.audit.quorum import rule_of
from shared.audit.tree import hash_leaf, verify_inclusion
from shared.domain.strict_json import encode_canonical_json
from shared.errors import (
    LedgerInvalid,
    ProofCheckpointInvalid,
    ProofInvalid,
    ProofKeyEventInvalid,
    Rejection,
)
from shared.keys.directory import Directory, DirectoryKey, KeyEvent
from shared.keys.events import verify_event
from shared.keys.trust import Trust
from shared.keys.waiting import waits_by
from shared.texts.catalogue import mark as _
from shared.texts.sentence import Sentence

_TOLD: Final = 400
"""Characters of an inner reason that are told."""


class LoggedEvent(NamedTuple):
    """A key event, the index of its entry, and when that was logged."""

    event: KeyEvent
    place: int
    logged_at: datetime


class PlacedLeaf(NamedTuple):
    leaf: Leaf
    logged_at: datetime


class ShownLedger:
    """Raises ProofCheckpointInvalid at once unless both keys of the log signed the checkpoint
    and the trust file's quorum of witnesses cosigned it."""

    def __init__(self, checkpoint: bytes, trust: Trust) -> None:
        try:
            self._checkpoint = rule_of(trust).verify(checkpoint)
        except LedgerInvalid as broken:
            raise ProofCheckpointInvalid(why=reason_in(broken)) from None
        self._trust = trust
        self.head = self._checkpoint.head
        self._directories = [Directory.empty(trust.origin, waits_by(trust))]
        self._times: dict[int, datetime] = {}
        self.events: list[LoggedEvent] = []

    def witnessed(self) -> list[Witnessed]:
        """Raises ProofCheckpointInvalid for a time that no calendar has."""
        try:
            return [
                Witnessed(
                    Sentence(_("the witness {name}"), {"name": one.key.name}),
                    datetime.fromtimestamp(one.timestamp_s, UTC),
                    self.head.size,
                )
                for one in self._checkpoint.cosignatures
                if one.timestamp_s
            ]
        except (OverflowError, ValueError, OSError):
            raise ProofCheckpointInvalid(why="a witness states a time that no calendar has") from None

    def place(self, one: PlacedEntry, refusal: type[ProofInvalid]) -> PlacedLeaf:
        """The leaf of an entry that stands at its index, and was logged in the order in which the entries stand."""
        try:
            verify_inclusion(hash_leaf(one.entry), one.index, self.head.size, one.path, self.head.root)
            logged_at, leaf = parse_entry(one.entry)
        except LedgerInvalid as broken:
            raise refusal(why=reason_in(broken)) from None
        if one.index in self._times:
            raise refusal(why=f"entry {one.index} stands twice")
        if any((index < one.index) != (at < logged_at) for index, at in self._times.items() if at != logged_at):
            raise refusal(why=f"entry {one.index} was logged in another order than it stands")
        self._times[one.index] = logged_at
        return PlacedLeaf(leaf, logged_at)

    def place_all(
        self, entries: Sequence[PlacedEntry], refusal: type[ProofInvalid]
    ) -> Iterator[tuple[PlacedEntry, PlacedLeaf]]:
        """Each with its leaf, in the order of the ledger."""
        last = -1
        for one in entries:
            if one.index <= last:
                raise refusal(why=f"entry {one.index} does not stand in its order")
            last = one.index
            yield one, self.place(one, refusal)

    def take_key_events(self, entries: Sequence[PlacedEntry]) -> None:
        """All events of the directory, from the first on. Raises ProofKeyEventInvalid."""
        for one, placed in self.place_all(entries, ProofKeyEventInvalid):
            self._take_key_event(one, placed)

    def _take_key_event(self, one: PlacedEntry, placed: PlacedLeaf) -> None:
        if placed.leaf.type != "directory.key-event":
            raise ProofKeyEventInvalid(why=f"entry {one.index} is no key event")
        fields, latest = placed.leaf.fields, self._directories[-1]
        try:
            document = encode_canonical_json(fields["event"])
            event = verify_event(document, self._trust.operator_keys, self._trust.operator_quorum, latest)
            self._directories.append(latest.apply(event).logged(event.seq, placed.logged_at))
        except Rejection as refused:
            raise ProofKeyEventInvalid(why=f"entry {one.index}: {reason_in(refused)}") from None
        if fields["seq"] != event.seq or abs(placed.logged_at - event.at) > DATED_WITHIN:
            raise ProofKeyEventInvalid(why=f"entry {one.index} numbers its event otherwise, or is dated otherwise")
        self.events.append(LoggedEvent(event, one.index, placed.logged_at))

    def directory(self, index: int) -> Directory:
        """After this many events, which there must be."""
        return self._directories[index]

    def directory_at(self, at: datetime) -> Directory:
        return self._directories[sum(one.logged_at <= at for one in self.events)]

    def name(self, party: str) -> str:
        """The official name that the operators enrolled it by, its id where they did not."""
        known = self._directories[-1].party(party)
        return party if known is None else known.name.official

    def key(self, kid: str) -> DirectoryKey | None:
        """A key that was ever registered, with all that is known of it by the last event."""
        return self._directories[-1].key(kid)


def reason_in(broken: Exception) -> str:
    """What an inner refusal says, to stand inside a sentence."""
    return str(broken).rstrip(".")[:_TOLD]
