"""A frame with every secret disclosed, written from `docs/spec/frames.md` as bytes: nothing of ours seals it.

Each refused frame is that one with what its name says changed, and sealed and signed anew where that is needed, so that
a reader which does not look there accepts it.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.keys.base64url import encode_b64u
from tests.vectors.primitives import drawn, ed25519, hpke_seal, xwing

EXCHANGE = "comity.example/log"
NOW = "2026-11-22T09:00:00.250000Z"
MADE_AT = int(datetime(2026, 11, 22, 9, tzinfo=UTC).timestamp()) * 1_000_000
HOUR = 3_600_000_000
IDS = ("019aaa00-0000-7000-8000-000000000001", "019aaa00-0000-7000-8000-000000000002")
ITEMS = ((IDS[0], "submit-envelope", 1, b'{"hello":"intake"}'), (IDS[1], "record-key-event", 2, b""))
FRAME_ID = "019aaa00-0000-7000-8000-0000000000f0"
SERVICES = ("gateway", "intake", "routing")
SIGNERS = {name: ed25519(f"exchange/{name} signs") for name in SERVICES}
OPENERS = {name: xwing(f"exchange/{name} opens") for name in SERVICES}


def name(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


@dataclass(frozen=True)
class _Frame:
    """Everything that goes into a frame, in its order."""

    destination: str = "intake"
    kind: int = 1
    frame_id: str = FRAME_ID
    counter: int = 1
    sealed_at: int = MADE_AT + 250_000
    version: int = 1
    producer: str = "gateway"
    consumer: str = "intake"
    made_at: int = MADE_AT
    not_after: int = MADE_AT + HOUR
    items: bytes = b""
    signs: str = "gateway"
    recipient: str = "intake"
    after: bytes = b""

    def plaintext(self) -> bytes:
        return self.items or encode_items(ITEMS)

    def bound(self) -> bytes:
        digest = hashlib.sha256(OPENERS[self.recipient].public).digest()
        times = struct.pack(">QQ", self.made_at, self.not_after)
        return bytes([self.version]) + name(self.producer) + name(self.consumer) + digest + drawn("epoch", 16) + times

    def header(self) -> bytes:
        info = b"comity-epoch/1\x00" + self.bound()
        wrap = hpke_seal(OPENERS[self.recipient].public, info, drawn("epoch key"), drawn("encapsulation", 64)).wrap
        signed = self.bound() + wrap
        return signed + SIGNERS[self.signs].sign(b"comity-epoch/1\x00" + signed)

    def clear(self) -> bytes:
        id_ = bytes.fromhex(self.frame_id.replace("-", ""))
        header = self.header()
        fixed = bytes([self.kind]) + id_ + struct.pack(">QQH", self.counter, self.sealed_at, len(header))
        return b"CMF\x01" + name(self.destination) + fixed + header + struct.pack(">I", len(self.plaintext()) + 16)

    def encode(self) -> bytes:
        clear = self.clear()
        nonce = self.counter.to_bytes(12, "big")
        sealed = AESGCM(drawn("epoch key")).encrypt(nonce, self.plaintext(), b"comity-frame/1\x00" + clear)
        return clear + sealed + self.after


def encode_items(items: tuple[tuple[str, str, int, bytes], ...]) -> bytes:
    listed = [
        bytes.fromhex(id_.replace("-", "")) + name(type_) + struct.pack(">HI", version, len(data)) + data
        for id_, type_, version, data in items
    ]
    return struct.pack(">H", len(items)) + b"".join(listed)


GOOD = _Frame()
REFUSED: Mapping[str, bytes] = {
    "cut by a byte": GOOD.encode()[:-1],
    "a byte follows": replace(GOOD, after=b"\x00").encode(),
    "another magic": b"CMF\x02" + GOOD.encode()[4:],
    "another kind": replace(GOOD, kind=2).encode(),
    "a destination in capitals": replace(GOOD, destination="Intake").encode(),
    "another destination": replace(GOOD, destination="routing").encode(),
    "a frame id of version 4": replace(GOOD, frame_id="019aaa00-0000-4000-8000-0000000000f0").encode(),
    "an epoch of version 2": replace(GOOD, version=2).encode(),
    "a producer that may not speak here": replace(GOOD, producer="routing", signs="routing").encode(),
    "a producer that is not on the roster": replace(GOOD, producer="ledger").encode(),
    "another consumer": replace(GOOD, consumer="routing").encode(),
    "a signature of another service": replace(GOOD, signs="routing").encode(),
    "sealed to the key of another service": replace(GOOD, recipient="routing").encode(),
    "an epoch of more than an hour": replace(GOOD, not_after=MADE_AT + HOUR + 1).encode(),
    "an epoch that ends when it begins": replace(GOOD, sealed_at=MADE_AT, not_after=MADE_AT).encode(),
    "a counter of 2^20": replace(GOOD, counter=2**20).encode(),
    "sealed before its epoch": replace(GOOD, sealed_at=MADE_AT - 1).encode(),
    "sealed at the end of its epoch": replace(GOOD, sealed_at=MADE_AT + HOUR).encode(),
    "older than the inbox remembers": replace(
        GOOD, made_at=MADE_AT - 100 * HOUR, not_after=MADE_AT - 99 * HOUR, sealed_at=MADE_AT - 100 * HOUR
    ).encode(),
    "more than 60 s ahead": replace(GOOD, sealed_at=MADE_AT + 60_250_001).encode(),
    "a ciphertext bit changed": GOOD.encode()[:-1] + bytes([GOOD.encode()[-1] ^ 1]),
    "no item": replace(GOOD, items=encode_items(())).encode(),
    "an item of version 0": replace(GOOD, items=encode_items(((IDS[0], "submit-envelope", 0, b""),))).encode(),
    "an item of more bytes than there are": replace(GOOD, items=encode_items(ITEMS)[:-1]).encode(),
    "a byte after the items": replace(GOOD, items=encode_items(ITEMS) + b"\x00").encode(),
    "a type in capitals": replace(GOOD, items=encode_items(((IDS[0], "Submit", 1, b""),))).encode(),
}
RETENTION_S = 72 * 3600


def files() -> dict[str, object]:
    return {"frames/frame.json": _frame(), "frames/roster.json": _roster()}


def _frame() -> dict[str, Any]:
    frame = GOOD.encode()
    return {
        "destination": GOOD.destination,
        "consumer": GOOD.consumer,
        "retention_s": RETENTION_S,
        "producers": {"intake": ["gateway"], "routing": ["gateway", "intake"]},
        "now": NOW,
        "frame": encode_b64u(frame),
        "producer": GOOD.producer,
        "frame_id": GOOD.frame_id,
        "sealed_at": NOW,
        "items": [{"id": one[0], "type": one[1], "v": one[2], "data": one[3].decode()} for one in ITEMS],
        "steps": {
            "epoch_key": encode_b64u(drawn("epoch key")),
            "encapsulation": encode_b64u(drawn("encapsulation", 64)),
            "wrap_info": encode_b64u(b"comity-epoch/1\x00" + GOOD.bound()),
            "epoch_header": encode_b64u(GOOD.header()),
            "signed": encode_b64u(b"comity-epoch/1\x00" + GOOD.header()[:-64]),
            "nonce": encode_b64u(GOOD.counter.to_bytes(12, "big")),
            "associated_data": encode_b64u(b"comity-frame/1\x00" + GOOD.clear()),
            "plaintext": encode_b64u(GOOD.plaintext()),
        },
        "refused": [{"name": what, "frame": encode_b64u(raw)} for what, raw in REFUSED.items()],
    }


def _roster() -> dict[str, Any]:
    operators = [ed25519(f"operator {number}") for number in (1, 2)]
    document = {
        "exchange": EXCHANGE,
        "issued_at": "2026-11-22T09:00:00.000000Z",
        "services": [
            {"seal": encode_b64u(OPENERS[one].public), "service": one, "sign": encode_b64u(SIGNERS[one].public)}
            for one in SERVICES
        ],
        "v": "comity-roster/1",
    }
    raw = json.dumps(document, separators=(",", ":")).encode()
    signatures = [
        {"kid": one.kid("operator"), "sig": encode_b64u(one.sign(b"comity-roster/1\x00" + raw))} for one in operators
    ]
    return {
        "exchange": EXCHANGE,
        "operators": [encode_b64u(one.public) for one in operators],
        "quorum": 2,
        "seeds": {
            one: {"sign": encode_b64u(SIGNERS[one].seed), "seal": encode_b64u(OPENERS[one].seed)} for one in SERVICES
        },
        "document": raw.decode(),
        "roster": json.dumps({"document": encode_b64u(raw), "signatures": signatures}, separators=(",", ":")),
    }
