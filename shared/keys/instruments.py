"""The registry of instruments as the operators publish it: a signed document over the registry's exact bytes.

The domain is "comity-instruments/1" 00. What the registry says is read by `shared.domain.instruments`; here it is only
held that a quorum of the operators published it for this exchange.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from shared.errors import InstrumentsInvalid
from shared.keys.private import Ed25519Signer
from shared.keys.public import Ed25519Public
from shared.keys.signed_document import (
    DocumentSignature,
    SignedDocumentBad,
    encode_signed_document,
    parse_signed_document,
    sign_document,
    verify_quorum,
)

INSTRUMENTS_DOMAIN: Final = b"comity-instruments/1\x00"


def verify_instruments(raw: bytes, operator_keys: Sequence[Ed25519Public], quorum: int) -> bytes:
    """The registry's own bytes, signed by a quorum. Raises InstrumentsInvalid."""
    try:
        signed = parse_signed_document(raw)
        verify_quorum(signed, INSTRUMENTS_DOMAIN, operator_keys, quorum)
    except SignedDocumentBad as bad:
        raise InstrumentsInvalid(why=str(bad)) from None
    return signed.document


def sign_instruments(registry: bytes, operators: Iterable[Ed25519Signer]) -> bytes:
    """The document to publish, signed by these operator keys."""
    signatures: list[DocumentSignature] = [
        sign_document(registry, INSTRUMENTS_DOMAIN, operator) for operator in operators
    ]
    return encode_signed_document(registry, signatures)
