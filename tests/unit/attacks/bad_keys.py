"""Public keys that nobody may register or be trusted under: each group is one attack, with what makes the key bad.

`tests/vectors/make_attacks.py` writes one golden file for each, with a good key of the same algorithm beside the bad.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from shared.keys.curve25519 import P
from shared.keys.private import Ed25519Signer, MLDSA65Signer, XWingOpener
from shared.keys.public import MLKEM768_BYTES

_SEED = hashlib.sha256(b"a key that everybody knows").digest()
GOOD: Mapping[str, bytes] = {
    "Ed25519": Ed25519Signer(_SEED).public,
    "ML-DSA-65": MLDSA65Signer(_SEED).public,
    "X-Wing": XWingOpener(_SEED).public,
}


@dataclass(frozen=True)
class BadKeys:
    name: str
    claim: str
    alg: str
    keys: Mapping[str, bytes]


def _encode(coordinate: int, sign: int = 0) -> bytes:
    return (coordinate | sign << 255).to_bytes(32, "little")


def _both_signs(keys: Mapping[str, bytes]) -> dict[str, bytes]:
    flipped = {f"{what}, sign bit": raw[:31] + bytes([raw[31] ^ 0x80]) for what, raw in keys.items()}
    return {**keys, **flipped}


def _xwing(halves: Mapping[str, bytes]) -> dict[str, bytes]:
    return {what: GOOD["X-Wing"][:MLKEM768_BYTES] + u for what, u in halves.items()}


def _with_coefficient(position: int, value: int) -> bytes:
    raw = GOOD["X-Wing"]
    packed = int.from_bytes(raw[:1152], "little") & ~(0xFFF << 12 * position) | value << 12 * position
    return packed.to_bytes(1152, "little") + raw[1152:]


def _other_lengths(raw: bytes) -> dict[str, bytes]:
    return {"empty": b"", "a byte short": raw[:-1], "a byte long": raw + b"\x00"}


_ORDER_8_A = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
_ORDER_8_B = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
_LOW_U = {
    "u = 0": _encode(0),
    "u = 1": _encode(1),
    "order 8": bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    "order 8, other": bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    "u = p - 1": _encode(P - 1),
}

CATALOGUE: tuple[BadKeys, ...] = (
    BadKeys(
        "an-ed25519-key-has-small-order",
        "Under a key of small order one signature verifies every message; the library alone would take it.",
        "Ed25519",
        _both_signs({"identity": _encode(1), "order 2": _encode(P - 1), "order 4": _encode(0), "order 8": _ORDER_8_A}
                    | {"order 8, other": _ORDER_8_B}),
    ),
    BadKeys(
        "an-ed25519-key-is-not-canonical",
        "A second spelling of a key: its digest is another, so that one key would have two names.",
        "Ed25519",
        {f"y = p + {y - P}{', sign bit' * sign}": _encode(y, sign) for y in range(P, 2**255) for sign in (0, 1)},
    ),
    BadKeys(
        "an-ed25519-key-is-no-point",
        "Bytes that are no point of the curve.",
        "Ed25519",
        {"y = 2": _encode(2), "y = 7": _encode(7), "y = 8": _encode(8)},
    ),
    BadKeys(
        "an-ed25519-key-has-another-length",
        "Too short or too long for a key.",
        "Ed25519",
        _other_lengths(GOOD["Ed25519"]),
    ),
    BadKeys(
        "an-ml-dsa-key-has-another-length",
        "Too short or too long for a key. Every string of the right length is one.",
        "ML-DSA-65",
        _other_lengths(GOOD["ML-DSA-65"]),
    ),
    BadKeys(
        "a-sealing-key-has-a-small-order-half",
        "With an X25519 half of small order the classical half of every shared secret is known to everybody.",
        "X-Wing",
        _xwing(_both_signs(_LOW_U)),
    ),
    BadKeys(
        "a-sealing-key-is-not-canonical",
        "A second spelling of the X25519 half: one key would have two names.",
        "X-Wing",
        _xwing({"u = p": _encode(P), "u = p + 1": _encode(P + 1), "u = p + 9": _encode(P + 9)}
               | {"u = 2^255 - 1": _encode(2**255 - 1), "9 + 2^255": _encode(9, 1), "u = 2^256 - 1": b"\xff" * 32}),
    ),
    BadKeys(
        "a-sealing-key-is-not-reduced",
        "An ML-KEM coefficient that is not below q (FIPS 203 §7.2).",
        "X-Wing",
        {f"coefficient {n} is {value}": _with_coefficient(n, value) for n in (0, 383, 767) for value in (3329, 4095)},
    ),
    BadKeys(
        "a-sealing-key-has-another-length",
        "Too short or too long for a key, or the ML-KEM half alone.",
        "X-Wing",
        {**_other_lengths(GOOD["X-Wing"]), "the lattice half alone": GOOD["X-Wing"][:MLKEM768_BYTES]},
    ),
)  # fmt: skip
