"""A chain of key events, written from `docs/spec/keys.md` as texts: nothing of ours drafts, proves or signs them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from shared.keys.base64url import encode_b64u
from shared.keys.private import Ed25519Signer, MLDSA65Signer, XWingOpener
from tests.vectors.primitives import ed25519, mldsa65, sign_mldsa65, xwing

EXCHANGE = "comity.example/log"
OPERATORS = {name: ed25519(name) for name in ("operator 1", "operator 2", "operator 3")}
USES = ("sign-ed25519", "sign-mldsa65", "seal-xwing", "api-ed25519")
BEGIN, END = "2026-01-01T00:00:00Z", "2027-12-31T00:00:00Z"
SECOND_BEGIN = "2026-06-01T00:00:00Z"
SMALL_ORDER = bytes([1]) + bytes(31)
Key = Ed25519Signer | MLDSA65Signer | XWingOpener


def canonical(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def sign(key: Key, data: bytes) -> bytes:
    if isinstance(key, MLDSA65Signer):
        return sign_mldsa65(key.seed, data)
    assert isinstance(key, Ed25519Signer)
    return key.sign(data)


def key_of(party: str, use: str, generation: int) -> Key:
    label = f"{party}/{use}/{generation}"
    return mldsa65(label) if use == "sign-mldsa65" else xwing(label) if use == "seal-xwing" else ed25519(label)


@dataclass(frozen=True)
class Party:
    id: str
    generation: int = 1

    def key(self, use: str) -> Key:
        return key_of(self.id, use, self.generation)

    def pair(self) -> tuple[Key, Key]:
        return self.key("sign-ed25519"), self.key("sign-mldsa65")

    def entry(
        self, use: str, begin: str = BEGIN, end: str = END, raw: bytes = b"", by: Party | None = None
    ) -> dict[str, Any]:
        public = raw or self.key(use).public
        statement = b"comity-key-pop/1\x00" + "\x00".join((self.id, use, begin, end, "")).encode() + public
        provers = (by or self).pair() if use == "seal-xwing" else ((by or self).key(use),)
        return {
            "use": use,
            "public": encode_b64u(public),
            "not_before": begin,
            "not_after": end,
            "proof": [encode_b64u(sign(prover, statement)) for prover in provers],
        }

    def signatures(self, document: bytes) -> list[dict[str, str]]:
        data = b"comity-key-event/1\x00" + document
        return [{"kid": key.kid(self.id), "sig": encode_b64u(sign(key, data))} for key in self.pair()]


def event_statement(signer: Ed25519Signer | MLDSA65Signer, owner: str, document: bytes) -> dict[str, str]:
    """One signature over an event, as the key's own library makes it."""
    value = signer.sign(b"comity-key-event/1\x00" + document)
    return {"kid": signer.kid(owner), "sig": encode_b64u(value)}


def operators(document: bytes, names: Sequence[str] = ("operator 1", "operator 2")) -> list[dict[str, str]]:
    data = b"comity-key-event/1\x00" + document
    return [{"kid": OPERATORS[name].kid("operator"), "sig": encode_b64u(OPERATORS[name].sign(data))} for name in names]


def signed(document: bytes, signatures: Sequence[Mapping[str, str]]) -> str:
    return canonical({"document": encode_b64u(document), "signatures": list(signatures)}).decode()


def event(type_: str, seq: int, prev: bytes | None, at: str, party: str, **members: Any) -> bytes:
    usual = {
        "v": "comity-key-event/1",
        "type": type_,
        "exchange": EXCHANGE,
        "seq": seq,
        "prev": None if prev is None else encode_b64u(hashlib.sha256(prev).digest()),
        "at": at,
        "party": party,
        "role": None,
        "mandate": None,
        "name": None,
        "country": None,
        "keys": [],
    }
    return canonical({**usual, **members})


MA, BE, AUDITOR, MA2 = Party("MA.PGR"), Party("BE.PF"), Party("MA.AUDIT"), Party("MA.PGR", 2)
NAMES = {"official": "رئاسة النيابة العامة", "languages": {"fr": "Présidence du ministère public"}}


def enrolment(party: Party, **members: Any) -> dict[str, Any]:
    given = {"role": "authority", "name": NAMES, "country": party.id[:2], **members}
    return {"keys": [party.entry(use) for use in USES], **given}


@cache
def chain() -> tuple[tuple[bytes, str], ...]:
    """Each event's document, and the signed document that travels."""
    made: list[tuple[bytes, str]] = []

    def add(type_: str, at: str, party: str, signer: Party | None = None, **members: Any) -> None:
        document = event(type_, len(made) + 1, made[-1][0] if made else None, at, party, **members)
        made.append((document, signed(document, signer.signatures(document) if signer else operators(document))))

    add("enrol", "2026-01-01T00:00:00Z", "MA.PGR", **enrolment(MA))
    add("enrol", "2026-01-01T00:00:00.000001Z", "BE.PF", **enrolment(BE))
    entry = AUDITOR.entry("api-ed25519")
    add("enrol", "2026-01-02T00:00:00Z", "MA.AUDIT", **enrolment(AUDITOR, role="auditor", mandate="full", keys=[entry]))
    renewed = [MA2.entry(use, SECOND_BEGIN) for use in USES]
    add("rotate", "2026-05-20T00:00:00Z", "MA.PGR", MA, keys=renewed)
    add("suspend", "2026-06-10T00:00:00Z", "BE.PF")
    add("reinstate", "2026-06-11T00:00:00Z", "BE.PF")
    recovered = [Party("BE.PF", 2).entry(use, "2026-06-12T00:00:00Z") for use in USES]
    add("recover", "2026-06-12T00:00:00Z", "BE.PF", keys=recovered)
    stolen = {"kids": [MA.key("sign-ed25519").kid("MA.PGR")], "since": "2026-06-04T00:00:00Z"}
    add("compromise", "2026-06-13T00:00:00Z", "MA.PGR", compromise=stolen)
    again = [Party("BE.PF", 3).entry(use, "2026-06-13T00:00:00Z") for use in USES]
    add("rotate", "2026-06-13T00:00:00Z", "BE.PF", Party("BE.PF", 2), keys=again)
    return tuple(made)
