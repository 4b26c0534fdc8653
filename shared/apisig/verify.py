"""Verifying a call, on the exchange's side.

The steps, in order, and what each raises:
(1) the call carries a signature tagged comity-v1 (CallUnsigned), in fields of bounded size (CallSignatureInvalid)
(2) the resolver knows the key (CallKeyUnknown)
(3) no other signature carries our tag; parameters and covered components are exactly the profile's
    (CallSignatureInvalid)
(4) the Ed25519 signature verifies over the RFC 9421 signature base (CallSignatureInvalid)
(5) created and expires are near the exchange's clock (CallClockSkew)
(6) the body has the signed digest (CallDigestMismatch)
Steps (1) to (5) need the header alone (`verify_call`): who called is proven before a byte of the body is read. Step (6)
is `verify_body`.

It remembers no call, nor does it ask whether the caller may make this one: the gateway does both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature

from shared.apisig.profile import (
    CONTENT_COVERED,
    LABEL,
    LIFE_S,
    MAX_FIELD_CHARS,
    SKEW_S,
    TAG,
    ResolveKey,
    content_digest,
    fault_in_coverage,
    fault_in_parameters,
    moment,
)
from shared.apisig.request_text import signed_request_text
from shared.apisig.signature_fields import parse_members, parse_signature, parse_signature_input, signature_base
from shared.domain.ids import encode_time
from shared.errors import (
    CallClockSkew,
    CallDigestMismatch,
    CallKeyUnknown,
    CallSignatureInvalid,
    CallUnsigned,
)

_SIGNATURE_FIELDS = ("signature-input", "signature")
_READ_FIELDS = frozenset({*_SIGNATURE_FIELDS, "content-type", "content-digest"})


@dataclass(frozen=True, slots=True)
class VerifiedCall:
    """Who signed this call, and when. `signature_text` is the proof to keep (see `request_text`).

    `content_digest` is the Content-Digest that was signed, None for a call that was signed without a body.
    """

    keyid: str
    nonce: str
    created: datetime
    expires: datetime
    signature: bytes
    signature_text: str
    content_digest: str | None


def verify_request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    resolve_key: ResolveKey,
    now: datetime,
    max_age_s: int = LIFE_S,
    skew_s: int = SKEW_S,
) -> VerifiedCall:
    """The call's signer, by steps (1) to (6), where the body is there already."""
    call = verify_call(method, url, headers, bool(body), resolve_key, now, max_age_s, skew_s)
    verify_body(call, body)
    return call


def verify_call(
    method: str,
    url: str,
    headers: Mapping[str, str],
    has_body: bool,
    resolve_key: ResolveKey,
    now: datetime,
    max_age_s: int = LIFE_S,
    skew_s: int = SKEW_S,
) -> VerifiedCall:
    """The call's signer, by steps (1) to (5): proven by the header, whatever the body will be.

    `has_body` is whether this call carries one: only then its content is covered. `url` is the configured public
    origin, then path and query as received; never the Host header. `headers.items()` may give a name several times and
    in any case. `resolve_key` gives the key that a keyid names now, or None.
    """
    fields = _read_fields(headers)
    member, signature_member = _our_signature(fields)  # (1), (3)
    try:
        given = parse_signature_input(member)
        keyid = str(given.parameters.get("keyid", ""))
        key = resolve_key(keyid)  # (2)
        if key is None:
            raise CallKeyUnknown(kid=keyid)
        fault = fault_in_parameters(given.parameters) or fault_in_coverage(given.components, has_body)  # (3)
        if fault is not None:
            raise CallSignatureInvalid(why=fault)
        base = signature_base(given, method, url, {name: fields[name] for name in CONTENT_COVERED if name in fields})
        signature = parse_signature(signature_member)
        key.verify(signature, base)  # (4)
    except InvalidSignature:
        raise CallSignatureInvalid(why="it is not of this key over this call") from None
    except ValueError as malformed:  # a UnicodeEncodeError is one
        raise CallSignatureInvalid(why=malformed) from None
    created, expires = _require_time(given.parameters, now, max_age_s, skew_s)  # (5)
    return VerifiedCall(
        keyid=keyid,
        nonce=str(given.parameters["nonce"]),
        created=created,
        expires=expires,
        signature=signature,
        signature_text=signed_request_text(base, signature),
        content_digest=fields["content-digest"] if has_body else None,
    )


def verify_body(call: VerifiedCall, body: bytes) -> None:
    """(6) Raises CallDigestMismatch."""
    if call.content_digest != (content_digest(body) if body else None):
        raise CallDigestMismatch


def _read_fields(headers: Mapping[str, str]) -> dict[str, str]:
    """The header fields that matter: what stands twice is joined, so that neither value hides the other."""
    fields: dict[str, str] = {}
    for given, value in headers.items():
        name = given.lower()
        if name in _READ_FIELDS:
            stripped = value.strip(" \t")
            fields[name] = f"{fields[name]}, {stripped}" if name in fields else stripped
    return fields


def _our_signature(fields: Mapping[str, str]) -> tuple[str, str]:
    """The members of Signature-Input and Signature under our label, the one with our tag. Raises CallUnsigned,
    CallSignatureInvalid."""
    for name in _SIGNATURE_FIELDS:
        if len(fields.get(name, "")) > MAX_FIELD_CHARS:
            raise CallSignatureInvalid(why=f"the field {name} has more than {MAX_FIELD_CHARS} characters")
    if f'tag="{TAG}"' not in fields.get("signature-input", "") or not fields.get("signature"):
        raise CallUnsigned
    try:
        inputs, signatures = (parse_members(fields[name]) for name in _SIGNATURE_FIELDS)
    except ValueError as malformed:
        raise CallSignatureInvalid(why=malformed) from None
    if [label for label, member in inputs.items() if f';tag="{TAG}"' in member] != [LABEL] or LABEL not in signatures:
        raise CallSignatureInvalid(why=f"exactly one signature is tagged {TAG}, and it is labelled {LABEL}")
    return inputs[LABEL], signatures[LABEL]


def _require_time(
    parameters: Mapping[str, object], now: datetime, max_age_s: int, skew_s: int
) -> tuple[datetime, datetime]:
    """created and expires. Raises CallClockSkew, and CallSignatureInvalid for a life that the profile forbids."""
    try:
        created, expires = moment(parameters["created"]), moment(parameters["expires"])
    except ValueError as bad:
        raise CallSignatureInvalid(why=bad) from None
    life_s, age_s = (expires - created).total_seconds(), (now - created).total_seconds()
    if not 0 < life_s <= max_age_s:
        raise CallSignatureInvalid(why=f"it expires at least 1 s and at most {max_age_s} s after its creation")
    if not -skew_s <= age_s <= life_s + skew_s:
        limit_s = max_age_s if age_s > 0 else skew_s
        raise CallClockSkew(created=encode_time(created), now=encode_time(now), limit_s=limit_s)
    return created, expires
