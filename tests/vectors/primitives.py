"""Cryptography of which every byte can be told beforehand, so that vectors are made again byte for byte.

`cryptography` draws what HPKE, Cobblestone and ML-DSA need at random from the system and takes nothing in its place.
Here each scheme stands in single steps, and takes its randomness from `drawn`. For vectors alone: these lattice
libraries are slow, and not made to keep secrets.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from dilithium_py.ml_dsa import ML_DSA_65  # type: ignore[import-untyped]  # it ships no types
from kyber_py.ml_kem import ML_KEM_768  # type: ignore[import-untyped]  # it ships no types

from shared.keys.private import Ed25519Signer, MLDSA65Signer, XWingOpener

CHUNK_BYTES = 16 * 1024
LATTICE_BYTES = 1184
SUITE_ID = b"HPKE" + bytes.fromhex("647a 0001 0002")
XWING_LABEL = bytes.fromhex("5c2e2f2f5e5c")
COBBLESTONE_LABEL = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00"


def drawn(label: str, length: int = 32) -> bytes:
    """What a vector takes for random: SHAKE-256 of a label that everybody reads."""
    return hashlib.shake_256(f"comity test vector: {label}".encode()).digest(length)


def ed25519(label: str) -> Ed25519Signer:
    return Ed25519Signer(drawn(label))


def mldsa65(label: str) -> MLDSA65Signer:
    return MLDSA65Signer(drawn(label))


def xwing(label: str) -> XWingOpener:
    return XWingOpener(drawn(label))


@cache
def sign_mldsa65(seed: bytes, data: bytes) -> bytes:
    """FIPS 204's deterministic variant, with the empty context."""
    _, secret = ML_DSA_65.key_derive(seed)
    signature: bytes = ML_DSA_65.sign(secret, data, deterministic=True)
    return signature


@dataclass(frozen=True, slots=True)
class Wrapped:
    """An HPKE ciphertext, and what lies between: the KEM's secret, the AEAD's key and nonce."""

    wrap: bytes
    shared_secret: bytes
    key: bytes
    nonce: bytes


def hpke_seal(public: bytes, info: bytes, plaintext: bytes, randomness: bytes) -> Wrapped:
    """RFC 9180 base mode, X-Wing, HKDF-SHA256, AES-256-GCM; 64 bytes: ML-KEM's m, then the ephemeral X25519 scalar."""
    lattice, curve = public[:LATTICE_BYTES], public[LATTICE_BYTES:]
    lattice_secret, lattice_ct = ML_KEM_768._encaps_internal(lattice, randomness[:32])  # FIPS 203, algorithm 17
    ephemeral = X25519PrivateKey.from_private_bytes(randomness[32:])
    share = ephemeral.public_key().public_bytes_raw()
    curve_secret = ephemeral.exchange(X25519PublicKey.from_public_bytes(curve))
    shared = hashlib.sha3_256(lattice_secret + curve_secret + share + curve + XWING_LABEL).digest()
    key, nonce = _hpke_schedule(shared, info)
    return Wrapped(lattice_ct + share + AESGCM(key).encrypt(nonce, plaintext, b""), shared, key, nonce)


@dataclass(frozen=True, slots=True)
class Chunked:
    """A Cobblestone-256 ciphertext, and the three values that its key, salt and context derive to."""

    ct: bytes
    key: bytes
    nonce: bytes
    commitment: bytes


def cobblestone_seal(key: bytes, salt: bytes, context: bytes, plaintext: bytes) -> Chunked:
    derived = _expand(key, COBBLESTONE_LABEL + salt + context, 32 + 12 + 32, "sha512")
    chunk_key, nonce, commitment = derived[:32], derived[32:44], derived[44:]
    cipher, base = AESGCM(chunk_key), int.from_bytes(nonce, "big")
    chunks = [
        cipher.encrypt((base ^ index).to_bytes(12, "big"), plaintext[at : at + CHUNK_BYTES], b"")
        for index, at in enumerate(range(0, len(plaintext) + 1, CHUNK_BYTES))
    ]
    return Chunked(salt + commitment + b"".join(chunks), chunk_key, nonce, commitment)


def _expand(prk: bytes, info: bytes, length: int, algorithm: str = "sha256") -> bytes:
    output, block, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.digest(prk, block + info + bytes([counter]), algorithm)
        output, counter = output + block, counter + 1
    return output[:length]


def _hpke_schedule(shared: bytes, info: bytes) -> tuple[bytes, bytes]:
    def extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return hmac.digest(salt, b"HPKE-v1" + SUITE_ID + label + ikm, "sha256")

    def expand(label: bytes, context: bytes, length: int) -> bytes:
        return _expand(secret, length.to_bytes(2, "big") + b"HPKE-v1" + SUITE_ID + label + context, length)

    context = b"\x00" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared, b"secret", b"")
    return expand(b"key", context, 32), expand(b"base_nonce", context, 12)
