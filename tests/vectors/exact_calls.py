"""Signed calls, receipts and statements about the directory, written from `docs/spec/api-signatures.md` as texts:
nothing of ours signs them.

Each refused call is rightly signed but for what its name says, so that a verifier which does not look there accepts it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.keys.base64url import encode_b64u
from tests.vectors.primitives import drawn, ed25519

CREATED = 1_795_338_000
NOW = "2026-11-22T09:00:05.000000Z"
ORIGIN = "https://exchange.example"
BODY = b'{"jws":{}}'
TYPE = "application/vnd.comity.message+json"
SIGNER = ed25519("MA.PGR/api")
KEYID = SIGNER.kid("MA.PGR")
GATEWAY = ed25519("exchange/gateway receipts")
_GATEWAY_KEY = {
    "seed": encode_b64u(GATEWAY.seed),
    "public": encode_b64u(GATEWAY.public),
    "kid": GATEWAY.kid("exchange/gateway"),
}
ALWAYS = ('"@method"', '"@authority"', '"@target-uri"')
CONTENT = ('"content-type"', '"content-digest"')


def digest_field(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


@dataclass(frozen=True)
class CallText:
    """One call to sign, each member as the profile wants it unless it is given."""

    method: str = "GET"
    url: str = f"{ORIGIN}/v1/feed?after=a%2Fb&wait=5"
    body: bytes = b""
    covered: tuple[str, ...] = ()
    changes: Mapping[str, str | None] = field(default_factory=dict)
    label: str = "comity"
    order: tuple[str, ...] = ("created", "keyid", "alg", "expires", "nonce", "tag")
    digest: str = ""
    authority: str = "exchange.example"

    def parameters(self) -> str:
        usual = {
            "created": str(CREATED),
            "keyid": f'"{KEYID}"',
            "alg": '"ed25519"',
            "expires": str(CREATED + 60),
            "nonce": f'"{encode_b64u(drawn(self.method + self.url, 16))}"',
            "tag": '"comity-v1"',
        }
        given = {**usual, **self.changes}
        names = [*self.order, *(name for name in given if name not in self.order)]
        return "".join(f";{name}={given[name]}" for name in names if given[name] is not None)

    def components(self) -> tuple[str, ...]:
        return self.covered or (ALWAYS + CONTENT if self.body else ALWAYS)

    def base(self) -> str:
        values = {
            '"@method"': self.method,
            '"@authority"': self.authority,
            '"@target-uri"': self.url,
            '"content-type"': TYPE,
            '"content-digest"': self.digest or digest_field(self.body),
            '"@path"': "/v1/feed",
        }
        lines = [f"{name}: {values[name]}" for name in self.components()]
        return "\n".join([*lines, f'"@signature-params": {self.listed()}'])

    def listed(self) -> str:
        return f"({' '.join(self.components())}){self.parameters()}"

    def signature(self) -> bytes:
        return SIGNER.sign(self.base().encode())

    def headers(self) -> dict[str, str]:
        content = {"Content-Type": TYPE, "Content-Digest": self.digest or digest_field(self.body)} if self.body else {}
        return {
            **content,
            "Signature-Input": f"{self.label}={self.listed()}",
            "Signature": f"{self.label}=:{base64.b64encode(self.signature()).decode()}:",
        }

    def document(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "url": self.url,
            "headers": self.headers(),
            "body": self.body.decode(),
            "now": NOW,
        }


GOOD = {
    "a read": CallText(),
    "a submission": CallText("POST", f"{ORIGIN}/v1/messages", BODY),
    "components and parameters in another order": CallText(
        "POST",
        f"{ORIGIN}/v1/messages",
        BODY,
        covered=tuple(reversed(ALWAYS + CONTENT)),
        order=("tag", "nonce", "expires", "alg", "keyid", "created"),
    ),
    "behind a path prefix": CallText(url=f"{ORIGIN}/comity/v1/authorities"),
    "on another port": CallText(url="http://127.0.0.1:8470/v1/authorities", authority="127.0.0.1:8470"),
}
_POST = ("POST", f"{ORIGIN}/v1/messages", BODY)
REFUSED: dict[str, tuple[str, CallText]] = {
    "the tag is another": ("call.unsigned", CallText(changes={"tag": '"other-v1"'})),
    "no keyid": ("call.key-unknown", CallText(changes={"keyid": None})),
    "the key of another": ("call.key-unknown", CallText(changes={"keyid": f'"{SIGNER.kid("BE.PF")}"'})),
    "the label is another": ("call.signature-invalid", CallText(label="sig1")),
    "no nonce": ("call.signature-invalid", CallText(changes={"nonce": None})),
    "a short nonce": ("call.signature-invalid", CallText(changes={"nonce": '"abc"'})),
    "no alg": ("call.signature-invalid", CallText(changes={"alg": None})),
    "another alg": ("call.signature-invalid", CallText(changes={"alg": '"hmac-sha256"'})),
    "a parameter more": ("call.signature-invalid", CallText(changes={"x": '"y"'})),
    "created as a text": ("call.signature-invalid", CallText(changes={"created": f'"{CREATED}"'})),
    "a life of 61 s": ("call.signature-invalid", CallText(changes={"expires": str(CREATED + 61)})),
    "no life": ("call.signature-invalid", CallText(changes={"expires": str(CREATED)})),
    "no target covered": ("call.signature-invalid", CallText(covered=ALWAYS[:2])),
    "the path covered too": ("call.signature-invalid", CallText(covered=(*ALWAYS, '"@path"'))),
    "a component twice": ("call.signature-invalid", CallText(covered=(*ALWAYS, '"@method"'))),
    "its content not covered": ("call.signature-invalid", CallText(*_POST, covered=ALWAYS)),
    "the digest of another body": ("call.digest-mismatch", CallText(*_POST, digest=digest_field(b"{}"))),
    "a digest in another form": ("call.digest-mismatch", CallText(*_POST, digest=digest_field(BODY) + ";x=1")),
    "too old": ("call.clock-skew", CallText(changes={"created": str(CREATED - 120), "expires": str(CREATED - 60)})),
    "from the future": (
        "call.clock-skew",
        CallText(changes={"created": str(CREATED + 30), "expires": str(CREATED + 60)}),
    ),
}


def files() -> dict[str, object]:
    return {
        "calls/calls.json": _calls(),
        "calls/receipt.json": _receipt(),
        "calls/directory-statement.json": _directory_statements(),
    }


def _calls() -> dict[str, Any]:
    return {
        "seed": encode_b64u(SIGNER.seed),
        "keyid": KEYID,
        "public": encode_b64u(SIGNER.public),
        "accepted": [
            {
                "name": name,
                **one.document(),
                "signature_base": one.base(),
                "text": f"{one.base()}\nsignature: {encode_b64u(one.signature())}",
            }
            for name, one in GOOD.items()
        ],
        "refused": [{"name": name, "code": code, **one.document()} for name, (code, one) in REFUSED.items()],
    }


def _receipt() -> dict[str, Any]:
    payload = {
        "decide_by": "2026-11-22T10:00:00.000000Z",
        "envelope_sha256": encode_b64u(hashlib.sha256(b"an envelope").digest()),
        "exchange": "comity.example/log",
        "message": "019aaa00-0000-7000-8000-000000000001",
        "received_at": "2026-11-22T09:00:00.000000Z",
        "sender": "MA.PGR",
    }
    return {**_GATEWAY_KEY, "members": payload, "receipt": _compact("comity-receipt", payload)}


def _compact(typ: str, payload: Mapping[str, Any]) -> str:
    protected = {"alg": "Ed25519", "kid": _GATEWAY_KEY["kid"], "typ": typ}
    pieces = [encode_b64u(json.dumps(one, separators=(",", ":")).encode()) for one in (protected, payload)]
    signed = ".".join(pieces)
    return f"{signed}.{encode_b64u(GATEWAY.sign(signed.encode()))}"


def _directory_statements() -> dict[str, Any]:
    """Accepted, and refused: each rightly signed but for what its name says."""
    time = "2026-11-22T09:00:00.000000Z"
    head = encode_b64u(hashlib.sha256(b"a key event").digest())
    right: dict[str, Any] = {
        "at": time,
        "exchange": "comity.example/log",
        "head": head,
        "index": 7,
        "registry": 3,
        "registry_digest": encode_b64u(hashlib.sha256(b"a registry").digest()),
    }
    none: dict[str, Any] = {**right, "head": None, "index": 0, "registry": 0, "registry_digest": None}
    typ = "comity-directory"
    refused = {
        "a receipt's type": _compact("comity-receipt", right),
        "a member more": _compact(typ, {**right, "newest": True}),
        "no head": _compact(typ, {name: right[name] for name in right if name != "head"}),
        "no registry": _compact(typ, {name: right[name] for name in ("at", "exchange", "head", "index")}),
        "a digest before the first registry": _compact(typ, {**right, "registry": 0}),
        "a null digest of registry 3": _compact(typ, {**right, "registry_digest": None}),
        "the registry is a text": _compact(typ, {**right, "registry": "3"}),
        "a head before the first event": _compact(typ, {**right, "index": 0}),
        "a null head of event 7": _compact(typ, {**right, "head": None}),
        "the index is a text": _compact(typ, {**right, "index": "7"}),
        "the index is true": _compact(typ, {**right, "index": True}),
        "the index is negative": _compact(typ, {**right, "index": -1}),
        "the time has no microseconds": _compact(typ, {**right, "at": "2026-11-22T09:00:00Z"}),
        "members in another order": _compact(typ, dict(reversed(right.items()))),
        "the signature of another statement": ".".join(
            [*_compact(typ, right).split(".")[:2], _compact(typ, none).split(".")[2]]
        ),
    }
    return {
        **_GATEWAY_KEY,
        "accepted": [{"members": one, "statement": _compact(typ, one)} for one in (right, none)],
        "refused": [{"name": name, "statement": text} for name, text in refused.items()],
    }
