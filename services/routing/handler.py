"""Routing's effects: an admitted envelope lies in one mailbox per reader; deliveries and retrievals are evidenced."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from services.routing.policy import readers_of
from shared.apisig.retrievals import verify_retrieval
from shared.audit.leaves import NONCE_BYTES, digest_of_leaf, encode_leaf
from shared.contracts.messages import (
    EnvelopeAdmitted,
    EnvelopeDelivered,
    EnvelopeRetrieved,
    RecordReading,
    RetrievalRecorded,
    ServiceMessage,
)
from shared.contracts.records import AuditorDay, Evidence, Key, MailboxEntry, StoredEnvelope
from shared.domain.evidences import Evidence as Kind
from shared.domain.ids import encode_time, parse_time
from shared.errors import NotThere, RetryLater
from shared.ports.handler import Occasion
from shared.ports.unit_of_work import Effects, SealedPart, View

MAILBOX_WAIT: Final = timedelta(seconds=30)
"""A retrieval can overtake the delivery that it follows, never by long."""
MAILBOX_RETRY_S: Final = 1.0


class RoutingHandler:
    """`ports.Handler` of routing."""

    def needs(self, message: ServiceMessage) -> Sequence[Key]:
        if isinstance(message, EnvelopeAdmitted):
            return [Key(StoredEnvelope, (message.summary.message,))]
        if isinstance(message, EnvelopeRetrieved):
            return [
                Key(StoredEnvelope, (message.message,)),
                Key(MailboxEntry, (message.recipient, message.message)),
            ]
        if isinstance(message, RecordReading):
            return [Key(AuditorDay, (message.auditor, _day_of(message)))]
        raise TypeError(f"routing does not handle {message.TYPE}")

    def handle(self, message: ServiceMessage, view: View, occasion: Occasion) -> Effects:
        if isinstance(message, EnvelopeAdmitted):
            return self._deliver(message, view, occasion)
        if isinstance(message, EnvelopeRetrieved):
            return self._record_retrieval(message, view, occasion)
        if isinstance(message, RecordReading):
            return self._record_reading(message, view, occasion)
        raise TypeError(f"routing does not handle {message.TYPE}")

    def _deliver(self, message: EnvelopeAdmitted, view: View, occasion: Occasion) -> Effects:
        summary = message.summary
        if view.get(StoredEnvelope, summary.message) is not None:
            return Effects()
        effects = Effects()
        effects.inserts.append(
            StoredEnvelope(
                message=summary.message,
                digest=summary.digest,
                dossier=summary.dossier,
                sender=summary.sender,
                leg=summary.leg,
                kind=summary.kind,
                jws=message.jws.encode(),
                summary=summary.model_dump(mode="json"),
                stored_at=occasion.now,
            )
        )
        for reader, kid in readers_of(message.wraps).items():
            effects.inserts.append(
                MailboxEntry(reader, summary.message, kid, message.wraps[kid], occasion.now, retrieved_at=None)
            )
        effects.parts |= {digest: SealedPart(summary.message, data) for digest, data in message.parts.items()}
        for recipient in summary.recipients:
            _evidence(
                effects,
                Kind.delivery,
                summary.digest,
                summary.message,
                summary.dossier,
                recipient,
                occasion,
                route=message.routes.get(recipient),
            )
        effects.publishes.append(
            EnvelopeDelivered(summary=summary, delivered_at=encode_time(occasion.now), legs=message.legs)
        )
        return effects

    def _record_reading(self, message: RecordReading, view: View, occasion: Occasion) -> Effects:
        """One leaf a day for each auditor, whichever gateways it asks."""
        day = _day_of(message)
        if view.get(AuditorDay, message.auditor, day) is not None:
            return Effects()
        nonce = secrets.token_bytes(NONCE_BYTES)
        leaf = encode_leaf(
            "audit.reading", occasion.now, nonce, auditor=message.auditor, day=day, request=message.request
        )
        return Effects(inserts=[AuditorDay(message.auditor, day, occasion.now)], leaves=[leaf])

    def _record_retrieval(self, message: EnvelopeRetrieved, view: View, occasion: Occasion) -> Effects:
        envelope = view.get(StoredEnvelope, message.message)
        entry = view.get(MailboxEntry, message.recipient, message.message)
        if envelope is None or entry is None:
            if occasion.now - occasion.first_at < MAILBOX_WAIT:
                raise RetryLater(why="the mailbox entry is not there yet", after_s=MAILBOX_RETRY_S)
            raise NotThere()
        if entry.retrieved_at is not None:
            return Effects()  # the first retrieval is the evidence; later ones add nothing
        verify_retrieval(message.request, message.message, message.recipient, occasion.directory.key)
        effects = Effects(updates=[replace(entry, retrieved_at=parse_time(message.retrieved_at))])
        _evidence(
            effects,
            Kind.retrieval,
            envelope.digest,
            message.message,
            envelope.dossier,
            message.recipient,
            occasion,
            request=message.request,
        )
        effects.publishes.append(
            RetrievalRecorded(
                message=message.message,
                dossier=envelope.dossier,
                sender=envelope.sender,
                recipient=message.recipient,
                retrieved_at=message.retrieved_at,
            )
        )
        return effects


def _day_of(message: RecordReading) -> str:
    return message.read_at[:10]


def _evidence(
    effects: Effects,
    kind: Kind,
    digest: str,
    message: str,
    dossier: str,
    recipient: str,
    occasion: Occasion,
    **more: str | None,
) -> None:
    """One evidence: its row and its leaf."""
    leaf = encode_leaf(
        f"evidence.{kind}",
        occasion.now,
        secrets.token_bytes(NONCE_BYTES),
        message=message,
        dossier=dossier,
        recipient=recipient,
        envelope_sha256=digest,
        **more,
    )
    effects.leaves.append(leaf)
    effects.inserts.append(Evidence(message, kind.value, recipient, occasion.now, digest_of_leaf(leaf)))
