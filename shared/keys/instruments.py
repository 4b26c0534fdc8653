"""The registry of instruments as the operators publish it: `comity-instruments/2`, a signed document.

The domain is "comity-instruments/2" 00. The document is closed canonical JSON:

    {"exchange": log origin, "number": 1, 2, …, "prev": digest of the publication before or null,
     "registry": the registry, "v": "comity-instruments/2"}

Rules:
1. Publications are numbered and chained, as key events are: an old one cannot be published again by whoever can post
   it, and none serves another exchange.
2. The registry's own bytes are the canonical JSON of that member.

What the registry says is read by `shared.domain.instruments`; here it is only held that a quorum of the operators
published it for this exchange, and at which place. Whether that is the next place is for the one who knows the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from shared.domain.id_fields import Digest
from shared.domain.misfits import first_misfit
from shared.domain.strict_json import NotStrictJson, encode_canonical_json, parse_strict_json
from shared.errors import InstrumentsInvalid
from shared.keys.base64url import encode_b64u
from shared.keys.private import Ed25519Signer
from shared.keys.public import Ed25519Public
from shared.keys.signed_document import (
    encode_signed_document,
    parse_signed_document,
    sign_document,
    verify_quorum,
)

INSTRUMENTS_VERSION: Final = "comity-instruments/2"
INSTRUMENTS_DOMAIN: Final = b"comity-instruments/2\x00"


@dataclass(frozen=True, slots=True)
class Publication:
    """What a quorum of the operators published. `registry` are its own bytes, `digest` names the signed document."""

    exchange: str
    number: int
    prev: str | None
    registry: bytes
    digest: str


def verify_instruments(raw: bytes, operator_keys: Sequence[Ed25519Public], quorum: int, exchange: str) -> Publication:
    """The publication in these bytes, signed by a quorum for this exchange. Raises InstrumentsInvalid."""
    try:
        signed = parse_signed_document(raw)
        verify_quorum(signed, INSTRUMENTS_DOMAIN, operator_keys, quorum)
        written = _PublicationDocument.model_validate(parse_strict_json(signed.document))
        if written.exchange != exchange:
            raise ValueError(f"it is for the exchange {written.exchange}, this one is {exchange}")
        if (written.number == 1) != (written.prev is None):
            raise ValueError("the first publication has no predecessor, and every other has one")
        registry = encode_canonical_json(written.registry)
        if _encode(written.exchange, written.number, written.prev, written.registry) != signed.document:
            raise ValueError("it is not in canonical form")
    except ValidationError as invalid:
        raise InstrumentsInvalid(why=first_misfit(invalid)) from None
    except ValueError as bad:
        raise InstrumentsInvalid(why=str(bad)) from None
    return Publication(exchange, written.number, written.prev, registry, encode_b64u(signed.digest()))


def sign_instruments(
    registry: bytes, operators: Iterable[Ed25519Signer], exchange: str, number: int = 1, prev: str | None = None
) -> bytes:
    """The document to publish after the one with the digest `prev`, signed by these operator keys.

    Raises InstrumentsInvalid when the registry is not even strict JSON.
    """
    try:
        document = _encode(exchange, number, prev, parse_strict_json(registry))
    except NotStrictJson as broken:
        raise InstrumentsInvalid(why=str(broken)) from None
    signatures = [sign_document(document, INSTRUMENTS_DOMAIN, operator) for operator in operators]
    return encode_signed_document(document, signatures)


def publication_after(last: Publication | None) -> tuple[int, str | None]:
    """The number and the predecessor of the next publication."""
    return (1, None) if last is None else (last.number + 1, last.digest)


def _encode(exchange: str, number: int, prev: str | None, registry: object) -> bytes:
    return encode_canonical_json(
        {"v": INSTRUMENTS_VERSION, "exchange": exchange, "number": number, "prev": prev, "registry": registry}
    )


class _PublicationDocument(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    v: Literal["comity-instruments/2"]
    exchange: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    number: int = Field(ge=1)
    prev: Digest | None
    registry: dict[str, Any]
