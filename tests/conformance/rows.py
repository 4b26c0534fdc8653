"""One row of every record with the same row after a change, and what else a service writes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shared.contracts.messages import RetrievalRecorded
from shared.contracts.records import (
    AuditorDay,
    Claim,
    Decision,
    Dossier,
    Evidence,
    FailedEvidence,
    FeedEntry,
    FeedHead,
    InstrumentsRecord,
    KeyEventRecord,
    LateMessage,
    LegRecord,
    MailboxEntry,
    PartsPruned,
    Record,
    StoredEnvelope,
    TransportScan,
)
from shared.domain.ids import encode_time, new_uuid7
from shared.ports.unit_of_work import DeadLetter, Effects, ParkedItem, SealedPart

NOW = datetime(2026, 11, 22, 9, 30, 0, 123456, tzinfo=UTC)
MA, BE, FR, ES = "MA.PGR", "BE.PF", "FR.BEPI", "ES.SGCJI"
LONGEST = "MA.ABCDEFGHIJKLMNOP"
"""As long as an authority's id can be."""
OUTSIDER = "NL.OM"
"""An authority that has no part in any of this."""
DIGEST, OTHER_DIGEST = "d" * 43, "e" * 43


def new_id() -> str:
    return new_uuid7(datetime.now(UTC))


MESSAGE, DOSSIER = new_id(), new_id()


def a_decision(**changes: object) -> Decision:
    made = Decision(MESSAGE, DIGEST, MA, "accepted", None, {}, NOW, "a.receipt", b"leaf of the decision")
    return replace(made, **changes)  # type: ignore[arg-type]  # the caller names fields of a decision


def a_dossier(**changes: object) -> Dossier:
    return replace(Dossier(DOSSIER, MA, "mla-request", MESSAGE, NOW), **changes)  # type: ignore[arg-type]  # as above


def a_leg(**changes: object) -> LegRecord:
    return replace(LegRecord(DOSSIER, BE, MA, 1, {"measures": [], "request": MESSAGE}, NOW), **changes)  # type: ignore[arg-type]  # as above


def an_envelope(**changes: object) -> StoredEnvelope:
    made = StoredEnvelope(MESSAGE, DIGEST, DOSSIER, MA, None, "request", b'{"payload":""}', {"kind": "request"}, NOW)
    return replace(made, **changes)  # type: ignore[arg-type]  # as above


def a_mailbox_entry(reader: str, **changes: object) -> MailboxEntry:
    made = MailboxEntry(reader, MESSAGE, f"{reader}#{DIGEST}", f"wrap for {reader}".encode(), NOW, None)
    return replace(made, **changes)  # type: ignore[arg-type]  # as above


def an_evidence(recipient: str, kind: str = "delivery", **changes: object) -> Evidence:
    made = Evidence(MESSAGE, kind, recipient, NOW, f"leaf of {kind} to {recipient}".encode())
    return replace(made, **changes)  # type: ignore[arg-type]  # as above


def a_feed_entry(authority: str, position: int) -> FeedEntry:
    return FeedEntry(authority, position, NOW, "message.received", MESSAGE, DOSSIER, {"position": position})


LATER = NOW + timedelta(microseconds=1)
CHANGED: list[tuple[Record, Record]] = [
    (Claim(MESSAGE, LONGEST, DIGEST), Claim(MESSAGE, MA, OTHER_DIGEST)),
    (
        a_decision(sender=LONGEST, code="dossier.stale", facts={"leg": "ترجمة"}),
        a_decision(
            dossier=DOSSIER,
            recipients=BE,
            urgency="routine",
            decision="rejected",
            decided_at=LATER,
            receipt="",
            leaf_digest=b"\x00\xff",
        ),
    ),
    (a_dossier(requesting=LONGEST), a_dossier(profile="notice", opening=DOSSIER, opened_at=LATER)),
    (a_leg(state={"nested": [{"state": "accepted"}, None, 1.5, True]}), a_leg(version=2, state={}, updated_at=LATER)),
    (KeyEventRecord(1, b"\x00event", NOW, b"\xff"), KeyEventRecord(1, b"", LATER, None)),
    (InstrumentsRecord(1, b"\xff", NOW), InstrumentsRecord(1, b"newer", LATER)),
    (an_envelope(leg=LONGEST), an_envelope(leg=None, jws=b"", summary={}, kind="refuse", stored_at=LATER)),
    (a_mailbox_entry(LONGEST), a_mailbox_entry(LONGEST, retrieved_at=LATER, wrap=b"", kid="")),
    (an_evidence(LONGEST, "submission-acceptance"), an_evidence(LONGEST, "submission-acceptance", at=LATER)),
    (
        FailedEvidence(MESSAGE, "non-delivery", LONGEST, NOW, b"\xff"),
        FailedEvidence(MESSAGE, "non-delivery", LONGEST, LATER, b""),
    ),
    (
        LateMessage(MESSAGE, LONGEST, DOSSIER, DIGEST, MA, "emergency", NOW, "", NOW),
        LateMessage(MESSAGE, LONGEST, MESSAGE, OTHER_DIGEST, LONGEST, "urgent", LATER, "relay-late", None),
    ),
    (TransportScan("retrieval", "emergency", NOW, MESSAGE), TransportScan("retrieval", "emergency", LATER, "")),
    (
        PartsPruned(MESSAGE, DOSSIER, LATER, NOW, 1, b"\xff"),
        PartsPruned(MESSAGE, MESSAGE, NOW, LATER, 36500, b""),
    ),
    (AuditorDay(LONGEST, "2026-11-22", NOW), AuditorDay(LONGEST, "2026-11-22", LATER)),
    (FeedHead(LONGEST, 1), FeedHead(LONGEST, 2**53)),
    (a_feed_entry(LONGEST, 2**53), replace(a_feed_entry(LONGEST, 2**53), data={}, at=LATER, type="message.accepted")),
]
"""A row of every record, and the same row with every other column changed that a service may change."""


def a_notice(message: str = MESSAGE) -> RetrievalRecorded:
    """Something to publish."""
    at = encode_time(NOW)
    return RetrievalRecorded(message=message, dossier=DOSSIER, sender=MA, recipient=BE, retrieved_at=at)


def a_parked_item(attempts: int = 1, first_at: datetime = NOW) -> ParkedItem:
    return ParkedItem(new_id(), b"frame", 3, attempts, first_at)


def a_dead_letter() -> DeadLetter:
    return DeadLetter(new_id(), b"frame", 0, "frame.refused: it does not decrypt", NOW)


def everything() -> Effects:
    """A bit of everything that one message can do."""
    return Effects(
        inserts=[Claim(new_id(), MA, DIGEST), a_decision(message=new_id()), a_leg(dossier=new_id())],
        updates=[],
        publishes=[a_notice()],
        leaves=[b"leaf"],
        parts={"p" * 43: SealedPart(MESSAGE, b"sealed"), "q" * 43: SealedPart(None, b"")},
    )
