"""Submission receipts: what the exchange owes a sender in exchange for its bytes.

A receipt (`compact_jws`) promises a decision leaf, accepted or rejected, for exactly these bytes by `decide_by`. It is
not acceptance.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.apisig.compact_jws import sign_members, verify_members
from shared.domain.ids import encode_time, parse_time
from shared.errors import ReceiptInvalid
from shared.keys.private import Ed25519Signer
from shared.keys.public import Ed25519Public

RECEIPT_TYP: Final = "comity-receipt"
MERGE_DELAY: Final = timedelta(hours=1)
"""The most that a receipt promises, and an event or a decision takes, until it stands in the ledger (RFC 6962's maximum
merge delay). A leaf that is logged later was written earlier than is believable."""

_MEMBERS: Final = {"exchange", "sender", "message", "envelope_sha256", "received_at", "decide_by"}


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
    return sign_members(RECEIPT_TYP, _members(receipt), signer)


def verify_receipt(text: str, public: Ed25519Public) -> Receipt:
    """The receipt in this text, if `public` signed it. What it is a receipt for, the caller compares.

    (1) to (4) of `verify_members`; (5) the exact members. Raises ReceiptInvalid.
    """
    try:
        return _read(verify_members(RECEIPT_TYP, text, public))
    except ValueError as bad:
        raise ReceiptInvalid(message="this submission", why=bad) from None


def _members(receipt: Receipt) -> dict[str, str]:
    return {
        "exchange": receipt.exchange,
        "sender": receipt.sender,
        "message": receipt.message,
        "envelope_sha256": receipt.envelope_sha256,
        "received_at": encode_time(receipt.received_at),
        "decide_by": encode_time(receipt.decide_by),
    }


def _read(members: dict[str, Any]) -> Receipt:
    if members.keys() != _MEMBERS:
        raise ValueError(f"its payload has exactly the members {', '.join(sorted(_MEMBERS))}")
    if not all(isinstance(member, str) for member in members.values()):
        raise ValueError("its members are texts")
    times = {name: parse_time(members[name]) for name in ("received_at", "decide_by")}
    receipt = Receipt(**{**members, **times})
    if _members(receipt) != members:
        raise ValueError("its payload is not in canonical form")
    return receipt
