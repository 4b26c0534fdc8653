"""Frames that nobody sealed: by an adversary who knows every public key, by a service that is not what it says, and by
a producer that breaks the limits of its own epoch.

Written by `docs/spec/frames.md` with the library's own primitives, so that it can do what `FrameSealer` never would.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from shared.frame.items import Item, encode_items
from shared.frame.layout import encode_name, encode_time
from shared.keys.private import Ed25519Signer, generate_ed25519, generate_xwing
from shared.keys.public import XWingPublic
from tests.tamper.cases import Case, Genuine
from tests.tamper.fields import split

SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
HOUR, SECOND, MICROSECOND = timedelta(hours=1), timedelta(seconds=1), timedelta(microseconds=1)
FRAMES_OF_AN_EPOCH = 2**20
NOBODIES = ("gateway-2", "ledger", "operator", "auditor", "intake.evil", "g", "a" * 64)


@dataclass(frozen=True)
class Draft:
    """A frame before it is sealed; whatever is changed is what is signed and sealed."""

    destination: str
    producer: str
    consumer: str
    recipient: XWingPublic
    plaintext: bytes
    now: datetime
    made_at: datetime | None = None
    life: timedelta = HOUR
    counter: int = 0
    kind: int = 1
    epoch_version: int = 1
    key_digest: bytes | None = None

    def seal(self, signer: Ed25519Signer) -> bytes:
        key = secrets.token_bytes(32)
        made_at = self.made_at or self.now
        bound = b"".join(
            (
                bytes([self.epoch_version]),
                encode_name(self.producer),
                encode_name(self.consumer),
                self.key_digest or hashlib.sha256(self.recipient.raw).digest(),
                secrets.token_bytes(16),
                encode_time(made_at),
                encode_time(made_at + self.life),
            )
        )
        signed = bound + SUITE.encrypt(key, self.recipient.hpke_key, b"comity-epoch/1\x00" + bound)
        return self.under(signed + signer.sign(b"comity-epoch/1\x00" + signed), key)

    def under(self, header: bytes, key: bytes) -> bytes:
        """The frame under an epoch header and a key."""
        clear = b"".join(
            (
                b"CMF\x01",
                encode_name(self.destination),
                bytes([self.kind]),
                _new_id(),
                self.counter.to_bytes(8, "big"),
                encode_time(self.now),
                len(header).to_bytes(2, "big"),
                header,
                (len(self.plaintext) + 16).to_bytes(4, "big"),
            )
        )
        nonce = self.counter.to_bytes(12, "big")
        return clear + AESGCM(key).encrypt(nonce, self.plaintext, b"comity-frame/1\x00" + clear)


def _new_id() -> bytes:
    raw = bytearray(secrets.token_bytes(16))
    raw[6], raw[8] = 0x70 | raw[6] & 0x0F, 0x80 | raw[8] & 0x3F
    return bytes(raw)


@dataclass(frozen=True)
class Forger:
    """What is known of one queue: who may speak there, to whose key, and an item that would have an effect."""

    queue: str
    consumer: str
    producers: Sequence[str]
    sealing: Mapping[str, XWingPublic]
    signers: Mapping[str, Ed25519Signer]
    """Private keys of the services, each used by its own service only: as its own name, or as another's."""
    items: Sequence[Item]
    genuine: Sequence[Genuine]
    retention: timedelta
    chance: Random

    def strangers(self, now: datetime) -> Iterator[Case]:
        """By who has no key of the exchange."""
        return self._rounds(self._strangers, now)

    def insiders(self, now: datetime) -> Iterator[Case]:
        """By a service of the exchange that was taken over, and is not what it says or speaks where it may not."""
        return self._rounds(self._insiders, now)

    def breaches(self, now: datetime) -> Iterator[Case]:
        """By a producer with all the right keys that does not keep the limits of its epoch or the form of its items."""
        return self._rounds(self._breaches, now)

    def _rounds(self, make: Callable[[datetime], Iterator[Case]], now: datetime) -> Iterator[Case]:
        """All of a kind in some order, and again."""
        while True:
            cases = list(make(now))
            self.chance.shuffle(cases)
            yield from cases

    def _strangers(self, now: datetime) -> Iterator[Case]:
        own = generate_ed25519()
        for producer in self.producers:
            draft = self._draft(producer, now)
            yield self._case("forged", f"signed by a key of its own as {producer}", draft.seal(own))
            header, key = self._unsigned_header(draft)
            noise = secrets.token_bytes(64)
            yield self._case("forged", f"signature of noise as {producer}", draft.under(header + noise, key))
            fields = split(self.chance.choice(self.genuine).frame)
            taken = header + fields["signature"]
            yield self._case("forged", "a genuine signature over another epoch", draft.under(taken, key))
            yield self._case("forged", "a new key in a genuine epoch", self._rewrapped(draft))
            yield self._case("forged", "a genuine epoch, its key guessed", self._guessed(draft))
        for nobody in NOBODIES:
            frame = self._draft(nobody, now).seal(own)
            yield self._case("not on the roster", f"{nobody} with a key of its own", frame)

    def _insiders(self, now: datetime) -> Iterator[Case]:
        for service, signer in self.signers.items():
            for producer in (*self.signers, *NOBODIES[:2]):
                if producer == service and producer in self.producers:
                    continue
                frame = self._draft(producer, now).seal(signer)
                yield self._case("insider", f"{service} as {producer}", frame)
        for producer in self.producers:
            draft, signer = self._draft(producer, now), self.signers[producer]
            other = self.chance.choice([name for name in self.sealing if name != self.consumer])
            elsewhere = replace(draft, consumer=other, recipient=self.sealing[other])
            yield self._case("insider", f"{producer} to {other} on this queue", elsewhere.seal(signer))
            unknown = replace(draft, recipient=generate_xwing().public_key())
            yield self._case("insider", f"{producer} to a key that nobody has", unknown.seal(signer))
            false = replace(unknown, key_digest=hashlib.sha256(draft.recipient.raw).digest())
            yield self._case("insider", f"{producer} to another key under this one's name", false.seal(signer))

    def _breaches(self, now: datetime) -> Iterator[Case]:
        old, most = self.retention, FRAMES_OF_AN_EPOCH
        for producer in self.producers:
            draft, signer = self._draft(producer, now), self.signers[producer]
            some = timedelta(seconds=self.chance.randint(1, 10**6))
            breaches = {
                "an epoch of more than an hour": replace(draft, life=HOUR + MICROSECOND),
                "an epoch of long": replace(draft, life=HOUR + some),
                "an epoch that ends as it begins": replace(draft, life=timedelta(0)),
                "an epoch that ends before it begins": replace(draft, life=-some),
                "sealed as its epoch ended": replace(draft, made_at=now - HOUR),
                "sealed after its epoch": replace(draft, made_at=now - HOUR - some),
                "sealed before its epoch": replace(draft, made_at=now + MICROSECOND),
                "the frame after the last": replace(draft, counter=most),
                "a frame far after the last": replace(draft, counter=self.chance.randint(most, 2**64 - 1)),
                "older than the inbox remembers": replace(draft, now=now - old - SECOND),
                "very old": replace(draft, now=now - old - some),
                "ahead of this clock": replace(draft, now=now + HOUR),
                "far ahead": replace(draft, now=now + HOUR + some),
                "sealed for another queue, to this one's key": replace(draft, destination="wakeups-2"),
                "another kind": replace(draft, kind=self.chance.choice((0, 2, 255))),
                "another version of the epoch": replace(draft, epoch_version=self.chance.choice((0, 2, 255))),
            }
            for what, breach in breaches.items():
                yield self._case("limits", f"{producer}: {what}", breach.seal(signer))
            for what, plaintext in self._bad_items().items():
                frame = replace(draft, plaintext=plaintext).seal(signer)
                yield self._case("items", f"{producer}: {what}", frame)

    def _draft(self, producer: str, now: datetime) -> Draft:
        plaintext = encode_items([self.chance.choice(self.items)])
        return Draft(self.queue, producer, self.consumer, self.sealing[self.consumer], plaintext, now)

    def _bad_items(self) -> dict[str, bytes]:
        good = encode_items([self.chance.choice(self.items)])
        name = 2 + 16
        return {
            "no items": b"\x00\x00",
            "nothing at all": b"",
            "fewer than it says": b"\x00\x02" + good[2:],
            "more than it says": good + good[2:],
            "more than may be": (1001).to_bytes(2, "big") + good[2:] * 2,
            "a byte behind the last": good + b"\x00",
            "cut": good[: self.chance.randrange(len(good))],
            "an id that is none": good[:2] + bytes(16) + good[name:],
            "a name that is none": good[: name + 1] + b"A" + good[name + 2 :],
        }

    def _unsigned_header(self, draft: Draft) -> tuple[bytes, bytes]:
        """A header of the adversary's own without its signature, and its key."""
        key = secrets.token_bytes(32)
        fields = split(draft.seal(generate_ed25519()))
        bound = b"".join(list(fields.values())[9:18])
        return bound + SUITE.encrypt(key, draft.recipient.hpke_key, b"comity-epoch/1\x00" + bound), key

    def _rewrapped(self, draft: Draft) -> bytes:
        """A genuine, signed epoch in which the wrap holds a key that the adversary chose."""
        fields = split(self.chance.choice(self.genuine).frame)
        key = secrets.token_bytes(32)
        bound = b"".join(list(fields.values())[9:18])
        wrap = SUITE.encrypt(key, draft.recipient.hpke_key, b"comity-epoch/1\x00" + bound)
        return draft.under(bound + wrap + fields["signature"], key)

    def _guessed(self, draft: Draft) -> bytes:
        fields = split(self.chance.choice(self.genuine).frame)
        header = b"".join(list(fields.values())[9:21])
        return draft.under(header, self.chance.choice((bytes(32), b"\xff" * 32, secrets.token_bytes(32))))

    def _case(self, group: str, what: str, frame: bytes) -> Case:
        return Case(group, f"{self.queue}: {what}", frame)
