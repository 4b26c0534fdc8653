"""Padding of a part before it is sealed, so that a ciphertext's length tells little of what is inside.

Rules:
1. The padded part is its length (8 bytes, big-endian), its bytes, then zero bytes up to the padded length.
2. The padded length is Padmé's (Nikitin et al., PURBs, PETS 2019, §4): at most 12 % more, and no more than
   O(log log length) bits of the length show; never less than 1024, so that short decisions look alike.
3. Only the one padding of a part is accepted: one plaintext, one padded text.
"""

from __future__ import annotations

MIN_PADDED_BYTES = 1024
_LENGTH_BYTES = 8


def padded_length(length: int) -> int:
    """The padded length of a part of `length` bytes, its 8-byte length field included."""
    return max(MIN_PADDED_BYTES, _padme(_LENGTH_BYTES + length))


def pad_part(data: bytes) -> bytes:
    return (len(data).to_bytes(_LENGTH_BYTES, "big") + data).ljust(padded_length(len(data)), b"\x00")


def unpad_part(padded: bytes) -> bytes:
    """The part in this padded text. Raises ValueError for any other text than `pad_part` makes."""
    length = int.from_bytes(padded[:_LENGTH_BYTES], "big")
    end = _LENGTH_BYTES + length
    if len(padded) < MIN_PADDED_BYTES or end > len(padded) or len(padded) != padded_length(length):
        raise ValueError("its length is not that of its padding")
    if padded.count(0, end) != len(padded) - end:
        raise ValueError("its padding is not zero")
    return padded[_LENGTH_BYTES:end]


def _padme(length: int) -> int:
    exponent = length.bit_length() - 1
    low_bits = exponent - exponent.bit_length()
    mask = (1 << low_bits) - 1
    return (length + mask) & ~mask
