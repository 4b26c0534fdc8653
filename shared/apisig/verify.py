"""Verifying a call, on the exchange's side.

The steps, in order, and what each raises:
(1) the call carries a signature tagged comity-v1 (CallUnsigned), in fields of bounded size (CallSignatureInvalid)
(2) the resolver knows the key (CallKeyUnknown)
(3) the Ed25519 signature verifies over the RFC 9421 signature base, and no other carries our tag (CallSignatureInvalid)
(4) its parameters and covered components are exactly the profile's (CallSignatureInvalid)
(5) created and expires are near the exchange's clock (CallClockSkew)
(6) the body has the signed digest (CallDigestMismatch)
Steps (1) to (5) need the header alone (`verify_call`): who called is proven before a byte of the body is read. Step (6)
is `verify_body`. Steps (2) and (3) are the library's; what it leaves open, and its reading of a clock, are ours.

It remembers no call, nor does it ask whether the caller may make this one: the gateway does both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
)
from typing_extensions import override

from shared.apisig.profile import (
    LABEL,
    LIFE_S,
    MAX_FIELD_CHARS,
    SKEW_S,
    TAG,
    Ed25519Algorithm,
    ResolveKey,
    content_digest,
    fault_in_coverage,
    fault_in_parameters,
    moment,
)
from shared.apisig.request_text import signed_request_text
from shared.domain.ids import encode_time
from shared.errors import (
    CallClockSkew,
    CallDigestMismatch,
    CallKeyUnknown,
    CallSignatureInvalid,
    CallUnsigned,
    ComityError,
)
from shared.keys.public import Ed25519Public

_PARAMETERS_NAME = '"@signature-params"'
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
    fields = _Fields((name, value) for name, value in headers.items() if name.lower() in _READ_FIELDS)
    _require_signature(fields)  # (1)
    keys = _CallKeys(resolve_key)
    library = _ClocklessVerifier(signature_algorithm=Ed25519Algorithm, key_resolver=keys)
    try:
        results = library.verify(_Incoming(method, url, fields), max_age=None, expect_tag=TAG)  # (2), (3)
    except HTTPMessageSignaturesException as bad:
        raise _refusal(bad, keys) from None
    if len(results) != 1 or results[0].label != LABEL:
        raise CallSignatureInvalid(why=f"exactly one signature is tagged {TAG}, and it is labelled {LABEL}")
    covered, parameters = results[0].covered_components, results[0].parameters
    names = [name for name in covered if name != _PARAMETERS_NAME]
    fault = fault_in_parameters(parameters) or fault_in_coverage(names, has_body)  # (4)
    if fault is not None:
        raise CallSignatureInvalid(why=fault)
    created, expires = _require_time(parameters, now, max_age_s, skew_s)  # (5)
    return VerifiedCall(
        keyid=str(parameters["keyid"]),
        nonce=str(parameters["nonce"]),
        created=created,
        expires=expires,
        signature=keys.signature,
        signature_text=signed_request_text(keys.base, keys.signature),
        content_digest=covered['"content-digest"'] if has_body else None,
    )


def verify_body(call: VerifiedCall, body: bytes) -> None:
    """(6) Raises CallDigestMismatch."""
    if call.content_digest != (content_digest(body) if body else None):
        raise CallDigestMismatch


class _Fields:
    """Header lines as received: what stands twice is joined, so nothing hides behind a first or a last value."""

    def __init__(self, lines: Iterable[tuple[str, str]]) -> None:
        self._lines = tuple(lines)

    def items(self) -> Sequence[tuple[str, str]]:
        return self._lines

    def joined(self, name: str) -> str:
        return ", ".join(value for given, value in self._lines if given.lower() == name)


@dataclass(frozen=True, slots=True)
class _Incoming:
    """The request as the signature library wants it."""

    method: str
    url: str
    headers: _Fields


class _ClocklessVerifier(HTTPMessageVerifier):
    """The library's verifier without its clock: time is judged in step (5), by the time that the caller passes."""

    @override
    def validate_created_and_expires(self, sig_input: Any, max_age: object = None) -> None:
        pass


class _CallKeys(HTTPSignatureKeyResolver):
    """Resolves keys, and keeps what was verified with them: the library returns neither base nor signature."""

    def __init__(self, resolve_key: ResolveKey) -> None:
        self._resolve_key = resolve_key
        self.unknown: str | None = None
        self.base = b""
        self.signature = b""

    @override
    def resolve_public_key(self, key_id: str) -> _RecordingKey | None:
        key = self._resolve_key(key_id)
        if key is None:
            self.unknown = key_id
            return None
        return _RecordingKey(key, self)


@dataclass(frozen=True, slots=True)
class _RecordingKey:
    key: Ed25519Public
    call: _CallKeys

    def verify(self, signature: bytes, data: bytes) -> None:
        self.key.verify(signature, data)
        self.call.base, self.call.signature = data, signature


def _require_signature(fields: _Fields) -> None:
    for name in _SIGNATURE_FIELDS:
        if len(fields.joined(name)) > MAX_FIELD_CHARS:
            raise CallSignatureInvalid(why=f"the field {name} has more than {MAX_FIELD_CHARS} characters")
    if f'tag="{TAG}"' not in fields.joined("signature-input") or not fields.joined("signature"):
        raise CallUnsigned


def _refusal(bad: HTTPMessageSignaturesException, keys: _CallKeys) -> ComityError:
    if isinstance(bad.__cause__, ComityError):  # the resolver's own, which the library wraps
        return bad.__cause__
    if keys.unknown is not None:
        return CallKeyUnknown(kid=keys.unknown)
    return CallSignatureInvalid(why=str(bad) or "it is not of this key over this call")


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
