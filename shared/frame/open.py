"""Authenticating and opening frames. Broker headers play no part: everything that counts is inside the frame.

The steps, in order; each refuses with FrameRefused:
(1) size and form, to the last byte          (2) sealed for the destination that it was taken from
(3) sealed by a service that may speak there, for this service
(4) the epoch header is signed by that service's key on the roster, or by a former one if it was made in its time, and
    its key unwraps (once per epoch, then cached)
(5) the frame decrypts: nothing in it or before it was changed
(6) its counter and time lie within the epoch; it is neither older than the retention nor ahead of the clock
(7) its items have the exact form

Repeats are not its concern: the receiver claims item ids in its inbox. Since frames older than the inbox's retention
are refused, pruning the inbox revives nothing. A frame that this service itself parked or set aside is opened again
with `check_age=False`: step (6) then asks for the epoch only.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import FrameRefused
from shared.frame.epoch import EPOCH_FRAMES, EpochHeader, open_epoch, parse_epoch
from shared.frame.items import Item, parse_items
from shared.frame.layout import TIME_BYTES, Reader, parse_time_us
from shared.frame.seal import FRAME_DOMAIN, KIND_ITEMS, MAGIC, MAX_FRAME_BYTES
from shared.keys.private import XWingOpener
from shared.keys.roster import Roster

MAX_CACHED_EPOCHS: Final = 256
"""Epochs kept open at once: producers' processes, each with one an hour. The least recently used goes first."""

FUTURE_S: Final = 60.0
"""Seconds by which a producer's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class OpenedFrame:
    """An authentic frame. `sealed_at` is the producer's clock."""

    frame_id: str
    producer: str
    destination: str
    sealed_at: datetime
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class _OpenEpoch:
    header: EpochHeader
    cipher: AESGCM


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame as read: `clear` is every byte before the ciphertext."""

    clear: bytes
    destination: str
    frame_id: str
    counter: int
    sealed_at: int
    epoch: bytes
    ciphertext: bytes


class FrameOpener:
    """Opens the frames of one service, for one thread.

    `openers` are its X-Wing keys by kid: the current one, and those whose frames may still be parked. `producers` maps
    each destination to the services that may speak there; `retention_s` is how long the inbox remembers, in seconds.
    """

    def __init__(
        self,
        service: str,
        openers: Mapping[str, XWingOpener],
        roster: Roster,
        producers: Mapping[str, frozenset[str]],
        retention_s: float,
    ) -> None:
        self._service = service
        self._openers = dict(openers)
        self._roster = roster
        self._producers = dict(producers)
        self.retention = timedelta(seconds=retention_s)
        self._epochs: OrderedDict[bytes, _OpenEpoch] = OrderedDict()

    def open(self, raw: bytes, destination: str, now: datetime, *, check_age: bool = True) -> OpenedFrame:
        """The frame in these bytes, taken from this logical destination. Raises FrameRefused, saying at which step."""
        frame = _parse_frame(raw)  # (1)
        if frame.destination != destination:  # (2)
            raise FrameRefused(why=f"it is sealed for {frame.destination}, not for {destination}")
        epoch = self._epochs.get(frame.epoch)
        header = epoch.header if epoch else parse_epoch(frame.epoch)
        self._check_parties(header, destination)  # (3)
        if epoch is None:
            epoch = self._admit_epoch(frame.epoch, header)  # (4)
        else:
            self._epochs.move_to_end(frame.epoch)
        try:  # (5)
            nonce = frame.counter.to_bytes(12, "big")
            plaintext = epoch.cipher.decrypt(nonce, frame.ciphertext, FRAME_DOMAIN + frame.clear)
        except InvalidTag:
            raise FrameRefused(why="it does not decrypt") from None
        if not header.made_at <= frame.sealed_at < header.not_after or frame.counter >= EPOCH_FRAMES:  # (6)
            raise FrameRefused(why="it lies outside its epoch")
        sealed_at = parse_time_us(frame.sealed_at)
        if check_age:
            self._check_age(sealed_at, now)
        return OpenedFrame(frame.frame_id, header.producer, destination, sealed_at, parse_items(plaintext))  # (7)

    def _check_parties(self, header: EpochHeader, destination: str) -> None:
        if header.consumer != self._service:
            raise FrameRefused(why=f"it is sealed for the service {header.consumer}")
        if header.producer not in self._producers.get(destination, frozenset()):
            raise FrameRefused(why=f"{header.producer} may not send to {destination}")

    def _admit_epoch(self, raw: bytes, header: EpochHeader) -> _OpenEpoch:
        producer_keys = self._roster.signing_keys(header.producer, parse_time_us(header.made_at))
        if not producer_keys:
            raise FrameRefused(why=f"{header.producer} is not on the roster")
        epoch = _OpenEpoch(header, open_epoch(header, producer_keys, self._openers))
        self._epochs[raw] = epoch
        if len(self._epochs) > MAX_CACHED_EPOCHS:
            self._epochs.popitem(last=False)
        return epoch

    def _check_age(self, sealed_at: datetime, now: datetime) -> None:
        if now - sealed_at > self.retention:
            raise FrameRefused(why="it is older than the inbox remembers")
        if sealed_at - now > timedelta(seconds=FUTURE_S):
            raise FrameRefused(why="it is dated ahead of this clock")


def _parse_frame(raw: bytes) -> _Frame:
    if len(raw) > MAX_FRAME_BYTES:
        raise FrameRefused(why=f"it has more than {MAX_FRAME_BYTES} bytes")
    reader = Reader(raw)
    if reader.take(len(MAGIC)) != MAGIC:
        raise FrameRefused(why="it is no frame of this version")
    destination = reader.name()
    if reader.integer(1) != KIND_ITEMS:
        raise FrameRefused(why="it is of an unknown kind")
    frame_id, counter, sealed_at = reader.id(), reader.integer(8), reader.integer(TIME_BYTES)
    epoch = reader.take(reader.integer(2))
    length = reader.integer(4)
    clear = raw[: reader.at]
    ciphertext = reader.take(length)
    reader.end()
    return _Frame(clear, destination, frame_id, counter, sealed_at, epoch, ciphertext)
