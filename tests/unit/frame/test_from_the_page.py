"""A second reader of frames, written from docs/spec/frames.md and nothing else: the page and the code say the same."""

from __future__ import annotations

import hashlib
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from tests.unit.frame.services import NOW, OPENERS, SEALING, SIGNERS, an_item, sealer

SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def name(raw: bytes) -> tuple[bytes, bytes]:
    return raw[1 : 1 + raw[0]], raw[1 + raw[0] :]


def test_a_reader_made_from_the_page_reads_a_frame() -> None:
    items = [an_item(b"one"), an_item(b"")]
    gate = sealer("gateway")
    gate.seal("intake", items, NOW)
    frame = gate.seal("intake", items, NOW)  # the second of its epoch

    assert frame[:4] == b"CMF\x01"
    destination, rest = name(frame[4:])
    kind, _frame_id, counter, sealed_at, length = struct.unpack(">B16sQQH", rest[:35])
    header, rest = rest[35 : 35 + length], rest[35 + length :]
    (ciphertext_length,) = struct.unpack(">I", rest[:4])
    ciphertext = rest[4:]
    now_us = int(NOW.timestamp()) * 1_000_000
    assert (destination, kind, counter, sealed_at, ciphertext_length) == (b"intake", 1, 1, now_us, len(ciphertext))

    assert header[0] == 1
    producer, tail = name(header[1:])
    consumer, tail = name(tail)
    digest, _epoch, made_at, not_after = struct.unpack(">32s16sQQ", tail[:64])
    wrap, signature = tail[64 : 64 + 1168], tail[64 + 1168 :]
    assert (producer, consumer, made_at, not_after) == (b"gateway", b"intake", now_us, now_us + 3_600_000_000)
    assert digest == hashlib.sha256(SEALING["intake"].raw).digest()
    SIGNERS["gateway"].public_key().verify(signature, b"comity-epoch/1\x00" + header[:-64])
    key = SUITE.decrypt(wrap, OPENERS["intake"].hpke_key, b"comity-epoch/1\x00" + header[: -64 - 1168])

    clear = frame[: -len(ciphertext)]
    plain = AESGCM(key).decrypt(bytes(4) + struct.pack(">Q", counter), ciphertext, b"comity-frame/1\x00" + clear)
    read, plain = struct.unpack(">H", plain[:2])[0], plain[2:]
    found = []
    for _ in range(read):
        id_, plain = plain[:16].hex(), plain[16:]
        type_, plain = name(plain)
        version, size = struct.unpack(">HI", plain[:6])
        found.append((id_, type_.decode(), version, plain[6 : 6 + size]))
        plain = plain[6 + size :]
    assert plain == b""
    assert found == [(item.id.replace("-", ""), item.type, item.v, item.data) for item in items]
