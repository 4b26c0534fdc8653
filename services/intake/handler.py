"""Intake's effects: every submission ends in one decision, one leaf, and the sender hears of it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Literal
from weakref import WeakKeyDictionary

from services.intake.accounts import Account, record_account
from services.intake.directory import RecordDocuments
from services.intake.policy import Admission, check_id, decide_admission, verify_sender
from services.intake.striking import falling_until, record_of, strike, struck_of
from shared.audit.leaves import NONCE_BYTES, digest_of_leaf, encode_leaf, leg_states
from shared.contracts.messages import (
    EnvelopeAdmitted,
    EnvelopeDecided,
    LegStatus,
    RecordInstruments,
    RecordKeyEvent,
    ServiceMessage,
    SubmitEnvelope,
    Summary,
    json_facts,
)
from shared.contracts.records import Claim, Decision, Dossier, Evidence, Key, LateMessage, LegRecord
from shared.domain.clock_events import with_struck
from shared.domain.dossier import by_transport, leg_status, parse_leg
from shared.domain.evidences import Evidence as Transported
from shared.domain.header import Header
from shared.domain.ids import encode_time
from shared.domain.leg import Leg
from shared.domain.transport_limits import is_denied
from shared.envelope.container import ReceivedEnvelope, parse_submission
from shared.errors import DossierUnknown, Rejection, RetryLater
from shared.ports.handler import Occasion
from shared.ports.unit_of_work import Effects, View

UNKNOWN_DOSSIER_WAIT: Final = timedelta(seconds=30)
"""Replicas reorder: the message that opens the dossier may still be on its way."""
UNKNOWN_DOSSIER_RETRY_S: Final = 1.0


class IntakeHandler:
    """`ports.Handler` of intake. `exchange` is the log origin that headers must name."""

    def __init__(self, exchange: str, documents: RecordDocuments) -> None:
        self._exchange = exchange
        self._documents = documents
        self._read_before: WeakKeyDictionary[SubmitEnvelope, ReceivedEnvelope] = WeakKeyDictionary()

    def needs(self, message: ServiceMessage) -> Sequence[Key]:
        if not isinstance(message, SubmitEnvelope):
            return ()
        received = self._read(message)
        header = received.header
        legs = header.recipients if header.leg is None else (header.leg,)
        return [
            Key(Claim, (header.id,)),
            Key(Decision, (header.id, received.digest)),
            Key(Dossier, (header.dossier,)),
            *(Key(LegRecord, (header.dossier, leg)) for leg in legs),
            *_facts_of_transport(header),
        ]

    def handle(self, message: ServiceMessage, view: View, occasion: Occasion) -> Effects:
        if isinstance(message, RecordKeyEvent):
            return self._documents.record_key_event(message, occasion)
        if isinstance(message, RecordInstruments):
            return self._documents.record_instruments(message, occasion)
        if isinstance(message, Account):
            return record_account(message, occasion)
        if not isinstance(message, SubmitEnvelope):
            raise TypeError(f"intake does not handle {message.TYPE}")
        received = self._read(message)
        if view.get(Decision, received.header.id, received.digest) is not None:
            return Effects()  # the same bytes again: decided already
        return self._decide(message, received, view, occasion)

    def _read(self, message: SubmitEnvelope) -> ReceivedEnvelope:
        """Parsed once for `needs` and `handle`, and kept as long as the message itself."""
        received = self._read_before.get(message)
        if received is None:
            received = self._read_before[message] = parse_submission(message.submission)
        return received

    def _decide(self, message: SubmitEnvelope, received: ReceivedEnvelope, view: View, occasion: Occasion) -> Effects:
        header, digest = received.header, received.digest
        effects = Effects()
        try:
            verified = verify_sender(received, self._exchange, occasion.directory, occasion.now)
            claim = view.get(Claim, header.id)
            check_id(header.id, digest, None if claim is None else claim.digest)
            effects.inserts.append(Claim(header.id, header.sender, digest))
            admission = decide_admission(
                verified,
                view.get(Dossier, header.dossier) is not None,
                None if header.leg is None else _leg(view, header.dossier, header.leg),
                occasion.instruments.registry,
                occasion.now,
                _undelivered(view, header),
            )
        except Rejection as refusal:
            if isinstance(refusal, DossierUnknown) and occasion.now - occasion.first_at < UNKNOWN_DOSSIER_WAIT:
                raise RetryLater(why=refusal.sentence(), after_s=UNKNOWN_DOSSIER_RETRY_S) from refusal
            _reject(effects, message, received, occasion, refusal)
        else:
            _admit(effects, message, received, occasion, admission, view)
        return effects


def _admit(
    effects: Effects,
    message: SubmitEnvelope,
    received: ReceivedEnvelope,
    occasion: Occasion,
    admission: Admission,
    view: View,
) -> None:
    header = received.header
    if admission.opens_dossier:
        effects.inserts.append(Dossier(header.dossier, header.sender, header.profile, header.id, occasion.now))
    for leg in admission.legs:
        known = view.get(LegRecord, leg.dossier, leg.requested)
        if known is None:
            effects.inserts.append(record_of(leg, None, occasion.instruments, occasion.now))
            continue
        fallen = falling_until(known, occasion.instruments, occasion.now)
        strike(effects, fallen, occasion.instruments.number, occasion.now)
        heard = with_struck(struck_of(known), fallen)
        effects.updates.append(record_of(leg, heard, occasion.instruments, occasion.now))
    summary = _summary(received)
    states = {leg.requested: {each: leg.measure(each).state for each in header.measures} for leg in admission.legs}  # type: ignore[union-attr]  # decide_admission checked them
    leaf = encode_leaf(
        "decision.accepted",
        occasion.now,
        secrets.token_bytes(NONCE_BYTES),
        dossier=header.dossier,
        leg=header.leg,
        states=leg_states(states),
        jws=received.jws.document,
        **_decision_fields(message, received, occasion, admission.flags),
    )
    legs = tuple(_leg_status(leg) for leg in admission.legs)
    _conclude(effects, message, summary, occasion, leaf, None, legs)
    digests = {part.name: part.ct_sha256 for part in received.manifest.parts}
    effects.publishes.append(
        EnvelopeAdmitted(
            summary=summary,
            jws=received.jws_bytes.decode("ascii"),
            wraps=dict(received.wraps),
            parts={digests[name]: ciphertext for name, ciphertext in received.parts.items()},
            admitted_at=encode_time(occasion.now),
            legs=legs,
            routes=dict(admission.routes),
        )
    )


def _reject(
    effects: Effects, message: SubmitEnvelope, received: ReceivedEnvelope, occasion: Occasion, refusal: Rejection
) -> None:
    leaf = encode_leaf(
        "decision.rejected",
        occasion.now,
        secrets.token_bytes(NONCE_BYTES),
        dossier=received.header.dossier,
        leg=received.header.leg,
        code=refusal.code,
        jws=received.jws.document,
        **_decision_fields(message, received, occasion, ()),
    )
    effects.inserts[:] = [record for record in effects.inserts if isinstance(record, Claim)]
    _conclude(effects, message, _summary(received), occasion, leaf, refusal, ())


def _conclude(
    effects: Effects,
    message: SubmitEnvelope,
    summary: Summary,
    occasion: Occasion,
    leaf: bytes,
    refusal: Rejection | None,
    legs: tuple[LegStatus, ...],
) -> None:
    """The decision's row, its leaf, and the word to the sender."""
    facts = json_facts(refusal.facts) if refusal else {}
    code = refusal.code if refusal else None
    decision: Literal["accepted", "rejected"] = "rejected" if refusal else "accepted"
    effects.leaves.append(leaf)
    effects.inserts.append(
        Decision(
            message=summary.message,
            digest=summary.digest,
            sender=summary.sender,
            decision=decision,
            code=code,
            facts=facts,
            decided_at=occasion.now,
            receipt=message.receipt,
            leaf_digest=digest_of_leaf(leaf),
            **({} if refusal else _to_be_carried(summary)),
        )
    )
    effects.publishes.append(
        EnvelopeDecided(
            summary=summary,
            decision=decision,
            code=code,
            sentence=refusal.sentence() if refusal else None,
            facts=facts,
            decided_at=encode_time(occasion.now),
            legs=legs,
        )
    )


def _to_be_carried(summary: Summary) -> dict[str, str]:
    """What the limits of its transport are kept by."""
    return {
        "dossier": summary.dossier,
        "recipients": " ".join(summary.recipients),
        "urgency": summary.urgency,
    }


def _decision_fields(
    message: SubmitEnvelope, received: ReceivedEnvelope, occasion: Occasion, flags: Sequence[str]
) -> dict[str, object]:
    return {
        "message": received.header.id,
        "sender": received.header.sender,
        "envelope_sha256": received.digest,
        "directory_index": occasion.directory.index,
        "decide_by": message.decide_by,
        "flags": list(flags),
    }


def _leg(view: View, dossier: str, requested: str) -> Leg | None:
    record = view.get(LegRecord, dossier, requested)
    return None if record is None else parse_leg(record.state)


def _facts_of_transport(header: Header) -> list[Key]:
    """Where it depends on them what is legal: whether the message that this one names came, or failed to."""
    if header.leg is None or header.in_reply_to is None or not by_transport(header.profile, header.kind):
        return []
    came = (header.in_reply_to, Transported.delivery.value, header.leg)
    return [Key(LateMessage, (header.in_reply_to, header.leg)), Key(Evidence, came)]


def _undelivered(view: View, header: Header) -> str | None:
    """The message that this one names, if it did not reach the leg's requested party."""
    if not _facts_of_transport(header):
        return None
    late = view.get(LateMessage, header.in_reply_to, header.leg)
    came = view.get(Evidence, header.in_reply_to, Transported.delivery.value, header.leg)
    return header.in_reply_to if late is not None and came is None and is_denied(late.struck.split()) else None


def _leg_status(leg: Leg) -> LegStatus:
    return LegStatus(
        leg=leg.requested, status=leg_status(leg), measures={measure.id: measure.state for measure in leg.measures}
    )


def _summary(received: ReceivedEnvelope) -> Summary:
    header = received.header
    return Summary(
        message=header.id,
        digest=received.digest,
        dossier=header.dossier,
        profile=header.profile,
        kind=header.kind,
        sender=header.sender,
        recipients=header.recipients,
        leg=header.leg,
        measures=header.measures,
        urgency=header.urgency,
        in_reply_to=header.in_reply_to,
        sent_at=header.sent_at,
        expires_at=header.expires_at,
    )
