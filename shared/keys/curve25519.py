"""Which 32 bytes are an acceptable point: Ed25519 (RFC 8032) and X25519 (RFC 7748) public keys.

Rules:
1. An encoding is canonical: the coordinate is below p = 2^255 - 19, x = 0 has no sign bit, a u has no 256th bit.
2. The point is on its curve, and its order does not divide the cofactor 8: under a small-order Ed25519 key one
   signature verifies every message, and with a small-order u every X25519 secret is the same.
Small order is computed (three doublings), not looked up, so that no spelling of a bad point is forgotten.

It does not ask that a point be free of a torsion component: such a key is odd, but it is its owner's alone, and honest
verifiers differ over it only by signatures that its owner crafts.
Public values only: nothing here needs to run in constant time, and nothing here may touch a secret.
"""

from __future__ import annotations

P = 2**255 - 19
_D = -121665 * pow(121666, -1, P) % P
_SQRT_MINUS_ONE = pow(2, (P - 1) // 4, P)
_A = 486662


class BadPoint(ValueError):
    """These bytes are no acceptable point; the text says why."""


def check_ed25519_point(raw: bytes) -> None:
    """Raises BadPoint unless these 32 bytes are a canonical encoding (RFC 8032 §5.1.3) of a point of large order."""
    encoded = int.from_bytes(raw, "little")
    sign, y = encoded >> 255, encoded & ((1 << 255) - 1)
    if y >= P:
        raise BadPoint("the encoding is not canonical")
    x = _recover_x(y, sign)
    for _ in range(3):
        x, y = _double_edwards(x, y)
    if (x, y) == (0, 1):
        raise BadPoint("the point has small order")


def check_x25519_point(raw: bytes) -> None:
    """Raises BadPoint unless these 32 bytes are a canonical u-coordinate of large order, on the curve or its twist.

    RFC 7748 §5 tolerates other spellings of a u; here a key has one spelling, since its digest names it.
    """
    u = int.from_bytes(raw, "little")
    if u >= P:
        raise BadPoint("the encoding is not canonical")
    x, z = u, 1
    for _ in range(3):
        x, z = _double_montgomery(x, z)
    if z == 0:
        raise BadPoint("the point has small order")


def _recover_x(y: int, sign: int) -> int:
    """x from y and the sign bit, RFC 8032 §5.1.3 steps 2 to 4."""
    u, v = (y * y - 1) % P, (_D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == -u % P:
        x = x * _SQRT_MINUS_ONE % P
    if v * x * x % P != u:
        raise BadPoint("the point is not on the curve")
    if x == 0 and sign == 1:
        raise BadPoint("the encoding is not canonical")
    return P - x if x & 1 != sign else x


def _double_edwards(x: int, y: int) -> tuple[int, int]:
    """The complete addition law of RFC 8032 §5.1.4, a point with itself; no exception exists, since d is no square."""
    product = _D * x * x * y * y % P
    doubled_x = 2 * x * y * pow(1 + product, -1, P) % P
    doubled_y = (y * y + x * x) * pow(1 - product, -1, P) % P
    return doubled_x, doubled_y


def _double_montgomery(x: int, z: int) -> tuple[int, int]:
    """x-only doubling on curve and twist alike; z = 0 is the point at infinity."""
    plus, minus = (x + z) ** 2 % P, (x - z) ** 2 % P
    difference = plus - minus  # 4xz
    return plus * minus % P, difference * (minus + (_A + 2) // 4 * difference) % P
