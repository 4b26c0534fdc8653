"""An exchange in a dictionary: it answers the real API, decides by intake's own policy, and can be told to lie.

It stands in for gateway, services and ledger behind `httpx2.MockTransport`, so that clients are tested against a
counterparty and not against mocks of themselves. Calls are verified as the gateway verifies them.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from client.callers import check_receipts, sign_calls
from client.correspondence import Correspondence, Place
from client.exchange import Exchange
from client.http_calls import Calls
from client.signing import AuthorityKeys
from services.intake.policy import check_id, decide_admission, verify_sender
from shared.apisig.receipts import Receipt, sign_receipt
from shared.apisig.verify import VerifiedCall, verify_request
from shared.audit.leaves import encode_entry, encode_leaf, leg_states
from shared.audit.notes import encode_vkey
from shared.audit.proofs import TlogProof, encode_proof
from shared.audit.tree import prove_inclusion
from shared.domain.dossier import encode_leg, leg_status
from shared.domain.ids import encode_time
from shared.domain.instruments import parse_registry
from shared.domain.leg import Leg
from shared.domain.reference import encode_number
from shared.envelope.container import ReceivedEnvelope, parse_submission
from shared.errors import ComityError, NotThere, Rejection
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.directory import Directory
from shared.keys.event_document import NameDocument
from shared.keys.events import draft_event, encode_event, sign_event, verify_event
from shared.keys.instruments import sign_instruments
from shared.keys.private import Ed25519Signer
from shared.keys.public import Ed25519Public
from shared.keys.trust import Trust
from tests.unit.audit.paper_log import ORIGIN, PaperLog, log_signers
from tests.unit.envelope.workshop import party

URL = "https://comity.example"
START = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
REGISTRY = (Path(__file__).parents[3] / "deploy/samples/instruments.json").read_bytes()


def seeded(word: str) -> Ed25519Signer:
    return Ed25519Signer(hashlib.sha256(word.encode()).digest())


@dataclass
class Feed:
    items: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class PaperExchange:
    """`now` stands still until it is moved. `withhold` names message ids that are kept from their recipients' feeds."""

    now: datetime = START
    operators: tuple[Ed25519Signer, ...] = (seeded("operator A"), seeded("operator B"))
    receipt_signer: Ed25519Signer = field(default_factory=lambda: seeded("gateway"))
    log: PaperLog = field(default_factory=PaperLog)
    withhold: set[str] = field(default_factory=set)
    failures: list[httpx2.Response | Exception] = field(default_factory=list)
    """Answered, one per call, before anything else happens."""
    lost_answers: int = 0
    """So many submissions are taken, and their answers get lost on the way back."""
    decides: bool = True
    calls: list[str] = field(default_factory=list)
    tamper: Callable[[str, bytes], bytes] = lambda path, body: body
    events: list[bytes] = field(default_factory=list)
    registry: bytes | None = None

    def __post_init__(self) -> None:
        self.directory = Directory.empty(ORIGIN)
        self.spent: dict[str, str] = {}
        self.envelopes: dict[str, ReceivedEnvelope] = {}
        self.decisions: dict[str, dict[str, Any]] = {}
        self.legs: dict[tuple[str, str], Leg] = {}
        self.parts: dict[str, bytes] = {}
        self.feeds: dict[str, Feed] = {}
        self.evidences: dict[str, list[tuple[str, str, int]]] = {}
        self.undecided: list[ReceivedEnvelope] = []

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
        trust = self.trust()
        self.directory = self.directory.apply(verify_event(document, trust.operator_keys, 2, self.directory))
        self.events.append(document)
        self.add_leaf("directory.key-event", event=json.loads(document), seq=self.directory.index)

    def load_registry(self, raw: bytes = REGISTRY) -> None:
        self.registry = sign_instruments(raw, self.operators)
        digest = encode_b64u(hashlib.sha256(raw).digest())
        self.add_leaf("directory.instruments", registry_sha256=digest, version=1, document=json.loads(self.registry))

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
        registry = parse_registry(REGISTRY) if self.registry else None
        code: str | None = None
        facts: dict[str, str] = {}
        legs: tuple[Leg, ...] = ()
        try:
            verified = verify_sender(self.with_uploads(received), ORIGIN, self.directory, self.now)
            check_id(header.id, received.digest, self.spent.get(header.id))
            self.spent[header.id] = received.digest
            exists = any(dossier == header.dossier for dossier, _ in self.legs)
            leg = None if header.leg is None else self.legs.get((header.dossier, header.leg))
            legs = decide_admission(verified, exists, leg, registry, self.now).legs
        except Rejection as refused:
            code, facts = refused.code, {name: str(value) for name, value in refused.facts.items()}
        index = self.log_decision(received, code, legs)
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
        self.legs |= {(leg.dossier, leg.requested): leg for leg in legs}
        self.envelopes[header.id] = received
        self.parts |= {f"{header.id}/{name}": ct for name, ct in received.parts.items()}
        for recipient in header.recipients:
            self.evidence("delivery", received, recipient)
            if header.id not in self.withhold:
                self.tell(recipient, "message.received", received)

    def evidence(self, kind: str, received: ReceivedEnvelope, recipient: str, **more: str) -> None:
        header = received.header
        place = {"message": header.id, "dossier": header.dossier, "recipient": recipient}
        index = self.add_leaf(f"evidence.{kind}", **place, envelope_sha256=received.digest, **more)
        self.evidences.setdefault(header.id, []).append((kind, recipient, index))

    def tell(self, authority: str, type_: str, received: ReceivedEnvelope) -> None:
        feed = self.feeds.setdefault(authority, Feed())
        header = received.header
        item = {"at": encode_time(self.now), "type": type_, "message": header.id, "dossier": header.dossier}
        data = {"kind": header.kind, "sender": header.sender, "measures": header.measures}
        feed.items.append({"cursor": str(len(feed.items) + 1), **item, "data": data})

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

    # --- the API -----------------------------------------------------------------------------------------------------

    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.calls.append(f"{request.method} {request.url.raw_path.decode()}")
        if self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, Exception):
                raise failure
            return failure
        try:
            call = verify_request(
                request.method, str(request.url), dict(request.headers), request.content, self._key_of, self.now
            )
            status, body = self._route(request, call)
        except ComityError as refused:
            return problem(404 if isinstance(refused, NotThere) else 400, refused)
        if request.method == "POST" and self.lost_answers:
            self.lost_answers -= 1
            raise httpx2.ReadError("the connection broke")
        return httpx2.Response(status, content=self.tamper(request.url.path, body))

    def _key_of(self, keyid: str) -> Ed25519Public | None:
        for operator in self.operators:
            if operator.kid("operator") == keyid:
                return Ed25519Public(operator.public)
        key = self.directory.api_key(keyid, self.now)
        return None if key is None else key.public

    def _route(self, request: httpx2.Request, call: VerifiedCall) -> tuple[int, bytes]:
        path, caller = request.url.path, call.keyid.partition("#")[0]
        if request.method == "POST" and path == "/v1/messages":
            return self._submit(request.content)
        if request.method == "PUT" and (named := re.fullmatch(r"/v1/parts/([0-9a-f]{64})", path)):
            self.parts[named[1]] = request.content
            return 200, b""
        if path == "/v1/feed":
            return 200, self._feed(caller, request.url.params.get("after"))
        if path == "/v1/authorities":
            return 200, dump({"events": [event.decode() for event in self.events], "parties": []})
        if path == "/v1/instruments" and self.registry:
            return 200, self.registry
        if named := re.fullmatch(r"/v1/messages/([^/]+)", path):
            return 200, self._fetch(caller, named[1], call)
        if (named := re.fullmatch(r"/v1/messages/([^/]+)/decision", path)) and named[1] in self.decisions:
            return 200, dump(self.decisions[named[1]])
        if named := re.fullmatch(r"/v1/messages/([^/]+)/parts/(\w+)", path):
            return 200, self.parts[f"{named[1]}/{named[2]}"]
        if named := re.fullmatch(r"/v1/messages/([^/]+)/evidences", path):
            return 200, self._evidences(named[1])
        if (named := re.fullmatch(r"/v1/dossiers/([^/]+)", path)) and self._legs_of(named[1], caller):
            return 200, self._dossier(named[1], caller)
        if path.startswith("/log/") and path.removeprefix("/log/") in self.log.files:
            return 200, self.log.files[path.removeprefix("/log/")]
        raise NotThere()

    def _submit(self, submission: bytes) -> tuple[int, bytes]:
        received = parse_submission(submission)
        header = received.header
        if header.id in self.decisions:
            return 200, dump(self.decisions[header.id])
        accepted = {"message": header.id, "digest": received.digest, "receipt": self.receipt(received)}
        if self.decides:
            self.take(received)
        else:
            self.undecided.append(received)
        return 202, dump({**accepted, "decide_by": encode_time(self.now + timedelta(hours=1))})

    def _feed(self, caller: str, after: str | None) -> bytes:
        items = self.feeds.setdefault(caller, Feed()).items[int(after or 0) :][:2]
        return dump({"items": items, "next": items[-1]["cursor"] if items else (after or "0")})

    def _fetch(self, caller: str, message: str, call: VerifiedCall) -> bytes:
        received = self.envelopes.get(message)
        kid = party(caller).sealing_kid
        if received is None or kid not in received.wraps:
            raise NotThere()
        if caller != received.header.sender:
            self.evidence("retrieval", received, caller, request=call.signature_text)
        manifest = received.manifest
        return dump(
            {
                "message": message,
                "dossier": received.header.dossier,
                "sender": received.header.sender,
                "digest": received.digest,
                "jws": json.loads(received.jws_bytes),
                "kid": kid,
                "wrap": encode_b64u(received.wraps[kid]),
                "parts": [{"name": one.name, "sha256": one.ct_sha256, "size": one.ct_len} for one in manifest.parts],
                "delivered_at": self.decisions[message]["decided_at"],
            }
        )

    def _evidences(self, message: str) -> bytes:
        size = len(self.log.entries)
        items = []
        for kind, recipient, index in self.evidences.get(message, []):
            hashes = tuple(prove_inclusion(index, size, self.log.reader(size)))
            proof = encode_proof(
                TlogProof(index, hashes, self.log.files["checkpoint"], self.log.entries[index])
            ).decode()
            place = {"kind": kind, "recipient": recipient, "at": encode_time(self.now), "leaf_index": index}
            items.append({**place, "proof": proof})
        return dump({"message": message, "items": items})

    def _legs_of(self, dossier: str, caller: str) -> list[Leg]:
        return [leg for (of, _), leg in self.legs.items() if of == dossier and leg.side_of(caller)]

    def _dossier(self, dossier: str, caller: str) -> bytes:
        legs = self._legs_of(dossier, caller)
        views = [
            {
                "requested": leg.requested,
                "status": leg_status(leg),
                "measures": [],
                "waiting_on": [],
                "transport": "delivered",
                "head": leg.head,
                "state": encode_leg(leg),
            }
            for leg in legs
        ]
        first = legs[0]
        return dump(
            {
                "dossier": dossier,
                "number": encode_number(dossier, first.requesting[:2]),
                "requesting": first.requesting,
                "profile": first.profile,
                "status": leg_status(first),
                "opened_at": encode_time(first.opened_at),
                "legs": views,
            }
        )

    # --- its callers -------------------------------------------------------------------------------------------------

    def correspond(self, authority: str, home: Path, trust: Trust | None = None) -> Correspondence:
        """An authority's client on this exchange; its waits move the clock instead of the test."""
        keys = party(authority)
        return self.correspond_with(keys, home, trust or self.trust())

    def correspond_with(self, keys: AuthorityKeys, home: Path, trust: Trust) -> Correspondence:
        exchange = Exchange(self.calls_of(keys.api, keys.authority), check_receipts(trust, keys.authority))
        place = Place(home / keys.authority)
        return Correspondence(keys, trust, exchange, place, clock=lambda: self.now, sleep=self.pass_time)

    def calls_of(self, signer: Any, owner: str) -> Calls:
        return Calls(
            URL,
            sign_calls(signer, owner, lambda: self.now),
            transport=self.transport(),
            patience_s=20,
            sleep=self.pass_time,
            monotonic=lambda: self.now.timestamp(),
        )

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def dump(document: Any) -> bytes:
    return json.dumps(document).encode()


def problem(status: int, error: ComityError, **headers: str) -> httpx2.Response:
    facts = {name: str(value) for name, value in error.facts.items()}
    members = {"type": f"/problems/{error.code}", "title": "", "status": status, "detail": error.sentence()}
    return httpx2.Response(status, json={**members, "code": error.code, "facts": facts}, headers=headers)
