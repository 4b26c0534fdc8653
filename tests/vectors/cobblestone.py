"""C2SP chunked encryption: every case that Project Wycheproof has for Cobblestone-256, judged by the decryptor in use.

No package serves Wycheproof's own file, so each case is made here, by the specification's steps in `primitives.py` and
without the library that decrypts: what decrypts must be what was sealed, what was altered must not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.exceptions import InvalidTag

from tests.vectors.judged import Case, Group, expect
from tests.vectors.primitives import CHUNK_BYTES, Chunked, cobblestone_seal, drawn

KEY, SALT, CONTEXT = drawn("cobblestone key"), drawn("cobblestone salt", 24), b""
HEADER: Final = 24 + 32
SEALED: Final = CHUNK_BYTES + 16
"""A full chunk with its tag."""

MESSAGES: Final[Mapping[str, tuple[int, bytes]]] = {
    "empty message": (0, b""),
    "short message, single chunk": (7, b""),
    "full chunk, then an empty one": (CHUNK_BYTES, b""),
    "full chunk, then a short one": (CHUNK_BYTES + 1, b""),
    "two full chunks, then an empty one": (2 * CHUNK_BYTES, b""),
    "two full chunks, then a short one": (2 * CHUNK_BYTES + 1, b""),
    "256 full chunks, then a short one: the counter's second byte": (256 * CHUNK_BYTES + 1, b""),
    "257 full chunks, then a short one": (257 * CHUNK_BYTES + 1, b""),
    "with a context": (7, b"test context"),
    "with a context that holds a NUL": (7, b"test\x00context"),
}


@cache
def _sealed(length: int, context: bytes = CONTEXT) -> Chunked:
    return cobblestone_seal(KEY, SALT, context, _message(length))


def _message(length: int) -> bytes:
    return (drawn("cobblestone message", CHUNK_BYTES) * (length // CHUNK_BYTES + 1))[:length]


def _open(key: bytes, context: bytes, ct: bytes) -> bytes | None:
    """As `client.opening.open_part` does; None for a refusal."""
    try:
        decryptor = Cobblestone256Decryptor(key, context)
        return bytes(decryptor.update(ct)) + bytes(decryptor.finalize())
    except (InvalidTag, ValueError):
        return None


def _flipped(ct: bytes, at: int) -> bytes:
    at %= len(ct)
    return ct[:at] + bytes([ct[at] ^ 1]) + ct[at + 1 :]


def _altered() -> dict[str, bytes]:
    short, full = _sealed(7).ct, _sealed(CHUNK_BYTES).ct
    full_and_short, three = _sealed(CHUNK_BYTES + 1).ct, _sealed(2 * CHUNK_BYTES + 1).ct
    first, second, last = three[HEADER : HEADER + SEALED], three[HEADER + SEALED : HEADER + 2 * SEALED], three[-17:]
    one_more = _sealed(3 * CHUNK_BYTES).ct[-16:]
    return {
        "a bit of a single chunk flipped": _flipped(short, HEADER),
        "a bit of its tag flipped": _flipped(short, -1),
        "a bit of the short chunk after a full one flipped": _flipped(full_and_short, -17),
        "a bit of the second full chunk flipped": _flipped(three, HEADER + SEALED),
        "a bit of an empty last chunk's tag flipped": _flipped(full, -1),
        "a bit of the first chunk flipped before a valid short one": _flipped(full_and_short, HEADER),
        "the tag of a single chunk cut off": short[:-16],
        "a chunk shorter than a tag": short[: HEADER + 12],
        "20 bytes after the last chunk": full + drawn("noise", 20),
        "12 bytes after the last chunk": full + drawn("noise", 12),
        "the header alone": short[:HEADER],
        "another commitment": _flipped(short, 24),
        "another salt": _flipped(short, 0),
        "nothing": b"",
        "the salt alone": short[:24],
        "the salt and a piece of the commitment": short[:40],
        "a piece of the salt": short[:12],
        "the empty last chunk cut off": full[:-16],
        "cut within the second chunk": three[: HEADER + SEALED + 100],
        "the last chunk cut off where a chunk ends": three[:-17],
        "two chunks exchanged": three[:HEADER] + second + first + last,
        "a chunk in the place of the next": three[:HEADER] + first + first + last,
        "a chunk that is sealed for the place after the last": three + one_more,
    }


def cobblestone_group() -> Group:
    return Group("c2sp chunked encryption, Wycheproof's cases made here", tuple(_cases()))


def _cases() -> Iterator[Case]:
    for name, (length, context) in MESSAGES.items():
        opened = _open(KEY, context, _sealed(length, context).ct)
        yield Case(name, opened == _message(length), "it does not open to its message")
    for name, ct in _altered().items():
        yield expect(name, _open(KEY, CONTEXT, ct), None)
    for name, key in {"another key": drawn("other"), "a short key": KEY[:-1], "a long key": KEY + b"\x00"}.items():
        yield expect(name, _open(key, CONTEXT, _sealed(7).ct), None)
    yield expect("another context", _open(KEY, b"wrong context", _sealed(7).ct), None)
