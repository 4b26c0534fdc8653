"""Signed documents of the operators: each is verified, kept as it came, and logged."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from shared.audit.leaves import NONCE_BYTES, digest_of_leaf, encode_leaf
from shared.contracts.messages import RecordInstruments, RecordKeyEvent
from shared.contracts.records import InstrumentsRecord, KeyEventRecord
from shared.domain.ids import encode_time
from shared.domain.instrument_changes import changes_between
from shared.domain.instruments import parse_registry
from shared.domain.strict_json import parse_strict_json
from shared.errors import InstrumentsInvalid, KeyEventRefused, RetryLater
from shared.keys.base64url import encode_b64u
from shared.keys.events import EVENT_DATE_TOLERANCE, verify_event
from shared.keys.instruments import verify_instruments
from shared.keys.public import Ed25519Public
from shared.keys.signed_document import SignedDocumentBad, parse_signed_document
from shared.ports.handler import Occasion
from shared.ports.unit_of_work import Effects

EARLIER_EVENT_WAIT: Final = timedelta(seconds=10)
"""Events are numbered: one that comes before its predecessor waits this long for it."""
EARLIER_EVENT_RETRY_S: Final = 0.5


class RecordDocuments:
    """Admits key events and registries that a quorum of the pinned operator keys signed."""

    def __init__(self, operator_keys: Sequence[Ed25519Public], quorum: int) -> None:
        self._operator_keys = tuple(operator_keys)
        self._quorum = quorum

    def record_key_event(self, message: RecordKeyEvent, occasion: Occasion) -> Effects:
        """An event that is recorded already has no effect, the newest or an older one.

        Raises KeyEventRefused, or RetryLater while an earlier one may come.
        """
        directory = occasion.directory
        digest = _event_digest(message.event)
        if digest is not None and directory.is_recorded(digest):
            return Effects()
        try:
            event = verify_event(message.event, self._operator_keys, self._quorum, directory)
        except KeyEventRefused as refused:
            if occasion.now - occasion.first_at < EARLIER_EVENT_WAIT:
                raise RetryLater(why=refused.sentence(), after_s=EARLIER_EVENT_RETRY_S) from refused
            raise
        if abs(occasion.now - event.at) > EVENT_DATE_TOLERANCE:
            raise KeyEventRefused(why=f"it is dated {encode_time(event.at)}, more than a day from now")
        leaf = encode_leaf(
            "directory.key-event",
            occasion.now,
            secrets.token_bytes(NONCE_BYTES),
            event=parse_strict_json(message.event),
            seq=event.seq,
        )
        row = KeyEventRecord(event.seq, message.event, occasion.now, digest_of_leaf(leaf))
        return Effects(inserts=[row], leaves=[leaf])

    def record_instruments(self, message: RecordInstruments, occasion: Occasion) -> Effects:
        """The publication that is in force already has no effect.

        Raises InstrumentsInvalid, or RetryLater while an earlier publication may come.
        """
        known, exchange = occasion.instruments, occasion.directory.exchange
        publication = verify_instruments(message.document, self._operator_keys, self._quorum, exchange)
        registry = parse_registry(publication.registry)
        if publication.digest == known.digest:
            return Effects()
        if (publication.number, publication.prev) != (known.number + 1, known.digest):
            refused = InstrumentsInvalid(why=f"it is publication {publication.number}, the next is {known.number + 1}")
            if publication.number > known.number and occasion.now - occasion.first_at < EARLIER_EVENT_WAIT:
                raise RetryLater(why=refused.sentence(), after_s=EARLIER_EVENT_RETRY_S)
            raise refused
        leaf = encode_leaf(
            "directory.instruments",
            occasion.now,
            secrets.token_bytes(NONCE_BYTES),
            registry_sha256=encode_b64u(hashlib.sha256(publication.registry).digest()),
            version=publication.number,
            document=parse_strict_json(message.document),
            changes=list(changes_between(known.registry, registry)),
        )
        return Effects(inserts=[InstrumentsRecord(publication.number, message.document, occasion.now)], leaves=[leaf])


def _event_digest(document: bytes) -> str | None:
    try:
        return encode_b64u(parse_signed_document(document).digest())
    except SignedDocumentBad:
        return None
