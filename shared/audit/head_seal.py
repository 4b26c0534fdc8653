"""The seal of a head that is committed and not signed yet: the ledger's word, to itself, that it placed these leaves.

    Ed25519 by the ledger's service key over "comity-head/1" 00 and the canonical JSON of
    {"logged_at", "origin", "root": b64u, "size"}

It is no checkpoint and leaves the database never. Between the commit of a round and the signing of its head lies a
moment in which only the database knows the head; without a seal, whoever writes there would have it signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature

from shared.domain.ids import encode_time
from shared.domain.strict_json import encode_canonical_json
from shared.errors import LedgerInvalid
from shared.keys.base64url import encode_b64u
from shared.keys.private import Ed25519Signer
from shared.keys.public import Ed25519Public

HEAD_DOMAIN: Final = b"comity-head/1\x00"


def seal_head(signer: Ed25519Signer, origin: str, size: int, root: bytes, logged_at: datetime) -> bytes:
    return signer.sign(_sealed(origin, size, root, logged_at))


def verify_head_seal(
    seal: bytes, keys: Sequence[Ed25519Public], origin: str, size: int, root: bytes, logged_at: datetime
) -> None:
    """By one of these keys, which the ledger had then. Raises LedgerInvalid."""
    sealed = _sealed(origin, size, root, logged_at)
    for key in keys:
        with suppress(InvalidSignature):
            return key.verify(seal, sealed)
    raise LedgerInvalid(why=f"the seal of the head of {size} entries is not the ledger's")


def _sealed(origin: str, size: int, root: bytes, logged_at: datetime) -> bytes:
    head = {"origin": origin, "size": size, "root": encode_b64u(root), "logged_at": encode_time(logged_at)}
    return HEAD_DOMAIN + encode_canonical_json(head)
