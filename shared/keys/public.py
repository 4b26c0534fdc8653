"""Public keys as they stand on the wire, and the ids that name them.

Rules:
1. A key exists as a type only after its bytes were checked: lengths, canonical encodings, small-order points, ML-KEM
   coefficients. There is no unchecked way in.
2. A key id is `<owner>#<b64u SHA-256(raw key)>`. It names an owner and proves none: that is the directory's word.
3. `verify` raises `cryptography.exceptions.InvalidSignature`; the caller turns it into the refusal of its own format.

It does not know who owns a key, nor when it may be used: see `directory`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey

from shared.domain.ids import is_authority_id
from shared.errors import KeyIdMalformed, KeyRefused
from shared.keys.base64url import encode_b64u, parse_b64u
from shared.keys.curve25519 import BadPoint, check_ed25519_point, check_x25519_point

ED25519_BYTES: Final = 32
MLDSA65_BYTES: Final = 1952
MLDSA44_BYTES: Final = 1312
MLKEM768_BYTES: Final = 1184
X25519_BYTES: Final = 32
XWING_BYTES: Final = MLKEM768_BYTES + X25519_BYTES

OPERATOR: Final = "operator"
_SERVICE_OWNER = re.compile(r"exchange/[a-z][a-z0-9-]{0,31}")
_MLKEM_Q = 3329
_MLKEM768_VECTOR_BYTES = 1152


@dataclass(frozen=True, slots=True)
class Ed25519Public:
    """An Ed25519 public key, 32 bytes (RFC 8032). Raises KeyRefused on construction."""

    raw: bytes
    _key: Ed25519PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _require_length("Ed25519", self.raw, ED25519_BYTES)
        try:
            check_ed25519_point(self.raw)
            object.__setattr__(self, "_key", Ed25519PublicKey.from_public_bytes(self.raw))
        except (BadPoint, ValueError) as bad:
            raise KeyRefused(alg="Ed25519", why=bad) from None

    def kid(self, owner: str) -> str:
        return kid(owner, self.raw)

    def verify(self, signature: bytes, data: bytes) -> None:
        """Raises InvalidSignature."""
        self._key.verify(signature, data)


@dataclass(frozen=True, slots=True)
class MLDSA65Public:
    """An ML-DSA-65 public key, 1952 bytes (FIPS 204). Every string of that length is one."""

    raw: bytes
    _key: MLDSA65PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _require_length("ML-DSA-65", self.raw, MLDSA65_BYTES)
        object.__setattr__(self, "_key", MLDSA65PublicKey.from_public_bytes(self.raw))

    def kid(self, owner: str) -> str:
        return kid(owner, self.raw)

    def verify(self, signature: bytes, data: bytes) -> None:
        """With the empty context. Raises InvalidSignature."""
        self._key.verify(signature, data)


@dataclass(frozen=True, slots=True)
class MLDSA44Public:
    """An ML-DSA-44 public key, 1312 bytes (FIPS 204): the second signature of the ledger's checkpoints."""

    raw: bytes
    _key: MLDSA44PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _require_length("ML-DSA-44", self.raw, MLDSA44_BYTES)
        object.__setattr__(self, "_key", MLDSA44PublicKey.from_public_bytes(self.raw))

    def kid(self, owner: str) -> str:
        return kid(owner, self.raw)

    def verify(self, signature: bytes, data: bytes) -> None:
        """With the empty context. Raises InvalidSignature."""
        self._key.verify(signature, data)


@dataclass(frozen=True, slots=True)
class XWingPublic:
    """An X-Wing public key, 1216 bytes: ML-KEM-768 (1184), then X25519 (32). `hpke_key` is what HPKE seals to."""

    raw: bytes
    hpke_key: MLKEM768X25519PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _require_length("X-Wing", self.raw, XWING_BYTES)
        lattice, curve = self.raw[:MLKEM768_BYTES], self.raw[MLKEM768_BYTES:]
        if not _has_reduced_coefficients(lattice):
            raise KeyRefused(alg="X-Wing", why="an ML-KEM coefficient is not reduced modulo q")
        try:
            check_x25519_point(curve)
            hybrid = MLKEM768X25519PublicKey(
                MLKEM768PublicKey.from_public_bytes(lattice), X25519PublicKey.from_public_bytes(curve)
            )
        except (BadPoint, ValueError) as bad:
            raise KeyRefused(alg="X-Wing", why=bad) from None
        object.__setattr__(self, "hpke_key", hybrid)

    def kid(self, owner: str) -> str:
        return kid(owner, self.raw)


@dataclass(frozen=True, slots=True)
class KeyId:
    """A key id taken apart: who is said to own the key, and the SHA-256 of its raw bytes."""

    owner: str
    digest: bytes


def parse_ed25519(raw: bytes) -> Ed25519Public:
    """Raises KeyRefused."""
    return Ed25519Public(raw)


def parse_mldsa65(raw: bytes) -> MLDSA65Public:
    """Raises KeyRefused."""
    return MLDSA65Public(raw)


def parse_mldsa44(raw: bytes) -> MLDSA44Public:
    """Raises KeyRefused."""
    return MLDSA44Public(raw)


def parse_xwing(raw: bytes) -> XWingPublic:
    """Raises KeyRefused."""
    return XWingPublic(raw)


def kid(owner: str, raw: bytes) -> str:
    """`<owner>#<b64u SHA-256(raw)>`. Raises KeyIdMalformed when this can own no key."""
    if not is_owner(owner):
        raise KeyIdMalformed(kid=owner)
    return f"{owner}#{encode_b64u(hashlib.sha256(raw).digest())}"


def parse_kid(text: str) -> KeyId:
    """Raises KeyIdMalformed."""
    owner, mark, digest = text.partition("#")
    if not mark or not is_owner(owner):
        raise KeyIdMalformed(kid=text)
    try:
        return KeyId(owner, parse_b64u(digest, 32))
    except ValueError:
        raise KeyIdMalformed(kid=text) from None


def is_owner(text: str) -> bool:
    """Whether a key may belong to this: an authority, the operator, or a service of the exchange."""
    return text == OPERATOR or is_authority_id(text) or _SERVICE_OWNER.fullmatch(text) is not None


def service_owner(service: str) -> str:
    """The owner under which a service's keys are named."""
    return f"exchange/{service}"


def _require_length(alg: str, raw: bytes, length: int) -> None:
    if len(raw) != length:
        raise KeyRefused(alg=alg, why=f"it must have {length} bytes")


def _has_reduced_coefficients(lattice: bytes) -> bool:
    """The modulus check of FIPS 203 §7.2: each of the 768 packed 12-bit coefficients is below q."""
    packed = int.from_bytes(lattice[:_MLKEM768_VECTOR_BYTES], "little")
    return all(packed >> shift & 0xFFF < _MLKEM_Q for shift in range(0, _MLKEM768_VECTOR_BYTES * 8, 12))
