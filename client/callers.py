"""Who calls the exchange, and what makes its receipts good: the two callables that `exchange.py` is given.

An authority and an auditor sign with their API key, an operator with an operator key; a receipt counts by the trust
file's receipt key alone, whatever the exchange says of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from client.exchange import CheckReceipt
from client.http_calls import SignCall
from shared.apisig.exchange_word import verify_own_receipt
from shared.apisig.receipts import Receipt
from shared.apisig.sign import sign_request
from shared.errors import ReceiptInvalid
from shared.keys.custody import Signer
from shared.keys.trust import Trust


def sign_calls(signer: Signer, owner: str, clock: Callable[[], datetime]) -> SignCall:
    """Signs each call for this owner, by `clock`."""
    keyid = signer.kid(owner)

    def sign(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Mapping[str, str]:
        signature = sign_request(method, url, body or b"", headers.get("content-type"), signer, keyid, clock())
        return {**headers, **{name.lower(): value for name, value in signature.items()}}

    return sign


def check_receipts(trust: Trust, sender: str) -> CheckReceipt:
    """Checks that a receipt is this exchange's promise to this sender for exactly these bytes."""

    def check(text: str, message: str, digest: str) -> Receipt:
        receipt = verify_own_receipt(text, trust)
        given = (receipt.exchange, receipt.sender, receipt.message, receipt.envelope_sha256)
        if given != (trust.origin, sender, message, digest):
            raise ReceiptInvalid(message=message, why="it is for another exchange, sender, message or other bytes")
        return receipt

    return check
