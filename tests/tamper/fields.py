"""The fields of a frame by name, read by `docs/spec/frames.md` alone: the adversary does not use our code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ENCAPSULATION_BYTES, SEALED_KEY_BYTES, SIGNATURE_BYTES, TAG_BYTES = 1120, 48, 64, 16
HEADER: Final = (
    *("header version", "producer length", "producer", "consumer length", "consumer", "key digest", "epoch"),
    *("made at", "not after", "encapsulation", "sealed key", "signature"),
)
FIELDS: Final = (
    *("magic", "version", "destination length", "destination", "kind", "frame id", "counter", "sealed at"),
    *("header length", *HEADER, "ciphertext length", "ciphertext", "tag"),
)
LENGTHS: Final = frozenset(name for name in FIELDS if name.endswith("length"))

Fields = dict[str, bytes]


def split(frame: bytes) -> Fields:
    """Every byte of a genuine frame under the name of its field, in order."""
    at = 0
    found: Fields = {}

    def take(name: str, length: int) -> int:
        nonlocal at
        found[name] = frame[at : at + length]
        at += length
        return int.from_bytes(found[name], "big")

    take("magic", 3)
    take("version", 1)
    take("destination", take("destination length", 1))
    for name, length in (("kind", 1), ("frame id", 16), ("counter", 8), ("sealed at", 8), ("header length", 2)):
        take(name, length)
    take("header version", 1)
    take("producer", take("producer length", 1))
    take("consumer", take("consumer length", 1))
    for name, length in (("key digest", 32), ("epoch", 16), ("made at", 8), ("not after", 8)):
        take(name, length)
    take("encapsulation", ENCAPSULATION_BYTES)
    take("sealed key", SEALED_KEY_BYTES)
    take("signature", SIGNATURE_BYTES)
    take("ciphertext", take("ciphertext length", 4) - TAG_BYTES)
    take("tag", TAG_BYTES)
    if join(found) != frame or tuple(found) != FIELDS:
        raise ValueError("this is no frame as the page describes it")
    return found


def join(fields: Mapping[str, bytes]) -> bytes:
    return b"".join(fields[name] for name in FIELDS)


def header_of(fields: Mapping[str, bytes]) -> bytes:
    return b"".join(fields[name] for name in HEADER)


def with_lengths(fields: Mapping[str, bytes]) -> Fields:
    """The same with every length as its field now is, so that the form is right again."""
    mended = dict(fields)
    for name in ("destination", "producer", "consumer"):
        mended[f"{name} length"] = (len(fields[name]) % 256).to_bytes(1, "big")
    mended["header length"] = (len(header_of(mended)) % 2**16).to_bytes(2, "big")
    mended["ciphertext length"] = (len(fields["ciphertext"]) + len(fields["tag"])).to_bytes(4, "big")
    return {name: mended[name] for name in FIELDS}
