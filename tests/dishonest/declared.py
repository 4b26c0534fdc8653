"""What a lie about each table and column is worth, declared: a table or column that is not here fails the tests.

- `Seen`: somebody is told otherwise than what was signed, and must find out. `where` names the rows for which that is
  so, and then `beyond` is what the same lie is worth in all others: they are played, too. `idle` says why some of
  these lies change nothing; those are not counted, and only if nobody was answered otherwise.
- `Inner`: nobody is told anything by it. The services work by it, and what they then say is signed and judged by
  itself. That it is so is played: every answer that anybody gets is, byte for byte, the one that the truth gives.
- `Listed`: somebody may be told something false, and cannot find out. It stands on the list of docs, with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Inner:
    why: str


@dataclass(frozen=True)
class Listed:
    why: str


@dataclass(frozen=True)
class Seen:
    where: str = ""
    beyond: Inner | Listed | None = None
    idle: str = ""


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
_WORDS: Final = (
    "words beside a proof are the exchange's own; what is signed, its code and its time, stands in the proof"
)
_NOTICE_TIME: Final = (
    "when a notice was written is the exchange's own word; what it tells of has its time in the ledger"
)
_WORKING: Final = "work in hand of one service, sealed to it; what was promised for it is judged by receipts and leaves"
_CLOCKS = "intake's own; what clocks do not say, say twice or at another time differs from what an auditor counts"
_OPENED: Final = "the header inside the signed envelope is read, and these copies of it are not"
_REPEATED: Final = "who repeats is answered by it; a decision for the same bytes twice stands in the ledger twice"
_NOT_PRUNED: Final = "the parts of this message are there, and nobody asks why they are not"
NO_STAMP: Final = "a time-stamp that is left out proves nothing against anybody, and nobody is owed one"
_STAMP_NAME: Final = "the name beside a time-stamp is the exchange's own word; who made it is signed in it"
_STALE: Final = "an older row of this kind is not served once there is a newer one"
_LIMITS: Final = "the limits of transport are kept by it; what they say, or leave unsaid, an auditor counts again"
_UNUSED: Final = "nothing refers to a row of this key"
_OLDER: Final = "a registry that a newer one followed is shown to nobody"
_ONE_LESS: Final = (
    "any quorum of lines is enough; one that is left out, spoiled or told twice is as if its witness had been down"
)
_DELIVERED: Final = "kind = 'delivery'"
_WITHHELD: Final = (
    "that a message was fetched may be kept from its sender, though it stands in the ledger: auditors have it, and the "
    "sender misses one of both a day after the limit of the retrieval, the retrieval or that there was none"
)
_NOTICE: Final = "a notice of the feed is not signed; what it tells of is fetched, and judged by itself"
_KNOWN: Final = "its sender asked for this decision when it came, and does not ask again"
_NEWEST: Final = "version = (SELECT max(version) FROM instruments)"
_POINTED_TO: Final = " OR ".join(
    f"leaf_digest IN (SELECT leaf_digest FROM {table})"
    for table in ("decision", "evidence", "failed_evidence", "key_event", "parts_pruned")
)
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
            "digest": Seen(),
            "sender": Seen(),
            "decision": Seen(),
            "code": Seen(_UNREAD, Inner(_KNOWN)),
            "facts": Listed(_WORDS),
            "decided_at": Seen(),
            "receipt": Seen(_UNREAD, Inner(_KNOWN)),
            "leaf_digest": Seen(),
            **dict.fromkeys(("dossier", "recipients", "urgency"), Inner(_LIMITS)),
        },
        _rows(Seen()),
    ),
    "failed_evidence": TableWorth(
        dict.fromkeys(("message", "kind", "recipient", "at", "leaf_digest"), Seen()),
        _rows(Seen()),
    ),
    "late_message": _inner(
        _LIMITS,
        *("message", "recipient", "dossier", "digest", "sender", "urgency", "accepted_at", "struck", "next_fall"),
    ),
    "transport_scan": _inner(_LIMITS, "awaited", "urgency", "accepted_at", "message"),
    "dossier": TableWorth(
        {
            **{name: Seen() for name in ("dossier", "requesting", "profile", "opened_at")},
            "opening": Seen(idle="another opening that went to the same parties shows the same transport"),
        },
        _rows(Seen()),
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
            **dict.fromkeys(("digest", "dossier", "sender"), Seen()),
            **dict.fromkeys(("leg", "kind", "summary"), Inner(_OPENED)),
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
            "delivered_at": Seen(
                "reader NOT IN (SELECT sender FROM envelope WHERE envelope.message = mailbox.message)",
                Listed("when a sender's own copy was laid into its mailbox is told to it, and kept nowhere"),
            ),
            "retrieved_at": Inner("nobody is told it; a retrieval is told by its evidence"),
        },
        _rows(
            Seen(), insert=Listed("a message may be handed to somebody it was not sent to: it opens for nobody else")
        ),
    ),
    "evidence": TableWorth(
        {
            "message": Seen(_DELIVERED, Listed(_WITHHELD)),
            "kind": Seen(),
            "recipient": Seen(),
            "at": Seen(),
            "leaf_digest": Seen(),
        },
        _rows(Seen(), delete=Seen(_DELIVERED, Listed(_WITHHELD))),
    ),
    "auditor_day": _inner(
        "whether the ledger was told of an auditor's day; its leaf is what counts", "auditor", "day", "first_at"
    ),
    "part": TableWorth(
        {
            "digest": Seen(),
            **dict.fromkeys(("size", "message"), Inner("a part is read by its digest, and has the size of its chunks")),
        },
        _rows(Seen(), insert=Inner(_UNUSED), exchange=Inner("a part is read by its digest")),
    ),
    "parts_pruned": TableWorth(
        {
            **dict.fromkeys(("message", "pruned_at", "closed_at", "kept_days", "leaf_digest"), Seen()),
            "dossier": Inner("which dossier it was stands in the entry, and in the envelope"),
        },
        _rows(Seen(), insert=Inner(_NOT_PRUNED)),
    ),
    "part_chunk": TableWorth(
        {name: Seen() for name in ("digest", "seq", "data")}, _rows(Seen(), insert=Inner(_UNUSED))
    ),
    "feed_head": _inner("it gives the next entry its number", "authority", "position"),
    "feed_entry": TableWorth(
        {
            "authority": Seen(_NEWS, Listed(_NOTICE)),
            "position": Listed(
                "the order of notices is not signed; what a message follows on is, and one that is put back behind "
                "what its reader has read is kept from it, and played as such"
            ),
            "at": Listed(_NOTICE_TIME),
            "type": Seen(_NEWS, Listed(_NOTICE)),
            "message": Seen(_NEWS, Listed(_NOTICE)),
            "dossier": Listed(_NOTICE),
            "data": Listed(_NOTICE),
        },
        _rows(Seen(), delete=Seen(_NEWS, Listed(_NOTICE)), insert=Listed(_NOTICE), exchange=Listed(_NOTICE)),
    ),
    "key_event": TableWorth(
        {"seq": Seen(), "event": Seen(), "recorded_at": Inner("nobody is told it"), "leaf_digest": Seen()},
        _rows(Seen()),
    ),
    "instruments": TableWorth(
        {
            "version": Seen(idle="the number that counts is signed in the document"),
            "document": Seen(_NEWEST, Inner(_OLDER)),
            "recorded_at": Inner("nobody is told it"),
        },
        _rows(
            Seen(),
            delete=Seen(_NEWEST, Inner(_OLDER)),
            insert=Inner("an older registry above a newer one is the registry set back, and played as such"),
        ),
    ),
    "ledger_leaf": TableWorth(
        {
            "index": Seen(),
            "logged_at": Inner("the time that counts stands in the entry"),
            "entry": Seen(),
            "entry_hash": Seen('"index" >= 256', Inner("hashes of a full tile are served from the tile")),
            "leaf_digest": Seen(_POINTED_TO, Inner("no row points to this leaf: it is read by its place")),
        },
        _rows(Seen(), insert=Seen(idle="what is beyond the checkpoint is not served until the tree grows over it")),
    ),
    "ledger_tile": TableWorth(
        {name: Seen() for name in ("level", "number", "hashes", "root")}, _rows(Seen(), insert=Inner(_UNUSED))
    ),
    "ledger_checkpoint": _inner(
        "what the sequencer means to sign; what it signed is the note", "size", "root", "logged_at", "seal"
    ),
    "ledger_note": TableWorth({"size": Seen(), "note": Seen()}, _rows(Seen(), insert=Seen(idle=_STALE))),
    "ledger_cosignature": TableWorth(
        {
            "size": Listed(_ONE_LESS),
            "key": Listed("lines are served in its order, whatever that is"),
            "line": Listed(_ONE_LESS),
        },
        _rows(Listed(_ONE_LESS), truncate=Seen(), roll_back=Seen()),
    ),
    "ledger_time_stamp": TableWorth(
        {
            "size": Seen(),
            "authority": Listed(_STAMP_NAME),
            "at": Inner("nobody is told it; the time that counts is signed in the stamp"),
            "token": Seen(),
        },
        _rows(Listed(NO_STAMP), insert=Listed(_STAMP_NAME), exchange=Seen()),
    ),
    "ledger_quorum": TableWorth({"size": Seen()}, _rows(Seen(), insert=Seen(idle=_STALE))),
    "leaf_waiting": _inner(_WORKING, "id", "frame"),
    **{
        f"{service}_{table}": worth
        for service in ("intake", "routing", "notification")
        for table, worth in _MESSAGING.items()
    },
    "ledger_dead_letter": _MESSAGING["dead_letter"],
}
