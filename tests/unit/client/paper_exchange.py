"""An exchange in a dictionary: it answers the real API, decides by intake's own policy, and can be told to lie.

It stands in for gateway, services and ledger behind `httpx2.MockTransport`, so that clients are tested against a
counterparty and not against mocks of themselves. Calls are verified as the gateway verifies them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from client.callers import check_receipts, sign_calls
from client.correspondence import Correspondence, Place
from client.exchange import Exchange
from client.http_calls import Calls
from client.signing import AuthorityKeys
from gateway.views import dossier_answer
from shared.apisig.verify import VerifiedCall, verify_request
from shared.audit.leaves import parse_entry
from shared.audit.proofs import TlogProof, encode_proof
from shared.audit.tree import prove_inclusion
from shared.contracts.api import STAMP_PAGE
from shared.contracts.records import LegRecord
from shared.domain.calendars import NO_CALENDARS
from shared.domain.dossier import encode_leg
from shared.domain.ids import encode_time
from shared.domain.leg import Leg
from shared.envelope.container import ReceivedEnvelope, parse_submission
from shared.errors import CallNotPermitted, ComityError, NotThere, PartPruned
from shared.keys.base64url import encode_b64u
from shared.keys.public import Ed25519Public
from shared.keys.trust import Trust
from shared.ports.queries import DossierView
from tests.unit.client.paper_services import Feed, PaperServices
from tests.unit.envelope.workshop import party

URL = "https://comity.example"


@dataclass
class PaperExchange(PaperServices):
    """Takes what is submitted and answers what is asked, unless it is told to fail, to lose or to alter."""

    failures: list[httpx2.Response | Exception] = field(default_factory=list)
    """Answered, one per call, before anything else happens."""
    lost_answers: int = 0
    """So many submissions are taken, and their answers get lost on the way back."""
    decides: bool = True
    undecided: list[ReceivedEnvelope] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    pruned: dict[str, dict[str, object]] = field(default_factory=dict)
    """What is told of messages whose sealed parts are gone; `leaf_index` stands for the proof."""
    stamps: list[dict[str, Any]] = field(default_factory=list)
    """Time-stamps that it keeps, by the sizes of their trees."""
    stamp_page: int = STAMP_PAGE
    tamper: Callable[[str, bytes], bytes] = lambda path, body: body

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
        if path == "/v1/authorities/statement":
            return 200, dump({"statement": self.statement()})
        if path == "/v1/key-events":
            if request.method == "POST":
                self.admit_event(request.content)
                return 202, b""
            return 200, self._places(int(request.url.params.get("after", 0)))
        if path == "/v1/operator/instruments":
            self.publish(request.content)
            return 202, b""
        if path == "/v1/instruments" and self.registry:
            return 200, self.registry
        if named := re.fullmatch(r"/v1/messages/([^/]+)", path):
            return 200, self._fetch(caller, named[1], call)
        if (named := re.fullmatch(r"/v1/messages/([^/]+)/decision", path)) and named[1] in self.decisions:
            return 200, dump(self.decisions[named[1]])
        if named := re.fullmatch(r"/v1/messages/([^/]+)/parts/(\w+)", path):
            if named[1] in self.pruned:
                raise PartPruned(**self._pruned(named[1]))
            return 200, self.parts[f"{named[1]}/{named[2]}"]
        if named := re.fullmatch(r"/v1/messages/([^/]+)/evidences", path):
            return 200, self._evidences(named[1])
        if (named := re.fullmatch(r"/v1/dossiers/([^/]+)", path)) and self._legs_of(named[1], caller):
            return 200, dump(self._dossier(named[1], caller))
        if path == "/v1/dossiers":
            return 200, self._dossiers(caller, request.url.params.get("after"))
        if path == "/v1/audit/dossiers":
            if not self.is_auditor(caller):
                raise CallNotPermitted()
            return 200, self._dossiers(None, request.url.params.get("after"))
        if path == "/log/stamps":
            found = [one for one in self.stamps if one["size"] >= int(request.url.params["size"])]
            return 200, dump({"items": found[: self.stamp_page]})
        if path.startswith("/log/tile/entries/") and not self.is_auditor(caller):
            raise CallNotPermitted()
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
        kids = [] if received is None else [kid for kid in received.wraps if kid.startswith(f"{caller}#")]
        if received is None or not (kids or self._holds(caller, received)):
            raise NotThere()
        kid = kids[0] if kids else None
        told = [(kind, recipient) for kind, recipient, _ in self.evidences.get(message, [])]
        if kid and caller != received.header.sender and ("retrieval", caller) not in told:
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
                "wrap": encode_b64u(received.wraps[kid]) if kid else None,
                "parts": [{"name": one.name, "sha256": one.ct_sha256, "size": one.ct_len} for one in manifest.parts],
                "delivered_at": self.decisions[message]["decided_at"],
            }
        )

    def _holds(self, caller: str, received: ReceivedEnvelope) -> bool:
        """Whether a leg was handed to the caller, to which this message belongs."""
        held = [leg for (of, _), leg in self.legs.items() if of == received.header.dossier and leg.takes_part]
        return any(leg.holder == caller and received.header.leg in (None, leg.requested) for leg in held)

    def _evidences(self, message: str) -> bytes:
        items = []
        told = list(self.evidences.get(message, []))
        if decided := self.decisions.get(message):
            kind = "submission-acceptance" if decided["decision"] == "accepted" else "submission-rejection"
            told.insert(0, (kind, self.senders[message], decided["leaf_index"]))
        for kind, recipient, index in told:
            proof = self._prove(index)
            at = encode_time(parse_entry(self.log.entries[index])[1].at)
            place = {"kind": kind, "recipient": recipient, "at": at, "leaf_index": index}
            items.append({**place, "proof": proof})
        return dump({"message": message, "items": items})

    def _prove(self, index: int) -> str:
        size = len(self.log.entries)
        hashes = tuple(prove_inclusion(index, size, self.log.reader(size)))
        return encode_proof(TlogProof(index, hashes, self.log.files["checkpoint"], self.log.entries[index])).decode()

    def _pruned(self, message: str) -> dict[str, object]:
        told = dict(self.pruned[message])
        index = told.pop("leaf_index")
        return told if index is None else {**told, "proof": self._prove(int(str(index)))}

    def _places(self, after: int) -> bytes:
        size, items = len(self.log.entries), []
        for seq, index in list(self.places.items())[after : after + 3]:
            proof = None
            if index < size:
                proof = self._prove(index)
            items.append({"seq": seq, "leaf_index": index, "proof": proof})
        return dump({"items": items})

    def is_auditor(self, caller: str) -> bool:
        known = self.directory.party(caller)
        return known is not None and known.role == "auditor"

    def _legs_of(self, dossier: str, caller: str) -> list[Leg]:
        return [leg for (of, _), leg in self.legs.items() if of == dossier and leg.side_of(caller)]

    def _dossier(self, dossier: str, caller: str | None) -> dict[str, Any]:
        """By the gateway's own rules; all legs for nobody in particular."""
        legs = [leg for (of, _), leg in self.legs.items() if of == dossier and (not caller or leg.side_of(caller))]
        records = [
            LegRecord(leg.dossier, leg.requested, leg.requesting, leg.version, encode_leg(leg), self.now)
            for leg in sorted(legs, key=lambda leg: leg.requested)
        ]
        first = legs[0]
        transport = {leg.requested: self.how_far(leg.original, leg.requested) for leg in legs}
        view = DossierView(dossier, first.requesting, first.profile, first.opened_at, records, transport)
        return dossier_answer(view, self.now, NO_CALENDARS).model_dump(mode="json")

    def _dossiers(self, caller: str | None, after: str | None) -> bytes:
        """Two a page, newest first; the cursor is the last one's id."""
        named = {of for (of, _), leg in self.legs.items() if not caller or leg.side_of(caller)}
        left = sorted((one for one in named if after is None or one < after), reverse=True)
        page, more = left[:2], left[2:]
        return dump({"items": [self._dossier(one, caller) for one in page], "next": page[-1] if more else None})

    def keep_stamp(self, token: bytes, authority: str = "tsa.example") -> None:
        """Over the tree as it is."""
        self.stamps.append({"size": len(self.log.entries), "authority": authority, "token": encode_b64u(token)})

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


def dump(document: Any) -> bytes:
    return json.dumps(document).encode()


def problem(status: int, error: ComityError, **headers: str) -> httpx2.Response:
    facts = {name: str(value) for name, value in error.facts.items()}
    members = {"type": f"/problems/{error.code}", "title": "", "status": status, "detail": error.sentence()}
    return httpx2.Response(status, json={**members, "code": error.code, "facts": facts}, headers=headers)
