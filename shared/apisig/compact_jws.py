"""What the gateway signs for those who call it: a compact JWS (RFC 7515), alg Ed25519 (RFC 9864), by the key that the
trust file names as `receipt_key`.

Header and payload have one byte form each (canonical JSON), so that one statement is one text; `typ` keeps statements
of one kind from serving as another.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from cryptography.exceptions import InvalidSignature

from shared.domain.strict_json import encode_canonical_json, parse_strict_json
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.private import Ed25519Signer
from shared.keys.public import Ed25519Public, kid, service_owner

OWNER: Final = service_owner("gateway")
MAX_CHARS: Final = 4096


def sign_members(typ: str, members: dict[str, Any], signer: Ed25519Signer) -> str:
    """The statement as text. The same members and key give the same text."""
    signed = f"{_protected(typ, signer.public)}.{encode_b64u(encode_canonical_json(members))}"
    return f"{signed}.{encode_b64u(signer.sign(signed.encode('ascii')))}"


def verify_members(typ: str, text: str, public: Ed25519Public) -> dict[str, Any]:
    """The members that `public` signed; which there must be, and of what form, the caller knows.

    (1) three parts, of bounded size; (2) the header is exactly that of this type and key; (3) the signature; (4) the
    payload is an object in canonical form. Raises ValueError, which says why.
    """
    protected, _, rest = text[: MAX_CHARS + 1].partition(".")
    payload, _, signature = rest.partition(".")
    if len(text) > MAX_CHARS:  # (1)
        raise ValueError(f"more than {MAX_CHARS} characters")
    if protected != _protected(typ, public.raw):  # (2)
        raise ValueError(f"it is no {typ} signed with the exchange's receipt key")
    try:
        public.verify(parse_b64u(signature, 64), f"{protected}.{payload}".encode("ascii"))  # (3)
    except InvalidSignature:
        raise ValueError("its signature is not of these bytes") from None
    raw = parse_b64u(payload)
    members: Any = parse_strict_json(raw)
    if not isinstance(members, dict) or encode_canonical_json(members) != raw:  # (4)
        raise ValueError("its payload is not in canonical form")
    return members


@lru_cache(maxsize=16)
def _protected(typ: str, key: bytes) -> str:
    """The one header of all statements of this type that this key signs."""
    return encode_b64u(encode_canonical_json({"alg": "Ed25519", "kid": kid(OWNER, key), "typ": typ}))
