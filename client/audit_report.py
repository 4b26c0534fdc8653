"""What an audit found: figures, and every difference between what the log says and what follows from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from shared.domain.ids import encode_time, parse_time
from shared.errors import CopyOlder

MOST_SHOWN: Final = 200
OLDER_COPY: Final = "older-copy"
"""A copy that ends before what was read here, and is its beginning: it is not the newest, and nothing else is said."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`index` is the entry's, null where the log as a whole differs; `what` a stable word, `why` a sentence."""

    index: int | None
    what: str
    why: str

    @property
    def is_of_the_look(self) -> bool:
        """Whether it is about the ledger as it is shown now, and not about an entry or a full tile for good."""
        return self.index is None and self.what != "tile"


@dataclass(frozen=True, slots=True)
class KeyChange:
    """One line of the directory's history: every key that ever counted came by one of these.

    `since` is a compromise's; `kids` are its keys, or those that the event registers. `flags` say what about the event
    nobody but a person can explain (`audit_keys`).
    """

    seq: int
    type: str
    party: str
    at: datetime
    index: int
    logged_at: datetime
    kids: tuple[str, ...]
    uses: tuple[str, ...]
    signers: tuple[str, ...]
    since: datetime | None
    digest: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RegistryChange:
    """A publication of the registry of instruments that the ledger holds."""

    number: int
    digest: str
    logged_at: datetime


@dataclass(frozen=True, slots=True)
class Doubt:
    """An admitted message that a key signed when it was in other hands, as is known since."""

    index: int
    message: str
    kid: str


@dataclass(frozen=True, slots=True)
class Promise:
    """What a party's receipt promised: `state` is `kept`, `broken` or `open` (its time has not come)."""

    receipt: str
    message: str
    sender: str
    decide_by: datetime
    state: str
    why: str


@dataclass
class AuditReport:
    """Grows while the log is read. `ok` means: every check was made and nothing differed."""

    origin: str
    size: int = 0
    root: str = ""
    witnesses: list[str] = field(default_factory=list)
    """Who cosigned the checkpoint, by their names in the trust file's policy."""
    read: int = 0
    first_logged_at: datetime | None = None
    last_logged_at: datetime | None = None
    leaves: Counter[str] = field(default_factory=Counter)
    rejections: Counter[str] = field(default_factory=Counter)
    signatures: int = 0
    """Envelope signatures that verified."""
    taken_on_trust: int = 0
    """Rejections for sealed parts or wraps, which never stand in the ledger: their code cannot be checked from it."""
    key_changes: list[KeyChange] = field(default_factory=list)
    registries: list[RegistryChange] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    """No fault of the exchange, which could not know it: whoever relies on such a message asks its sender."""
    differences: list[Difference] = field(default_factory=list)
    difference_count: int = 0
    promises: list[Promise] = field(default_factory=list)
    continued_at: int = 0
    """Entries that an earlier reading on this machine had verified; what it found is in here too."""
    earlier_size: int | None = None
    """Entries of the largest ledger that was seen here before, which this one was proved to continue."""
    contradicting: list[bytes] = field(default_factory=list)
    """Signed checkpoints that cannot be of one log: the log's own proof that it told two stories."""
    stamps_found: int = 0
    """Time-stamps that lie beside a copy's tiles."""
    stamps_judged: int = 0
    """Those that verified under a root certificate of the reader's."""
    stamped_at: datetime | None = None
    """The latest of them."""
    finished: bool = False
    hear: Callable[[Difference], None] | None = None
    """Told of every difference at once, also of those that are counted only."""
    _is_silent: bool = False

    @property
    def ok(self) -> bool:
        return self.finished and self.difference_count == 0

    @property
    def is_older_copy(self) -> bool:
        return any(one.what == OLDER_COPY for one in self.differences)

    def require_newest(self) -> None:
        """Of a copy that is older than what was read before nothing is told that would be of both. Raises CopyOlder."""
        for one in self.differences:
            if one.what == OLDER_COPY:
                raise CopyOlder(why=one.why)

    @property
    def is_older_copy_alone(self) -> bool:
        """Whether nothing else is to be said against it."""
        return self.finished and self.difference_count == 1 and self.is_older_copy

    def differ(self, index: int | None, what: str, why: object) -> None:
        """Note a difference; beyond the first 200 they are counted only."""
        if self._is_silent:
            return
        difference = Difference(index, what, str(why))
        self.difference_count += 1
        if len(self.differences) < MOST_SHOWN:
            self.differences.append(difference)
        if self.hear is not None:
            self.hear(difference)

    def note_key_change(self, change: KeyChange) -> None:
        self.key_changes.append(change)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """For what was judged, and told, by the reading that is continued."""
        self._is_silent = True
        try:
            yield
        finally:
            self._is_silent = False

    def figures(self) -> dict[str, Any]:
        """What a reading that is continued later must know: what was found of entries, and not of this look at the
        ledger. Key changes follow from the documents that it keeps."""
        kept = [one for one in self.differences if not one.is_of_the_look]
        return {
            "first_logged_at": _time(self.first_logged_at),
            "last_logged_at": _time(self.last_logged_at),
            "leaves": dict(self.leaves),
            "rejections": dict(self.rejections),
            "signatures": self.signatures,
            "taken_on_trust": self.taken_on_trust,
            "difference_count": self.difference_count - len(self.differences) + len(kept),
            "differences": [[one.index, one.what, one.why] for one in kept],
        }

    def restore(self, read: int, figures: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.read = self.continued_at = read
        if not figures:
            return
        self.first_logged_at, self.last_logged_at = (
            None if text is None else parse_time(text)
            for text in (figures["first_logged_at"], figures["last_logged_at"])
        )
        self.leaves, self.rejections = Counter(figures["leaves"]), Counter(figures["rejections"])
        self.signatures, self.taken_on_trust = figures["signatures"], figures["taken_on_trust"]
        self.difference_count = figures["difference_count"]
        self.differences = [Difference(*one) for one in figures["differences"]]

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "origin": self.origin,
            "size": self.size,
            "root": self.root,
            "witnesses": list(self.witnesses),
            "entries_read": self.read,
            "continued_at": self.continued_at,
            "earlier_size": self.earlier_size,
            "older_copy": self.is_older_copy_alone,
            "first_logged_at": _time(self.first_logged_at),
            "last_logged_at": _time(self.last_logged_at),
            "leaves": dict(sorted(self.leaves.items())),
            "rejections": dict(sorted(self.rejections.items())),
            "envelope_signatures_verified": self.signatures,
            "rejections_taken_on_trust": self.taken_on_trust,
            "key_changes": [
                {
                    "seq": one.seq,
                    "type": one.type,
                    "party": one.party,
                    "at": _time(one.at),
                    "index": one.index,
                    "logged_at": _time(one.logged_at),
                    "kids": list(one.kids),
                    "uses": list(one.uses),
                    "signers": list(one.signers),
                    "since": _time(one.since),
                    "digest": one.digest,
                    "flags": list(one.flags),
                }
                for one in self.key_changes
            ],
            "promises": [
                {
                    "receipt": one.receipt,
                    "message": one.message,
                    "sender": one.sender,
                    "decide_by": _time(one.decide_by),
                    "state": one.state,
                    "why": one.why,
                }
                for one in self.promises
            ],
            "doubts": [{"index": one.index, "message": one.message, "kid": one.kid} for one in self.doubts],
            "time_stamps": {
                "found": self.stamps_found,
                "verified": self.stamps_judged,
                "newest": _time(self.stamped_at),
            },
            "difference_count": self.difference_count,
            "differences": [{"index": one.index, "what": one.what, "why": one.why} for one in self.differences],
        }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else encode_time(moment)
