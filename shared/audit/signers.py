"""Note signers from 32-byte seeds, for the log's and a witness's own keys.

Rules: Ed25519 seeds are those of RFC 8032 §5.1.5, ML-DSA-44 seeds (xi) those of FIPS 204, algorithm 6. Where seeds
come from and how they are kept is the caller's business; `shared.adapters.keyfiles` keeps them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from shared.audit.notes import NoteSigner, SignatureType, VerifierKey, vkey_of


@dataclass(frozen=True)
class _SeedSigner:
    vkey: VerifierKey
    _sign: Callable[[bytes], bytes] = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        return self._sign(message)


def signer_from_seed(name: str, type_: SignatureType, seed: bytes) -> NoteSigner:
    """The signer whose key pair this 32-byte seed makes. Raises KeyRefused for the name, ValueError for the seed."""
    key = (
        MLDSA44PrivateKey.from_seed_bytes(seed)
        if type_ is SignatureType.MLDSA44
        else Ed25519PrivateKey.from_private_bytes(seed)
    )
    return _SeedSigner(vkey_of(name, type_, key.public_key().public_bytes_raw()), key.sign)
