"""Submission receipts: what the exchange owes a sender in exchange for its bytes.

A receipt is a compact JWS (RFC 7515), alg Ed25519 (RFC 9864), by the gateway's key that the trust file names. It
promises a decision leaf, accepted or rejected, for exactly these bytes by `decide_by`. It is not acceptance.
Header and payload have one byte form each (canonical JSON); any other spelling is refused, so a receipt is one text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from cryptography.exceptions import InvalidSignature

from shared.domain.ids import encode_time, parse_time
from shared.domain.strict_json import encode_canonical_json, parse_strict_json
from shared.errors import ReceiptInvalid
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.private import Ed25519Signer
from shared.keys.public import Ed25519Public, kid, service_owner

RECEIPT_OWNER: Final = service_owner("gateway")
RECEIPT_TYP: Final = "comity-receipt"
MAX_RECEIPT_CHARS: Final = 4096

_MEMBERS = ("exchange", "sender", "message", "envelope_sha256", "received_at", "decide_by")


@dataclass(frozen=True, slots=True)
class Receipt:
    """`envelope_sha256` is the envelope digest, b64u; the times are the gateway's clock, aware UTC."""

    exchange: str
    sender: str
    message: str
    envelope_sha256: str
    received_at: datetime
    decide_by: datetime


def sign_receipt(receipt: Receipt, signer: Ed25519Signer) -> str:
    """The receipt as text. The same receipt and key give the same text."""
    signed = f"{_protected(signer.public)}.{encode_b64u(_payload(receipt))}"
    return f"{signed}.{encode_b64u(signer.sign(signed.encode('ascii')))}"


def verify_receipt(text: str, public: Ed25519Public) -> Receipt:
    """The receipt in this text, if `public` signed it. What it is a receipt for, the caller compares.

    (1) three parts, of bounded size; (2) the header is exactly that of this key; (3) the signature; (4) the payload's
    exact form. Raises ReceiptInvalid.
    """
    protected, _, rest = text[: MAX_RECEIPT_CHARS + 1].partition(".")
    payload, _, signature = rest.partition(".")
    try:
        if len(text) > MAX_RECEIPT_CHARS:  # (1)
            raise ValueError(f"more than {MAX_RECEIPT_CHARS} characters")
        if protected != _protected(public.raw):  # (2)
            raise ValueError("it is not signed with the exchange's receipt key")
        public.verify(parse_b64u(signature, 64), f"{protected}.{payload}".encode("ascii"))  # (3)
        return _parse_payload(parse_b64u(payload))  # (4)
    except InvalidSignature:
        raise ReceiptInvalid(message="this submission", why="its signature is not of these bytes") from None
    except ValueError as bad:
        raise ReceiptInvalid(message="this submission", why=bad) from None


@lru_cache(maxsize=16)
def _protected(key: bytes) -> str:
    """The one header of all receipts that this key signs."""
    return encode_b64u(encode_canonical_json({"alg": "Ed25519", "kid": kid(RECEIPT_OWNER, key), "typ": RECEIPT_TYP}))


def _payload(receipt: Receipt) -> bytes:
    return encode_canonical_json(
        {
            "exchange": receipt.exchange,
            "sender": receipt.sender,
            "message": receipt.message,
            "envelope_sha256": receipt.envelope_sha256,
            "received_at": encode_time(receipt.received_at),
            "decide_by": encode_time(receipt.decide_by),
        }
    )


def _parse_payload(raw: bytes) -> Receipt:
    members: Any = parse_strict_json(raw)
    if not isinstance(members, dict) or sorted(members) != sorted(_MEMBERS):
        raise ValueError(f"its payload has exactly the members {', '.join(_MEMBERS)}")
    if not all(isinstance(member, str) for member in members.values()):
        raise ValueError("its members are texts")
    received_at, decide_by = parse_time(members.pop("received_at")), parse_time(members.pop("decide_by"))
    receipt = Receipt(**members, received_at=received_at, decide_by=decide_by)
    if _payload(receipt) != raw:
        raise ValueError("its payload is not in canonical form")
    return receipt
