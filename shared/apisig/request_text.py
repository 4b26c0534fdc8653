"""A signed request as one text: the proof of asking that an evidence embeds.

The text is the RFC 9421 signature base (§2.5), a line feed, and `signature: ` with the 64 bytes in base64url. Whoever
has the caller's public key verifies it years later with nothing else: the base names method, URL, key, time and nonce.

It does not judge time: whether the key counted then is the directory's word, at the time that `created` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from cryptography.exceptions import InvalidSignature

from shared.apisig.profile import ResolveKey, fault_in_coverage, fault_in_parameters, moment
from shared.apisig.signature_fields import parse_signature_input
from shared.errors import CallKeyUnknown, CallSignatureInvalid
from shared.keys.base64url import encode_b64u, parse_b64u

MAX_TEXT_CHARS: Final = 16_384

_SIGNATURE_LINE = "\nsignature: "
_PARAMS_LINE = '\n"@signature-params": '
_LINE = re.compile(r'("[^"\n]*"): ([^\n]*)')


V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a verified text proves: the holder of `keyid` made this call at about `created`."""

    method: str
    target_uri: str
    keyid: str
    nonce: str
    created: datetime
    expires: datetime
    content_digest: str | None


def signed_request_text(base: bytes, signature: bytes) -> str:
    """The text for a verified signature base and its signature."""
    return f"{base.decode('ascii')}{_SIGNATURE_LINE}{encode_b64u(signature)}"


def verify_signed_request_text(text: str, resolve_key: ResolveKey) -> SignedRequest:
    """The request in this text, if the key that `resolve_key` gives for its keyid signed it.

    (1) the form; (2) components and parameters are exactly the profile's; (3) the key; (4) the signature. Raises
    CallSignatureInvalid, or CallKeyUnknown when the resolver gives none.
    """
    try:
        base, components, parameters, signature = _parse(text)  # (1)
        created, expires = moment(parameters["created"]), moment(parameters["expires"])
    except (ValueError, KeyError) as bad:
        raise CallSignatureInvalid(why=f"the text is malformed: {bad}") from None
    has_body = '"content-digest"' in components
    fault = fault_in_parameters(parameters) or fault_in_coverage(components, has_body)  # (2)
    if fault is not None:
        raise CallSignatureInvalid(why=fault)
    keyid = str(parameters["keyid"])
    key = resolve_key(keyid)  # (3)
    if key is None:
        raise CallKeyUnknown(kid=keyid)
    try:
        key.verify(signature, base)  # (4)
    except InvalidSignature:
        raise CallSignatureInvalid(why="it is not of this key over this text") from None
    return SignedRequest(
        method=components['"@method"'],
        target_uri=components['"@target-uri"'],
        keyid=keyid,
        nonce=str(parameters["nonce"]),
        created=created,
        expires=expires,
        content_digest=components.get('"content-digest"'),
    )


def _parse(text: str) -> tuple[bytes, dict[str, str], Mapping[str, int | str], bytes]:
    """Signature base, components in their order, parameters, signature. Raises ValueError."""
    if len(text) > MAX_TEXT_CHARS:
        raise ValueError(f"more than {MAX_TEXT_CHARS} characters")
    base, mark, signature = text.rpartition(_SIGNATURE_LINE)
    head, params_mark, params = base.rpartition(_PARAMS_LINE)
    if not mark or not params_mark:
        raise ValueError("its last lines are the parameters and the signature")
    components = _unique(_pair(_LINE.fullmatch(line)) for line in head.split("\n"))
    listed = parse_signature_input(params)
    if listed.components != tuple(components):
        raise ValueError("its parameters do not list its components")
    return base.encode("ascii"), components, listed.parameters, parse_b64u(signature, 64)


def _pair(line: re.Match[str] | None) -> tuple[str, str]:
    if line is None:
        raise ValueError("a line is no component")
    return line[1], line[2]


def _unique(pairs: Iterable[tuple[str, V]]) -> dict[str, V]:
    listed = list(pairs)
    members = dict(listed)
    if len(members) != len(listed):
        raise ValueError("a name stands twice")
    return members
