"""A JSON document with detached signatures over its exact bytes: the form of key events, the roster and their like.

    {"document":"<b64u of the exact bytes>","signatures":[{"kid":"…","sig":"<b64u>"}]}

Rules:
1. What is signed is `domain || document`, the domain ending in a zero byte, so that no signature serves two purposes.
2. This outer form is canonical (sorted members, no white space): one document with these signatures has one byte form.
3. Operators sign by quorum: distinct operator keys, all signatures valid; one that is bad or unknown refuses the whole.

It does not read the document: the format that owns the domain does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature

from shared.domain.strict_json import encode_canonical_json, parse_strict_json
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.custody import Signer
from shared.keys.public import OPERATOR, Ed25519Public

MAX_SIGNED_DOCUMENT_BYTES: Final = 40_000
"""Its base64url still fits the 65,535 bytes of a ledger entry, with room for the rest of the leaf."""

MAX_SIGNATURES: Final = 8


class SignedDocumentBad(ValueError):
    """The document or its signatures are not acceptable; the text says why."""


@dataclass(frozen=True, slots=True)
class DocumentSignature:
    kid: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignedDocument:
    document: bytes
    signatures: tuple[DocumentSignature, ...]

    def digest(self) -> bytes:
        """SHA-256 of the document alone: whoever signs, it stays the same document."""
        return hashlib.sha256(self.document).digest()


def parse_signed_document(raw: bytes, limit: int = MAX_SIGNED_DOCUMENT_BYTES) -> SignedDocument:
    """Form only, no signature is verified. Raises SignedDocumentBad."""
    if len(raw) > limit:
        raise SignedDocumentBad(f"more than {limit} bytes")
    try:
        outer = parse_strict_json(raw)
        if not isinstance(outer, dict) or outer.keys() != {"document", "signatures"}:
            raise ValueError("it has exactly the members document and signatures")
        signed = SignedDocument(parse_b64u(_text(outer["document"])), tuple(_signatures(outer["signatures"])))
        if encode_signed_document(signed.document, signed.signatures) != raw:
            raise ValueError("it is not in canonical form")
    except ValueError as bad:
        raise SignedDocumentBad(str(bad)) from None
    return signed


def encode_signed_document(document: bytes, signatures: Iterable[DocumentSignature]) -> bytes:
    members = [{"kid": one.kid, "sig": encode_b64u(one.signature)} for one in signatures]
    return encode_canonical_json({"document": encode_b64u(document), "signatures": members})


def sign_document(document: bytes, domain: bytes, signer: Signer, owner: str = OPERATOR) -> DocumentSignature:
    return DocumentSignature(signer.kid(owner), signer.sign(domain + document))


def verify_quorum(
    signed: SignedDocument,
    domain: bytes,
    operator_keys: Sequence[Ed25519Public],
    quorum: int,
    owner: str = OPERATOR,
) -> tuple[str, ...]:
    """The kids of the operator keys that signed, at least `quorum` of them; of another `owner`'s keys for what is his.

    Raises SignedDocumentBad.
    """
    if quorum < 1:
        raise SignedDocumentBad("a quorum of none proves nothing")
    known = {key.kid(owner): key for key in operator_keys}
    signers = tuple(one.kid for one in signed.signatures)
    if len(set(signers)) != len(signers):
        raise SignedDocumentBad("an operator key signs twice")
    if len(signers) < quorum:
        raise SignedDocumentBad(f"signed by {len(signers)} operator keys, {quorum} are needed")
    for one in signed.signatures:
        key = known.get(one.kid)
        if key is None:
            raise SignedDocumentBad(f"{one.kid} is not an operator key")
        try:
            key.verify(one.signature, domain + signed.document)
        except InvalidSignature:
            raise SignedDocumentBad(f"the signature of {one.kid} does not verify") from None
    return signers


def _signatures(members: object) -> Iterable[DocumentSignature]:
    if not isinstance(members, list) or not 1 <= len(members) <= MAX_SIGNATURES:
        raise ValueError(f"it has between 1 and {MAX_SIGNATURES} signatures")
    for member in members:
        if not isinstance(member, dict) or member.keys() != {"kid", "sig"}:
            raise ValueError("a signature has exactly the members kid and sig")
        yield DocumentSignature(_text(member["kid"]), parse_b64u(_text(member["sig"])))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a text is expected")
    return value
