"""Services without a process: handlers on rows in memory, with real envelopes and a directory of real key events.

`Desk` gives one message to a handler as the pump would: the rows that it asks for, its effects applied at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from services.intake.directory import RecordDocuments
from services.intake.handler import IntakeHandler
from services.notification.handler import NotificationHandler
from shared.audit.leaves import Leaf, digest_of_leaf, parse_leaf
from shared.contracts.messages import EnvelopeDecided, ServiceMessage, SubmitEnvelope
from shared.contracts.records import Claim, Decision, FeedEntry, Key, Record
from shared.domain.ids import encode_time, new_uuid7
from shared.domain.instruments import Registry, parse_registry
from shared.envelope.container import parse_submission
from shared.keys.directory import Directory
from shared.keys.event_document import Use
from shared.keys.private import Ed25519Signer, MLDSA65Signer, PrivateKey, XWingOpener
from shared.ports.handler import Handler, Occasion
from shared.ports.keyring import PublishedInstruments
from shared.ports.unit_of_work import Effects
from shared.runtime.batch_view import BatchView
from tests.unit.envelope.workshop import EXCHANGE, NOW, PARTIES, Forgery, header_document, party
from tests.unit.keys.parties import ExchangeOnTest, PartyOnTest

MA, BE, FR, ES = PARTIES
STRANGER, SUSPENDED, AUDITOR = "NL.OM", "PT.PGR", "MA.CC"
DECIDE_BY = encode_time(NOW + timedelta(hours=1))
INSTRUMENTS = Path(__file__).parents[3] / "deploy" / "samples" / "instruments.json"


def keys_of(authority: str) -> dict[Use, PrivateKey]:
    """The keys with which the workshop signs and seals for this authority."""
    keys, sealing = party(authority), XWingOpener(hashlib.sha256(f"{authority}/seal-xwing".encode()).digest())
    assert isinstance(keys.ed25519, Ed25519Signer)
    assert isinstance(keys.mldsa65, MLDSA65Signer)
    assert isinstance(keys.api, Ed25519Signer)
    assert sealing.kid(authority) == keys.sealing_kid
    return {
        "sign-ed25519": keys.ed25519,
        "sign-mldsa65": keys.mldsa65,
        "seal-xwing": sealing,
        "api-ed25519": keys.api,
    }


def api_key(authority: str) -> Ed25519Signer:
    """With which it signs its calls."""
    key = keys_of(authority)["api-ed25519"]
    assert isinstance(key, Ed25519Signer)
    return key


def new_exchange(*parties: str) -> ExchangeOnTest:
    """An exchange on which these authorities are enrolled with the workshop's keys."""
    exchange = ExchangeOnTest(directory=Directory.empty(EXCHANGE))
    for name in parties:
        exchange.admit(exchange.decide(exchange.draft_enrolment(PartyOnTest(name, keys_of(name)))))
    return exchange


@cache
def usual_directory() -> Directory:
    """The four parties; PT.PGR, suspended; an auditor."""
    exchange = new_exchange(*PARTIES, SUSPENDED)
    exchange.suspend(PartyOnTest(SUSPENDED, keys_of(SUSPENDED)))
    exchange.enrol_auditor(AUDITOR)
    return exchange.directory


@cache
def sample_registry() -> Registry:
    return parse_registry(INSTRUMENTS.read_bytes())


@dataclass
class Desk:
    """One service, the rows that it has written, and what it said."""

    handler: Handler
    directory: Directory = field(default_factory=usual_directory)
    registry: Registry | None = None
    published: PublishedInstruments | None = None
    """Instead of `registry`, where it matters as which publication it came."""
    rows: dict[Key, Record] = field(default_factory=dict)

    def handle(self, message: ServiceMessage, at: datetime = NOW, first_at: datetime | None = None) -> Effects:
        keys = self.handler.needs(message)
        view = BatchView(keys, {key: self.rows[key] for key in keys if key in self.rows})
        instruments = self.published or PublishedInstruments(1 if self.registry else 0, self.registry)
        effects = self.handler.handle(message, view, Occasion(at, first_at or at, self.directory, instruments))
        self._apply(effects)
        return effects

    def of(self, record: type[Record]) -> list[Record]:
        return [row for key, row in self.rows.items() if key.record is record]

    def _apply(self, effects: Effects) -> None:
        inserted = {row.key(): row for row in effects.inserts}
        assert len(inserted) == len(effects.inserts), "one message inserts a row twice"
        assert not self.rows.keys() & inserted.keys(), "it inserts a row that exists"
        updated = {row.key(): row for row in effects.updates}
        assert updated.keys() <= self.rows.keys(), "it updates a row that does not exist"
        self.rows |= inserted | updated


def intake(directory: Directory | None = None, registry: Registry | None = None) -> Desk:
    handler = IntakeHandler(EXCHANGE, RecordDocuments([], 2))
    return Desk(handler, usual_directory() if directory is None else directory, registry)


def opened_by(submission: bytes, registry: Registry | None = None) -> Desk:
    """Intake after it accepted this request."""
    desk = intake(registry=registry)
    effects = desk.handle(submit(submission))
    assert [leaf.type for leaf in leaves_of(effects)] == ["decision.accepted"]
    return desk


def submit(submission: bytes, caller: str = MA) -> SubmitEnvelope:
    at = encode_time(NOW)
    return SubmitEnvelope(
        submission=submission, caller=caller, received_at=at, decide_by=DECIDE_BY, receipt="the.signed.receipt"
    )


def new_id() -> str:
    return new_uuid7(NOW)


def request(**changes: Any) -> bytes:
    """A letter rogatory from Rabat to Brussels and Paris under ids of its own, sealed by hand."""
    return signed(header_document(**{"id": new_id(), "dossier": new_id(), **changes}))


def reply(to: bytes, kind: str, sender: str, seen: str | None = None, **changes: Any) -> bytes:
    """A message of this kind on the leg of Brussels that the request `to` opened, having seen it."""
    opened = parse_submission(to)
    document: dict[str, Any] = {
        "id": new_id(),
        "dossier": opened.header.dossier,
        "kind": kind,
        "sender": sender,
        "recipients": [BE if sender == MA else MA],
        "leg": BE,
        "basis": None,
        "in_reply_to": opened.header.id,
        "seen": opened.digest if seen is None else seen,
        "act": {},
    }
    return signed(header_document(**{**document, **changes}))


def signed(header: dict[str, Any]) -> bytes:
    """Sealed and signed with the keys of the header's sender."""
    sender = party(header["sender"])
    return Forgery(header=header, signers=(sender, sender)).seal().sign().submission()


def digest_of(submission: bytes) -> str:
    return parse_submission(submission).digest


def leaves_of(effects: Effects) -> list[Leaf]:
    return [parse_leaf(leaf) for leaf in effects.leaves]


def feed_of(events: Sequence[ServiceMessage], authority: str) -> list[FeedEntry]:
    """What these events put into the feed of this authority."""
    desk = Desk(NotificationHandler())
    for event in events:
        desk.handle(event)
    return [row for row in desk.of(FeedEntry) if isinstance(row, FeedEntry) and row.authority == authority]


def assert_rejected(desk: Desk, effects: Effects, code: str, submission: bytes, *, spends_id: bool) -> None:
    """These effects are one rejection, its leaf, the word to the sender, and nothing else: no dossier, no leg, no part,
    nothing passed on. Whether the id is spent says whether the signatures had verified before."""
    received = parse_submission(submission)
    header = received.header
    [leaf] = leaves_of(effects)
    assert (leaf.type, leaf.fields["code"]) == ("decision.rejected", code)
    assert leaf.fields["envelope_sha256"] == received.digest
    assert leaf.fields["jws"] == json.loads(received.jws_bytes)
    assert (leaf.fields["message"], leaf.fields["sender"]) == (header.id, header.sender)
    assert (leaf.fields["decide_by"], leaf.fields["directory_index"]) == (DECIDE_BY, desk.directory.index)

    decision = desk.rows[Key(Decision, (header.id, received.digest))]
    claim = [Claim(header.id, header.sender, received.digest)] if spends_id else []
    assert effects.inserts == [*claim, decision]
    assert isinstance(decision, Decision)
    assert (decision.decision, decision.code, decision.sender) == ("rejected", code, header.sender)
    assert decision.leaf_digest == digest_of_leaf(effects.leaves[0])
    assert decision.receipt == "the.signed.receipt"

    assert [type(event) for event in effects.publishes] == [EnvelopeDecided]
    [entry] = feed_of(effects.publishes, header.sender)
    assert (entry.type, entry.message, entry.data["code"]) == ("message.rejected", header.id, code)
    assert entry.data["sentence"]
    assert "<" not in entry.data["sentence"], "a fact is missing from the sentence"
    assert not effects.parts
    assert not effects.updates
