"""What operators and services of an exchange do, in dictionaries: decided by intake's own policy, told to a ledger."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from services.intake.policy import check_id, decide_admission, verify_sender
from shared.apisig.directory_statements import DirectoryStatement, sign_statement
from shared.apisig.receipts import Receipt, sign_receipt
from shared.audit.leaves import encode_entry, encode_leaf, leg_states
from shared.audit.notes import encode_vkey
from shared.domain.clock_events import Struck, due_events, with_struck
from shared.domain.ids import encode_time, parse_time
from shared.domain.instruments import calendars_of, parse_registry
from shared.domain.leg import Leg
from shared.domain.transport_limits import FIRST, is_denied, missed_limits
from shared.envelope.container import ReceivedEnvelope
from shared.errors import Rejection
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.directory import Directory
from shared.keys.event_document import NameDocument
from shared.keys.events import draft_event, encode_event, sign_event, verify_event
from shared.keys.instruments import Publication, publication_after, sign_instruments, verify_instruments
from shared.keys.private import Ed25519Signer
from shared.keys.public import Ed25519Public
from shared.keys.signed_document import parse_signed_document
from shared.keys.trust import Trust
from shared.keys.waiting import waits_by
from tests.unit.audit.paper_log import ORIGIN, PaperLog, log_signers
from tests.unit.envelope.workshop import party

START = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
REGISTRY = (Path(__file__).parents[3] / "deploy/samples/instruments.json").read_bytes()


def seeded(word: str) -> Ed25519Signer:
    return Ed25519Signer(hashlib.sha256(word.encode()).digest())


@dataclass
class Feed:
    items: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class PaperServices:
    """`now` stands still until it is moved. `withhold` names message ids that are kept from their recipients' feeds."""

    now: datetime = START
    operators: tuple[Ed25519Signer, ...] = (seeded("operator A"), seeded("operator B"))
    receipt_signer: Ed25519Signer = field(default_factory=lambda: seeded("gateway"))
    log: PaperLog = field(default_factory=PaperLog)
    withhold: set[str] = field(default_factory=set)
    events: list[bytes] = field(default_factory=list)
    registry: bytes | None = None
    intake_knows_registry: bool = True

    def __post_init__(self) -> None:
        self.directory = Directory.empty(ORIGIN, waits_by(self.trust()))
        self.places: dict[int, int] = {}
        self.forget()

    def forget(self) -> None:
        """Nothing was ever submitted. Who is enrolled stays so, and so does the ledger."""
        self.spent: dict[str, str] = {}
        self.envelopes: dict[str, ReceivedEnvelope] = {}
        self.decisions: dict[str, dict[str, Any]] = {}
        self.senders: dict[str, str] = {}
        self.legs: dict[tuple[str, str], Leg] = {}
        self.struck: dict[tuple[str, str], Struck] = {}
        self.parts: dict[str, bytes] = {}
        self.feeds: dict[str, Feed] = {}
        self.evidences: dict[str, list[tuple[str, str, int]]] = {}
        self.said_at: dict[tuple[str, str, str], datetime] = {}

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.strike_clocks()

    def strike_clocks(self) -> None:
        registry = None if self.registry is None else parse_registry(REGISTRY)
        for place, leg in self.legs.items():
            struck = self.struck.get(place, Struck(leg.opened_at))
            fallen = due_events(leg, struck, calendars_of(registry), self.now)
            for one in fallen:
                self.add_leaf("clock.event", **one.encode(), registry=0 if registry is None else 1)
            self.struck[place] = with_struck(struck, fallen)
        for received in self.envelopes.values():
            for recipient in received.header.recipients:
                self.strike_limits(received, recipient)

    def strike_limits(self, received: ReceivedEnvelope, recipient: str) -> None:
        """Of the transport to this recipient."""
        header = received.header
        accepted = parse_time(self.decisions[header.id]["decided_at"])
        if self.now < accepted + min(FIRST.values()):
            return
        delivered, retrieved = (self.said_at.get((header.id, recipient, kind)) for kind in ("delivery", "retrieval"))
        for one in missed_limits(header.urgency, accepted, delivered, retrieved):
            if one.falls > self.now or (header.id, recipient, one.said) in self.said_at:
                continue
            if one.is_failure:
                self.evidence(one.said, received, recipient, **one.encode())
            else:
                self.said_at[header.id, recipient, one.said] = self.now
                place = {"message": header.id, "dossier": header.dossier, "recipient": recipient}
                self.add_leaf(one.leaf, **place, envelope_sha256=received.digest, **one.encode())

    # --- what the operators do ---------------------------------------------------------------------------------------

    def trust(self, **changes: Any) -> Trust:
        members: dict[str, Any] = {
            "origin": ORIGIN,
            "log_vkeys": tuple(encode_vkey(signer.vkey) for signer in log_signers()),
            "operator_keys": tuple(Ed25519Public(operator.public) for operator in self.operators),
            "operator_quorum": 2,
            "receipt_key": Ed25519Public(self.receipt_signer.public),
            "witness_policy": "none",
            "environment": "development",
        }
        return Trust(**{**members, **changes})

    def enrol(self, *authorities: str) -> None:
        for authority in authorities:
            keys = party(authority).prove(self.now - timedelta(days=1), self.now + timedelta(days=365))
            name = NameDocument(official=authority, languages={})
            self.record_event("enrol", authority, keys=keys, role="authority", name=name, country=authority[:2])

    def record_event(self, type_: Any, authority: str, **members: Any) -> None:
        event = draft_event(type_, self.directory, self.now, authority, **members)
        document = encode_event(event, [sign_event(event, operator) for operator in self.operators])
        self.admit_event(document)

    def admit_event(self, document: bytes) -> None:
        trust = self.trust()
        self.directory = self.directory.apply(verify_event(document, trust.operator_keys, 2, self.directory))
        self.events.append(document)
        index = self.add_leaf("directory.key-event", event=json.loads(document), seq=self.directory.index)
        self.places[self.directory.index] = index

    def load_registry(self, raw: bytes = REGISTRY) -> None:
        self.publish(sign_instruments(raw, self.operators, ORIGIN, *publication_after(self.published)))

    def publish(self, document: bytes) -> None:
        published = verify_instruments(document, self.trust().operator_keys, 2, ORIGIN)
        self.registry = document
        digest = encode_b64u(hashlib.sha256(published.registry).digest())
        self.add_leaf(
            "directory.instruments", registry_sha256=digest, version=published.number, document=json.loads(document)
        )

    # --- the ledger --------------------------------------------------------------------------------------------------

    def add_leaf(self, type_: str, **fields: Any) -> int:
        """Its index. `at` may be given."""
        leaf = encode_leaf(type_, fields.pop("at", self.now), secrets.token_bytes(16), **fields)
        self.log.append([encode_entry(self.now, leaf)])
        return len(self.log.entries) - 1

    def write_ledger(self, directory: Path) -> Path:
        for path, data in self.log.files.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_bytes(data)
        return directory

    # --- what the services do ----------------------------------------------------------------------------------------

    def take(self, received: ReceivedEnvelope) -> None:
        """Decide, deliver, tell."""
        header = received.header
        registry = parse_registry(REGISTRY) if self.registry and self.intake_knows_registry else None
        code: str | None = None
        facts: dict[str, str] = {}
        legs: tuple[Leg, ...] = ()
        flags: tuple[str, ...] = ()
        try:
            verified = verify_sender(self.with_uploads(received), ORIGIN, self.directory, self.now)
            check_id(header.id, received.digest, self.spent.get(header.id))
            self.spent[header.id] = received.digest
            exists = any(dossier == header.dossier for dossier, _ in self.legs)
            leg = None if header.leg is None else self.legs.get((header.dossier, header.leg))
            failed = header.in_reply_to and self.how_far(header.in_reply_to, header.leg or "") == "not-delivered"
            undelivered = header.in_reply_to if failed else None
            admission = decide_admission(verified, exists, leg, registry, self.now, undelivered)
            legs, flags = admission.legs, admission.flags
        except Rejection as refused:
            code, facts = refused.code, {name: str(value) for name, value in refused.facts.items()}
        index = self.log_decision(received, code, legs, flags=list(flags))
        self.senders[header.id] = header.sender
        self.decisions[header.id] = {
            "message": header.id,
            "digest": received.digest,
            "decision": "accepted" if code is None else "rejected",
            "code": code,
            "sentence": code,
            "facts": facts,
            "decided_at": encode_time(self.now),
            "receipt": self.receipt(received),
            "leaf_index": index,
        }
        self.tell(header.sender, f"message.{self.decisions[header.id]['decision']}", received)
        if code is None:
            self.deliver(received, legs)

    def with_uploads(self, received: ReceivedEnvelope) -> ReceivedEnvelope:
        """The envelope with the parts that were uploaded before it."""
        named = {one.name: one.ct_sha256 for one in received.manifest.parts if one.name not in received.parts}
        uploaded = {name: self.parts[parse_b64u(digest).hex()] for name, digest in named.items()}
        self.parts |= {f"{received.header.id}/{name}": ct for name, ct in uploaded.items()}
        return replace(received, parts={**received.parts, **uploaded})

    def log_decision(self, received: ReceivedEnvelope, code: str | None, legs: Any = (), **changes: Any) -> int:
        header = received.header
        states = {leg.requested: {one: leg.measure(one).state for one in header.measures} for leg in legs}
        fields: dict[str, Any] = {
            "message": header.id,
            "sender": header.sender,
            "envelope_sha256": received.digest,
            "directory_index": self.directory.index,
            "decide_by": encode_time(self.now + timedelta(hours=1)),
            "flags": [],
            "jws": json.loads(received.jws_bytes),
            "dossier": header.dossier,
            "leg": header.leg,
        }
        fields |= {"states": leg_states(states)} if code is None else {"code": code}
        return self.add_leaf("decision.accepted" if code is None else "decision.rejected", **{**fields, **changes})

    def deliver(self, received: ReceivedEnvelope, legs: Any) -> None:
        header = received.header
        self.keep(received, legs)
        for recipient in header.recipients:
            self.evidence("delivery", received, recipient)
            if header.id not in self.withhold:
                self.tell(recipient, "message.received", received)

    def keep(self, received: ReceivedEnvelope, legs: Any) -> None:
        """Admitted, and in nobody's mailbox yet."""
        header = received.header
        self.legs |= {(leg.dossier, leg.requested): leg for leg in legs}
        self.struck |= {(leg.dossier, leg.requested): Struck(self.now) for leg in legs}
        self.envelopes[header.id] = received
        self.parts |= {f"{header.id}/{name}": ct for name, ct in received.parts.items()}

    def evidence(self, kind: str, received: ReceivedEnvelope, recipient: str, **more: str) -> None:
        header = received.header
        place = {"message": header.id, "dossier": header.dossier, "recipient": recipient}
        index = self.add_leaf(f"evidence.{kind}", **place, envelope_sha256=received.digest, **more)
        self.evidences.setdefault(header.id, []).append((kind, recipient, index))
        self.said_at.setdefault((header.id, recipient, kind), self.now)

    def how_far(self, message: str, recipient: str) -> str:
        """As the gateway shows it."""
        said = {kind for of, party, kind in self.said_at if (of, party) == (message, recipient)}
        return "delivered" if "delivery" in said else "not-delivered" if is_denied(said) else "submitted"

    def tell(self, authority: str, type_: str, received: ReceivedEnvelope) -> None:
        feed = self.feeds.setdefault(authority, Feed())
        header = received.header
        item = {"at": encode_time(self.now), "type": type_, "message": header.id, "dossier": header.dossier}
        data = {"kind": header.kind, "sender": header.sender, "measures": header.measures}
        feed.items.append({"cursor": str(len(feed.items) + 1), **item, "data": data})

    def statement(self) -> str:
        """Of what was recorded, whatever its policy decides by."""
        head = None if not self.events else encode_b64u(parse_signed_document(self.events[-1]).digest())
        known = self.published
        registry = (0, None) if known is None else (known.number, known.digest)
        return sign_statement(
            DirectoryStatement(ORIGIN, len(self.events), head, self.now, *registry), self.receipt_signer
        )

    @property
    def published(self) -> Publication | None:
        """The registry that was loaded last."""
        trust = self.trust()
        return None if self.registry is None else verify_instruments(self.registry, trust.operator_keys, 2, ORIGIN)

    def receipt(self, received: ReceivedEnvelope) -> str:
        return sign_receipt(
            Receipt(
                exchange=ORIGIN,
                sender=received.header.sender,
                message=received.header.id,
                envelope_sha256=received.digest,
                received_at=self.now,
                decide_by=self.now + timedelta(hours=1),
            ),
            self.receipt_signer,
        )
