"""Calls signed by one key: as the profile wants them, or changed, or signed with a freedom that it takes away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ED25519

from shared.apisig.profile import covered_components
from shared.apisig.sign import sign_request
from shared.apisig.verify import VerifiedCall, verify_request
from shared.keys.private import Ed25519Signer, generate_ed25519

NOW = datetime(2026, 11, 22, 9, 0, 0, tzinfo=UTC)
URL = "https://exchange.example/v1/messages?wait=5&after=a%2Fb"
BODY = b'{"jws":{}}'
TYPE = "application/vnd.comity.message+json"
SECOND = timedelta(seconds=1)

SIGNER = generate_ed25519()
KEYID = SIGNER.kid("MA.PGR")
KEYS = {KEYID: SIGNER.public_key()}


@dataclass
class Call:
    """A signed call, and its verification."""

    method: str = "POST"
    url: str = URL
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = BODY

    def verify(self, now: datetime = NOW, **limits: int) -> VerifiedCall:
        return verify_request(self.method, self.url, self.headers, self.body, KEYS.get, now, **limits)


def a_call(method: str = "POST", url: str = URL, body: bytes = BODY, signer: Ed25519Signer = SIGNER) -> Call:
    headers = sign_request(method, url, body, TYPE if body else None, signer, KEYID, NOW)
    return Call(method, url, headers, body)


def proof_of_asking(path: str, party: str, signer: Ed25519Signer, now: datetime = NOW) -> str:
    """The text of a call that reads what is there, as an evidence keeps it."""
    url, kid = f"https://exchange.example{path}", signer.kid(party)
    headers = sign_request("GET", url, b"", None, signer, kid, now)
    return verify_request("GET", url, headers, b"", {kid: signer.public_key()}.get, now).signature_text


def changed(call: Call, name: str, edit: Callable[[str], str]) -> Call:
    assert edit(call.headers[name]) != call.headers[name], "the edit must change something"
    return Call(call.method, call.url, {**call.headers, name: edit(call.headers[name])}, call.body)


@dataclass
class Outgoing:
    method: str
    url: str
    headers: dict[str, str]


def loosely_signed(  # each argument is one freedom that RFC 9421 gives and the profile takes away
    *,
    covered: tuple[str, ...] = covered_components(True),
    label: str = "comity",
    tag: str = "comity-v1",
    nonce: str | None = "AAAAAAAAAAAAAAAAAAAAAA",
    life: timedelta | None = 60 * SECOND,
    include_alg: bool = True,
    digest: str | None = None,
    keyid: str = KEYID,
) -> Call:
    call = a_call()
    headers = {"Content-Type": TYPE, "Content-Digest": digest or call.headers["Content-Digest"]}
    out = Outgoing("POST", URL, headers)
    own = Ed25519PrivateKey.from_private_bytes(SIGNER.seed)
    signer = HTTPMessageSigner(
        signature_algorithm=ED25519, key_resolver=MappingKeyResolver(public_keys={}, private_keys={keyid: own})
    )
    signer.sign(
        out,
        key_id=keyid,
        created=NOW,
        expires=NOW + life if life is not None else None,
        nonce=nonce,
        label=label,
        tag=tag,
        include_alg=include_alg,
        covered_component_ids=covered,
        use_existing_digest=True,
    )
    return Call(headers=out.headers)
