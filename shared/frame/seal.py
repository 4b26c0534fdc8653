"""Sealing frames: `comity-frame/1`.

    "CMF" 01 | destination | kind 01 | frame id (16) | counter (8) | sealed-at (8) | header length (2) | epoch header
    | ciphertext length (4) | ciphertext

The ciphertext is AES-256-GCM over the items under the epoch's key; nonce = 4 zero bytes and the counter; associated
data = "comity-frame/1" 00 and every byte of the frame before the ciphertext. So the destination, the id, the kind, the
producer, the epoch and the time are bound, and no byte of a frame can change.

Rules:
1. One epoch key per sealer and consumer, made when it is first needed, renewed after an hour or 2^20 frames.
2. Every publish seals anew: a counter is never used twice, whatever became of the frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.domain.ids import new_uuid7
from shared.errors import FrameRefused, FrameTooLarge
from shared.frame.epoch import EPOCH_FRAMES, EPOCH_LIFE, make_epoch
from shared.frame.items import Item, encode_items
from shared.frame.layout import encode_id, encode_name, encode_time
from shared.keys.private import Ed25519Signer
from shared.keys.public import XWingPublic

FRAME_DOMAIN: Final = b"comity-frame/1\x00"
MAGIC: Final = b"CMF\x01"
KIND_ITEMS: Final = 1
MAX_FRAME_BYTES: Final = 8 * 1024 * 1024
TAG_BYTES: Final = 16


@dataclass(slots=True)
class _Epoch:
    header: bytes
    cipher: AESGCM
    made_at: datetime
    used: int = 0

    def serves(self, now: datetime) -> bool:
        return self.used < EPOCH_FRAMES and self.made_at <= now < self.made_at + EPOCH_LIFE


class FrameSealer:
    """Seals for one producer process. Make it after any fork: two processes that share an epoch would repeat nonces.

    `recipients` maps a consumer service to its X-Wing key, `consumers` a destination to its consumer service. Threads
    may share a sealer.
    """

    def __init__(
        self,
        producer: str,
        signer: Ed25519Signer,
        recipients: Mapping[str, XWingPublic],
        consumers: Mapping[str, str],
    ) -> None:
        self._producer = producer
        self._signer = signer
        self._recipients = dict(recipients)
        self._consumers = dict(consumers)
        self._epochs: dict[str, _Epoch] = {}
        self._lock = Lock()

    def seal(self, destination: str, items: Sequence[Item], now: datetime) -> bytes:
        """One frame for this logical destination.

        Raises FrameTooLarge above 8 MiB, and FrameRefused for items without encoding or a destination without key.
        """
        plaintext = encode_items(items)
        header, cipher, counter = self._next_counter(destination, now)
        length = len(plaintext) + TAG_BYTES
        clear = b"".join(
            (
                MAGIC,
                encode_name(destination),
                bytes([KIND_ITEMS]),
                encode_id(new_uuid7(now)),
                counter.to_bytes(8, "big"),
                encode_time(now),
                len(header).to_bytes(2, "big"),
                header,
                length.to_bytes(4, "big"),
            )
        )
        if len(clear) + length > MAX_FRAME_BYTES:
            raise FrameTooLarge(size=len(clear) + length, limit=MAX_FRAME_BYTES)
        return clear + cipher.encrypt(counter.to_bytes(12, "big"), plaintext, FRAME_DOMAIN + clear)

    def _next_counter(self, destination: str, now: datetime) -> tuple[bytes, AESGCM, int]:
        """The current epoch's header and cipher, and a counter that nobody gets again."""
        consumer = self._consumers.get(destination)
        if consumer is None or consumer not in self._recipients:
            raise FrameRefused(why=f"the destination {destination} has no consumer with a known key")
        with self._lock:
            epoch = self._epochs.get(consumer)
            if epoch is None or not epoch.serves(now):
                header, cipher = make_epoch(self._producer, self._signer, consumer, self._recipients[consumer], now)
                epoch = self._epochs[consumer] = _Epoch(header, cipher, now)
            epoch.used += 1
            return epoch.header, epoch.cipher, epoch.used - 1
