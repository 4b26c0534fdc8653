"""What one signature of an envelope covers, and whether it is good: the arithmetic of steps 5 and 6 of `verify.py`.

Whose key it must be is judged there. It loads no model, so that processes can start for this alone.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature

from shared.errors import EnvelopeSignatureInvalid
from shared.keys.public import Ed25519Public, MLDSA65Public

SigningKey = Ed25519Public | MLDSA65Public
ALGORITHM_OF: Final[dict[type[SigningKey], str]] = {Ed25519Public: "Ed25519", MLDSA65Public: "ML-DSA-65"}


def signing_input(protected: str, payload_text: str) -> bytes:
    """What a signature covers (RFC 7515 §5.1)."""
    return f"{protected}.{payload_text}".encode("ascii")


def verify_signed_text(key: SigningKey, signature: bytes, covered: bytes) -> None:
    """Step 5 or 6. Raises EnvelopeSignatureInvalid."""
    try:
        key.verify(signature, covered)
    except InvalidSignature:
        raise EnvelopeSignatureInvalid(alg=ALGORITHM_OF[type(key)]) from None
