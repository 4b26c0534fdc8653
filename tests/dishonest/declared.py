"""What a lie about each table and column is worth, declared: a table or column that is not here fails the tests.

- `Seen`: somebody is told otherwise than what was signed, and must find out. `where` names the rows for which that is
  so: those that somebody still has to read, or that are read again and again.
- `Inner`: nobody is told anything by it. The services work by it, and what they then say is signed and judged by
  itself. Not counted.
- `Listed`: somebody may be told something false, and cannot find out. It stands on the list of docs, with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Seen:
    where: str = ""


@dataclass(frozen=True)
class Inner:
    why: str


@dataclass(frozen=True)
class Listed:
    why: str
    where: str = ""


Worth = Seen | Inner | Listed
SEEN: Final = Seen()


@dataclass(frozen=True)
class TableWorth:
    """`columns` by name; `ways` for rows as wholes, each of `rows.ROW_WAYS`."""

    columns: Mapping[str, Worth]
    ways: Mapping[str, Worth] = field(default_factory=dict)


_WAYS: Final = ("delete", "insert", "exchange", "truncate", "roll back")


def _rows(default: Worth, **others: Worth) -> dict[str, Worth]:
    named = {name.replace("_", " "): worth for name, worth in others.items()}
    return {way: named.get(way, default) for way in _WAYS}


def _inner(why: str, *columns: str) -> TableWorth:
    return TableWorth(dict.fromkeys(columns, Inner(why)), _rows(Inner(why)))


_UNREAD: Final = "message IN (SELECT message FROM claim WHERE message NOT IN (SELECT message FROM earlier.claim))"
_REJECTED: Final = "decision = 'rejected'"
_OWN_WORD: Final = "times and words beside a proof are the exchange's own; what is signed stands in the proof"
_WORKING: Final = "work in hand of one service, sealed to it; what was promised for it is judged by receipts and leaves"
_CLOCKS = "intake's own; what clocks do not say, say twice or at another time differs from what an auditor counts"
_OPENED: Final = "the header inside the signed envelope is read, and these copies of it are not"
_REPEATED: Final = "who repeats is answered by it; a decision for the same bytes twice stands in the ledger twice"
_PRUNED: Final = "why a part is not there any more is told in unsigned words; that it was pruned stands in a leaf"
_STALE: Final = "an older row of this kind is not served once there is a newer one"
_UNUSED: Final = "nothing refers to a row of this key"
_ONE_LESS: Final = "any quorum of lines is enough; one that is left out is as if its witness had been down"
_WITHHELD: Final = (
    "an evidence that stands in the ledger may be kept from a party: it sees that it has none, and auditors have it"
)
_NOTICE: Final = "a notice of the feed is not signed; what it tells of is fetched, and judged by itself"
_NEWS: Final = f"type = 'message.received' AND {_UNREAD}"
_MESSAGING: Final[Mapping[str, TableWorth]] = {
    "inbox": _inner("it keeps a service from doing twice what was sent once", "item", "claimed_at"),
    "outbox": _inner(_WORKING, "id", "relay_after", "frame"),
    "parked": _inner(
        _WORKING,
        *("item", "frame", "ordinal", "attempts", "first_at", "due_at", "reason", "retries", "earlier", "seal"),
    ),
    "dead_letter": _inner(
        "operators alone are shown it; what is lost in it is missed by its sender",
        *("id", "item", "frame", "ordinal", "reason", "at", "type", "attempts", "retries", "earlier", "seal"),
    ),
}

TABLES: Final[Mapping[str, TableWorth]] = {
    "bus_message": _inner(_WORKING, "id", "queue", "deliveries", "leased_by", "frame"),
    "claim": _inner(_REPEATED, "message", "sender", "digest"),
    "decision": TableWorth(
        {
            "message": Seen(),
            "digest": Seen(_UNREAD),
            "sender": Seen(),
            "decision": Seen(),
            "code": Listed(
                "why a message was rejected is told in unsigned words; the code that counts is the leaf's", _REJECTED
            ),
            "facts": Listed(_OWN_WORD, _REJECTED),
            "decided_at": Listed(_OWN_WORD),
            "receipt": Inner(
                "a sender keeps the receipt of its own submission; a repeated one gets this, and checks it"
            ),
            "leaf_digest": Seen(_UNREAD),
        },
        _rows(Seen(), insert=Inner(_UNUSED)),
    ),
    "dossier": TableWorth(
        {name: Seen() for name in ("dossier", "requesting", "profile", "opening", "opened_at")}, _rows(Seen())
    ),
    "leg": TableWorth(
        {
            **{name: Seen() for name in ("dossier", "requested", "state")},
            "holder": Listed("who else is shown the headers of a leg is the exchange's to say: it reads them itself"),
            "requesting": Inner("intake's own column; who asks is told from the state"),
            "version": Inner("it orders the writes of intake; the version that is told is in the state"),
            "updated_at": Inner("nobody is told it"),
            **dict.fromkeys(("struck", "next_fall", "calendars"), Inner(_CLOCKS)),
        },
        _rows(Seen()),
    ),
    "envelope": TableWorth(
        {
            "message": Seen(),
            "digest": Seen(_UNREAD),
            **dict.fromkeys(("dossier", "sender", "leg", "kind", "summary"), Inner(_OPENED)),
            "jws": Seen(),
            "stored_at": Inner("nobody is told it"),
        },
        _rows(Seen(), insert=Inner(_UNUSED)),
    ),
    "mailbox": TableWorth(
        {
            "reader": Seen(),
            "message": Seen(),
            "kid": Seen(),
            "wrap": Seen(),
            "delivered_at": Listed("the time shown beside a message; the evidence of delivery is the leaf's, proven"),
            "retrieved_at": Inner("nobody is told it; a retrieval is told by its evidence"),
        },
        _rows(
            Seen(), insert=Listed("a message may be handed to somebody it was not sent to: it opens for nobody else")
        ),
    ),
    "evidence": TableWorth(
        {
            "message": Listed(_WITHHELD),
            "kind": Seen(),
            "recipient": Seen(),
            "at": Listed(_OWN_WORD),
            "leaf_digest": Listed(_WITHHELD),
        },
        _rows(Listed(_WITHHELD), insert=Inner(_UNUSED), exchange=Seen()),
    ),
    "auditor_day": _inner(
        "whether the ledger was told of an auditor's day; its leaf is what counts", "auditor", "day", "first_at"
    ),
    "part": _inner("it says that a part is whole; what is handed out are its chunks", "digest", "size", "message"),
    "parts_pruned": TableWorth(
        dict.fromkeys(("message", "dossier", "pruned_at", "closed_at", "kept_days", "leaf_digest"), Listed(_PRUNED)),
        _rows(Listed(_PRUNED)),
    ),
    "part_chunk": TableWorth(
        {name: Seen() for name in ("digest", "seq", "data")}, _rows(Seen(), insert=Inner(_UNUSED))
    ),
    "feed_head": _inner("it gives the next entry its number", "authority", "position"),
    "feed_entry": TableWorth(
        {
            "authority": Seen(_NEWS),
            "position": Inner("the order of notices; what a message follows on is signed in it"),
            "at": Listed(_OWN_WORD),
            "type": Seen(_NEWS),
            "message": Seen(_NEWS),
            "dossier": Listed(_NOTICE),
            "data": Listed(_NOTICE),
        },
        _rows(Seen(), delete=Seen(_NEWS), insert=Listed(_NOTICE), exchange=Listed(_NOTICE)),
    ),
    "key_event": TableWorth(
        {"seq": Seen(), "event": Seen(), "recorded_at": Inner("nobody is told it"), "leaf_digest": Seen()},
        _rows(Seen()),
    ),
    "instruments": TableWorth(
        {
            "version": Inner("the number that counts is signed in the document"),
            "document": Seen("version = (SELECT max(version) FROM instruments)"),
            "recorded_at": Inner("nobody is told it"),
        },
        _rows(
            Seen(),
            delete=Seen("version = (SELECT max(version) FROM instruments)"),
            insert=Inner("an older registry above a newer one is the registry set back, and played as such"),
        ),
    ),
    "ledger_leaf": TableWorth(
        {
            "index": Seen(),
            "logged_at": Inner("the time that counts stands in the entry"),
            "entry": Seen(),
            "entry_hash": Seen('"index" >= 256'),
            "leaf_digest": Seen("leaf_digest IN (SELECT leaf_digest FROM decision)"),
        },
        _rows(Seen(), insert=Inner("what is beyond the checkpoint is not served")),
    ),
    "ledger_tile": TableWorth(
        {name: Seen() for name in ("level", "number", "hashes", "root")}, _rows(Seen(), insert=Inner(_UNUSED))
    ),
    "ledger_checkpoint": _inner(
        "what the sequencer means to sign; what it signed is the note", "size", "root", "logged_at", "seal"
    ),
    "ledger_note": TableWorth({"size": Seen(), "note": Seen()}, _rows(Seen(), insert=Inner(_STALE))),
    "ledger_cosignature": TableWorth(
        {
            "size": Inner(_ONE_LESS),
            "key": Inner("lines are served in its order, whatever that is"),
            "line": Inner(_ONE_LESS),
        },
        _rows(Inner(_ONE_LESS), truncate=Seen(), roll_back=Seen()),
    ),
    "ledger_time_stamp": _inner(
        "a stamp counts under its reader's own root certificates, over a tree that the reader makes from the tiles",
        *("size", "authority", "at", "token"),
    ),
    "ledger_quorum": TableWorth({"size": Seen()}, _rows(Seen(), insert=Inner(_STALE))),
    "leaf_waiting": _inner(_WORKING, "id", "frame"),
    **{
        f"{service}_{table}": worth
        for service in ("intake", "routing", "notification")
        for table, worth in _MESSAGING.items()
    },
    "ledger_dead_letter": _MESSAGING["dead_letter"],
}
