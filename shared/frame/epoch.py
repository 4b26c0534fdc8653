"""The epoch header: one AES key of one producer process for one consumer service, sealed, signed, and never stored.

    01 | producer | consumer | key digest (32) | epoch (16) | made-at (8) | not-after (8) | wrap (1168) | signature (64)

`key digest` is the SHA-256 of the consumer's raw X-Wing key, as in its kid; `wrap` is the AES key, HPKE-sealed with
everything before it as `info`; the Ed25519 signature covers everything before it. Both prefixed "comity-epoch/1" 00.

Rules:
1. A header is parsed to the last byte or refused.
2. Nobody unwraps before the signature of a producer on the roster verified.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from shared.errors import FrameRefused
from shared.frame.layout import TIME_BYTES, Reader, encode_name, encode_time
from shared.keys.base64url import encode_b64u
from shared.keys.private import Ed25519Signer, XWingOpener
from shared.keys.public import Ed25519Public, XWingPublic, service_owner

EPOCH_DOMAIN: Final = b"comity-epoch/1\x00"
EPOCH_LIFE: Final = timedelta(hours=1)
EPOCH_FRAMES: Final = 2**20

_LIFE_US = EPOCH_LIFE // timedelta(microseconds=1)
_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_VERSION = 1
_KEY_BYTES, _ID_BYTES, _DIGEST_BYTES, _SIGNATURE_BYTES = 32, 16, 32, 64
_WRAP_BYTES = 1120 + _KEY_BYTES + 16  # X-Wing encapsulation, sealed key, tag


@dataclass(frozen=True, slots=True)
class EpochHeader:
    """A header as read: well-formed, nothing verified."""

    producer: str
    consumer: str
    consumer_kid: str
    epoch: bytes
    made_at: int
    not_after: int
    bound: bytes
    wrap: bytes
    signature: bytes


def make_epoch(
    producer: str, signer: Ed25519Signer, consumer: str, recipient: XWingPublic, now: datetime
) -> tuple[bytes, AESGCM]:
    """A new epoch's header, and the cipher under its key."""
    key = AESGCM.generate_key(bit_length=256)
    bound = b"".join(
        (
            bytes([_VERSION]),
            encode_name(producer),
            encode_name(consumer),
            hashlib.sha256(recipient.raw).digest(),
            secrets.token_bytes(_ID_BYTES),
            encode_time(now),
            encode_time(now + EPOCH_LIFE),
        )
    )
    signed = bound + _SUITE.encrypt(key, recipient.hpke_key, EPOCH_DOMAIN + bound)
    return signed + signer.sign(EPOCH_DOMAIN + signed), AESGCM(key)


def parse_epoch(raw: bytes) -> EpochHeader:
    """Form only. Raises FrameRefused."""
    reader = Reader(raw)
    if reader.take(1)[0] != _VERSION:
        raise FrameRefused(why="an epoch header of an unknown version")
    producer, consumer = reader.name(), reader.name()
    digest, epoch = reader.take(_DIGEST_BYTES), reader.take(_ID_BYTES)
    made_at, not_after = reader.integer(TIME_BYTES), reader.integer(TIME_BYTES)
    bound = raw[: reader.at]
    wrap, signature = reader.take(_WRAP_BYTES), reader.take(_SIGNATURE_BYTES)
    reader.end()
    kid = f"{service_owner(consumer)}#{encode_b64u(digest)}"
    return EpochHeader(producer, consumer, kid, epoch, made_at, not_after, bound, wrap, signature)


def open_epoch(
    header: EpochHeader, producer_keys: Sequence[Ed25519Public], openers: Mapping[str, XWingOpener]
) -> AESGCM:
    """The cipher of a header signed by one of `producer_keys`, unwrapped by one of `openers` (by kid).

    Raises FrameRefused.
    """
    if not any(_is_signed_by(header, key) for key in producer_keys):
        raise FrameRefused(why="the epoch's signature does not verify")
    if not 0 < header.not_after - header.made_at <= _LIFE_US:
        raise FrameRefused(why="the epoch lasts longer than an hour")
    opener = openers.get(header.consumer_kid)
    if opener is None:
        raise FrameRefused(why=f"it is sealed to {header.consumer_kid}, which is not a key of this service")
    try:
        key = _SUITE.decrypt(header.wrap, opener.hpke_key, EPOCH_DOMAIN + header.bound)
    except (InvalidTag, ValueError):
        raise FrameRefused(why="the epoch's key does not unwrap") from None
    return AESGCM(key)


def _is_signed_by(header: EpochHeader, key: Ed25519Public) -> bool:
    try:
        key.verify(header.signature, EPOCH_DOMAIN + header.bound + header.wrap)
    except InvalidSignature:
        return False
    return True
