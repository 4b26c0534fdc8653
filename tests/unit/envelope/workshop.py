"""Where envelopes are made by hand: fixed parties, valid envelopes, and forgeries that change any step before the next.

A `Forgery` follows `docs/spec/envelope.md` by itself, without `seal_message`, so that it can do what that refuses.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography.cobblestone import Cobblestone256Encryptor

from client.opening import OpenedMessage, open_message
from client.sealing import Attachment, SealedMessage, derive_key_commit, derive_part_key, seal_message
from client.signing import WRAP_SUITE, AuthorityKeys, SoftwareOpener
from shared.domain.header import Header, parse_header
from shared.envelope.container import ReceivedEnvelope, parse_submission
from shared.envelope.encoding import digest_of, header_context, part_context, wrap_info
from shared.envelope.padding import pad_part
from shared.envelope.signed_text import SigningKey
from shared.envelope.verify import VerifiedEnvelope, verify_envelope
from shared.errors import ComityError
from shared.keys.base64url import encode_b64u
from shared.keys.custody import Signer
from shared.keys.private import Ed25519Signer, MLDSA65Signer, XWingOpener
from shared.keys.public import XWingPublic, parse_ed25519, parse_mldsa65, parse_xwing

EXCHANGE = "comity.example/log"
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
PARTIES = ("MA.PGR", "BE.PF", "FR.BEPI", "ES.SGCJI")
FIXED_SECRET = hashlib.sha256(b"a secret that everybody knows").digest()


@cache
def party(authority: str) -> AuthorityKeys:
    """The same keys in every run, so that checked-in vectors stay readable."""

    def seed(use: str) -> bytes:
        return hashlib.sha256(f"{authority}/{use}".encode()).digest()

    return AuthorityKeys(
        authority=authority,
        ed25519=Ed25519Signer(seed("sign-ed25519")),
        mldsa65=MLDSA65Signer(seed("sign-mldsa65")),
        sealing=SoftwareOpener(XWingOpener(seed("seal-xwing"))),
        api=Ed25519Signer(seed("api-ed25519")),
    )


@cache
def _public(authority: str) -> tuple[SigningKey, SigningKey, XWingPublic]:
    keys = party(authority)
    return parse_ed25519(keys.ed25519.public), parse_mldsa65(keys.mldsa65.public), parse_xwing(keys.sealing.public)


def signing_keys_of(*authorities: str) -> dict[str, SigningKey]:
    keys = [key for authority in authorities for key in _public(authority)[:2]]
    kids = [kid for authority in authorities for kid in party(authority).signing_kids]
    return dict(zip(kids, keys, strict=True))


def sealing_kids_of(*authorities: str) -> dict[str, str]:
    return {authority: party(authority).sealing_kid for authority in authorities}


def sealing_keys_of(*authorities: str) -> dict[str, XWingPublic]:
    return {authority: _public(authority)[2] for authority in authorities}


def header_document(**changes: Any) -> dict[str, Any]:
    """A letter rogatory from Rabat to Brussels and Paris, as JSON members."""
    document: dict[str, Any] = {
        "v": 1,
        "suite": "comity-env/1",
        "exchange": EXCHANGE,
        "id": "019aaa00-0000-7000-8000-000000000001",
        "dossier": "019aaa00-0000-7000-8000-0000000000d0",
        "profile": "mla-request",
        "kind": "request",
        "sender": "MA.PGR",
        "recipients": ["BE.PF", "FR.BEPI"],
        "leg": None,
        "measures": {"M1": "bank-data"},
        "basis": {
            "BE.PF": {"primary": "ma-be-1997", "cited": ["untoc"], "group": None},
            "FR.BEPI": {"primary": "ma-fr-2008", "cited": [], "group": None},
        },
        "urgency": "routine",
        "handling": [],
        "in_reply_to": None,
        "seen": None,
        "sent_at": "2026-11-22T09:29:00Z",
        "expires_at": "2026-12-06T09:29:00Z",
        "required_sigs": ["Ed25519", "ML-DSA-65"],
        "act": {"deadline": "2027-01-31"},
    }
    return {**document, **changes}


def make_header(**changes: Any) -> Header:
    return parse_header(json.dumps(header_document(**changes)).encode())


CONTENT = {"summary": "Faits à établir — وقائع", "measures": [{"id": "M1", "custodian": "Banque de démonstration"}]}
ATTACHMENTS = (
    Attachment("commission rogatoire.pdf", "application/pdf", b"%PDF-1.7 demonstration"),
    Attachment("ترجمة.txt", "text/plain", "نص".encode()),
)


def seal(
    content: Mapping[str, Any] = CONTENT, attachments: Sequence[Attachment] = ATTACHMENTS, **changes: Any
) -> SealedMessage:
    header = make_header(**changes)
    return seal_message(header, content, attachments, party(header.sender), sealing_keys_of(*header.recipients))


def verify(received: ReceivedEnvelope, **changes: Any) -> VerifiedEnvelope:
    arguments: dict[str, Any] = {
        "exchange": EXCHANGE,
        "now": NOW,
        "signing_keys": signing_keys_of(*PARTIES),
        "sealing_kids": sealing_kids_of(*PARTIES),
    }
    return verify_envelope(received, **{**arguments, **changes})


def open_as(authority: str, received: ReceivedEnvelope, **changes: Any) -> OpenedMessage:
    keys = party(authority)
    arguments: dict[str, Any] = {
        "opener": keys.sealing,
        "own_kid": keys.sealing_kid,
        "exchange": EXCHANGE,
        "now": NOW,
        "signing_keys": signing_keys_of(*PARTIES),
        "sealing_kids": sealing_kids_of(*PARTIES),
    }
    return open_message(received, **{**arguments, **changes})


def read(submission: bytes, now: datetime = NOW, reader: str = "BE.PF") -> OpenedMessage:
    """All that stands between a submission and its content: parse, verify as the exchange does, open as a recipient."""
    received = parse_submission(submission)
    verify(received, now=now)
    return open_as(reader, received, now=now)


def refusal_of(submission: bytes, now: datetime = NOW) -> tuple[str, ComityError | None]:
    """The stage that a submission reaches (parse, verify, open, or opened) and what refuses it there."""
    stage = "parse"
    try:
        received = parse_submission(submission)
        stage = "verify"
        verify(received, now=now)
        stage = "open"
        open_as("BE.PF", received, now=now)
    except ComityError as refused:
        return stage, refused
    return "opened", None


@dataclass
class Forgery:
    """`seal`, then `sign`, then `submission`; whatever is changed in between is what the next step works on."""

    header: dict[str, Any] = field(default_factory=header_document)
    secret: bytes = FIXED_SECRET
    signers: tuple[AuthorityKeys, AuthorityKeys] = field(default_factory=lambda: (party("MA.PGR"), party("MA.PGR")))
    attachments: Sequence[Attachment] = ATTACHMENTS
    padded: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, bytes] = field(default_factory=dict)
    wraps: dict[str, bytes] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)
    jws: dict[str, Any] = field(default_factory=dict)
    context: bytes = b""

    def seal(self, body: dict[str, Any] | None = None, secrets_of: Mapping[str, bytes] | None = None) -> Forgery:
        """Parts, wraps and manifest. `secrets_of` gives some authorities another secret than the others."""
        raw = json.dumps(self.header, ensure_ascii=False).encode()
        self.context = header_context(raw)
        plaintexts = {"body": json.dumps(body or self.body()).encode()}
        plaintexts |= {f"p{index}": one.data for index, one in enumerate(self.attachments, start=1)}
        padded = {name: self.padded.get(name, pad_part(data)) for name, data in plaintexts.items()}
        self.parts = {name: self.seal_part(name, text) for name, text in padded.items()}
        for authority in (*self.header["recipients"], self.header["sender"]):
            secret = (secrets_of or {}).get(authority, self.secret)
            keys = party(authority)
            kid, public = keys.sealing_kid, _public(authority)[2]
            self.wraps[kid] = WRAP_SUITE.encrypt(secret, public.hpke_key, wrap_info(self.context, kid))
        self.manifest = {"header": encode_b64u(raw), "key_commit": encode_b64u(self.commit(self.secret))}
        return self.list_parts()

    def body(self) -> dict[str, Any]:
        entries = [
            {"part": f"p{index}", "name": one.name, "media_type": one.media_type, "size": len(one.data)}
            | {"sha256": digest_of(one.data)}
            for index, one in enumerate(self.attachments, start=1)
        ]
        return {
            "v": 1,
            "kind": self.header["kind"],
            "act": self.header["act"],
            "content": CONTENT,
            "attachments": entries,
        }

    def commit(self, secret: bytes) -> bytes:
        return derive_key_commit(secret, self.context)

    def seal_part(self, name: str, padded: bytes, secret: bytes | None = None) -> bytes:
        key = derive_part_key(secret or self.secret, self.context, name)
        encryptor = Cobblestone256Encryptor(key, part_context(self.context, name))
        return encryptor.update(padded) + encryptor.finalize()

    def list_parts(self) -> Forgery:
        """The manifest's lists, from the parts and wraps as they are now."""
        self.manifest["parts"] = [
            {"name": name, "ct_sha256": digest_of(ct), "ct_len": len(ct)} for name, ct in self.parts.items()
        ]
        self.manifest["recipients"] = [{"kid": kid, "wrap_sha256": digest_of(wrap)} for kid, wrap in self.wraps.items()]
        return self

    def sign(self, protected: Mapping[str, Mapping[str, Any]] | None = None, payload: bytes | None = None) -> Forgery:
        """The JWS; `protected` adds to or replaces members of the protected header of one algorithm."""
        text = encode_b64u(payload or json.dumps(self.manifest).encode())
        first, second = self.signers
        signatures = []
        pairs: tuple[tuple[str, Signer, str], ...] = (
            ("Ed25519", first.ed25519, first.signing_kids[0]),
            ("ML-DSA-65", second.mldsa65, second.signing_kids[1]),
        )
        for alg, signer, kid in pairs:
            members = {"alg": alg, "kid": kid, "typ": "comity-env-1+jws", **(protected or {}).get(alg, {})}
            head = encode_b64u(json.dumps(members, separators=(",", ":")).encode())
            signatures.append({"protected": head, "signature": encode_b64u(signer.sign(f"{head}.{text}".encode()))})
        self.jws = {"payload": text, "signatures": signatures}
        return self

    def document(self) -> dict[str, Any]:
        return {
            "jws": self.jws,
            "wraps": [{"kid": kid, "wrap": encode_b64u(wrap)} for kid, wrap in self.wraps.items()],
            "parts": [{"name": name, "ct": encode_b64u(ct)} for name, ct in self.parts.items()],
        }

    def submission(self) -> bytes:
        return json.dumps(self.document()).encode()


def forge(**changes: Any) -> Forgery:
    """A forgery with these header members, sealed and signed: valid unless it is changed further."""
    return Forgery(header=header_document(**changes)).seal().sign()


def later(days: int) -> datetime:
    return NOW + timedelta(days=days)
