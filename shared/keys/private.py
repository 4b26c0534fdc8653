"""Private halves, each made from a 32-byte seed.

Rules:
1. A private half never shows its seed when it is printed, logged or compared; `seed` is read by key stores alone.
2. The seed is the whole key: what is stored is 32 bytes, everything else is derived (RFC 8032, FIPS 204, X-Wing).

It keeps nothing on disk and does not erase memory: Python cannot promise that.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA65PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

from shared.errors import KeyRefused
from shared.keys.public import Ed25519Public, MLDSA44Public, MLDSA65Public, XWingPublic, kid

SEED_BYTES: Final = 32


@dataclass(frozen=True, slots=True, eq=False)
class Ed25519Signer:
    """Signs with Ed25519. Raises KeyRefused unless the seed has 32 bytes."""

    seed: bytes = field(repr=False)
    public: bytes = field(init=False, repr=False)
    _key: Ed25519PrivateKey = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _require_seed("Ed25519", self.seed)
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        object.__setattr__(self, "_key", key)
        object.__setattr__(self, "public", key.public_key().public_bytes_raw())

    def public_key(self) -> Ed25519Public:
        return Ed25519Public(self.public)

    def kid(self, owner: str) -> str:
        return kid(owner, self.public)

    def sign(self, data: bytes) -> bytes:
        """64 bytes, deterministic."""
        return self._key.sign(data)


@dataclass(frozen=True, slots=True, eq=False)
class MLDSA65Signer:
    """Signs with ML-DSA-65. Raises KeyRefused unless the seed has 32 bytes."""

    seed: bytes = field(repr=False)
    public: bytes = field(init=False, repr=False)
    _key: MLDSA65PrivateKey = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _require_seed("ML-DSA-65", self.seed)
        key = MLDSA65PrivateKey.from_seed_bytes(self.seed)
        object.__setattr__(self, "_key", key)
        object.__setattr__(self, "public", key.public_key().public_bytes_raw())

    def public_key(self) -> MLDSA65Public:
        return MLDSA65Public(self.public)

    def kid(self, owner: str) -> str:
        return kid(owner, self.public)

    def sign(self, data: bytes) -> bytes:
        """3309 bytes, with the empty context; hedged, so two signatures over the same data differ."""
        return self._key.sign(data)


@dataclass(frozen=True, slots=True, eq=False)
class MLDSA44Signer:
    """Signs with ML-DSA-44. Raises KeyRefused unless the seed has 32 bytes."""

    seed: bytes = field(repr=False)
    public: bytes = field(init=False, repr=False)
    _key: MLDSA44PrivateKey = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _require_seed("ML-DSA-44", self.seed)
        key = MLDSA44PrivateKey.from_seed_bytes(self.seed)
        object.__setattr__(self, "_key", key)
        object.__setattr__(self, "public", key.public_key().public_bytes_raw())

    def public_key(self) -> MLDSA44Public:
        return MLDSA44Public(self.public)

    def kid(self, owner: str) -> str:
        return kid(owner, self.public)

    def sign(self, data: bytes) -> bytes:
        """2420 bytes, with the empty context; hedged, so two signatures over the same data differ."""
        return self._key.sign(data)


@dataclass(frozen=True, slots=True, eq=False)
class XWingOpener:
    """Opens what was sealed to an X-Wing key; `hpke_key` is what HPKE opens with.

    The seed is expanded as X-Wing does (SHAKE-256 to 96 bytes: the 64-byte ML-KEM-768 seed, then the X25519 scalar),
    since the hybrid key has no serialisation of its own. Raises KeyRefused unless the seed has 32 bytes.
    """

    seed: bytes = field(repr=False)
    public: bytes = field(init=False, repr=False)
    hpke_key: MLKEM768X25519PrivateKey = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _require_seed("X-Wing", self.seed)
        expanded = hashlib.shake_256(self.seed).digest(96)
        lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
        curve = X25519PrivateKey.from_private_bytes(expanded[64:])
        object.__setattr__(self, "hpke_key", MLKEM768X25519PrivateKey(lattice, curve))
        public = lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
        object.__setattr__(self, "public", public)

    def public_key(self) -> XWingPublic:
        return XWingPublic(self.public)

    def kid(self, owner: str) -> str:
        return kid(owner, self.public)


PrivateKey = Ed25519Signer | MLDSA65Signer | XWingOpener
"""The private half of a key that stands in the directory."""


def generate_seed() -> bytes:
    """A new key of any of these kinds, before it is made into one."""
    return secrets.token_bytes(SEED_BYTES)


def generate_ed25519() -> Ed25519Signer:
    return Ed25519Signer(generate_seed())


def generate_mldsa65() -> MLDSA65Signer:
    return MLDSA65Signer(generate_seed())


def generate_mldsa44() -> MLDSA44Signer:
    return MLDSA44Signer(generate_seed())


def generate_xwing() -> XWingOpener:
    return XWingOpener(generate_seed())


def _require_seed(alg: str, seed: bytes) -> None:
    if len(seed) != SEED_BYTES:
        raise KeyRefused(alg=alg, why=f"its seed must have {SEED_BYTES} bytes")
