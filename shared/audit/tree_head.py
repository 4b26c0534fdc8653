"""The text of a checkpoint: three lines that name a log, its size and its root (C2SP tlog-checkpoint, "Note text").

Rules: origin, size in decimal without leading zeros, root in base64 of exactly 32 bytes; each text has one reading
and each tree head one text. Extension lines are refused, since type 0x06 signatures do not cover them (C2SP
tlog-cosignature, "ML-DSA-44 signed message"). Signatures are the business of `notes` and `checkpoint`.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Final

from shared.audit.tree import EMPTY_ROOT, check_hash, check_size
from shared.errors import LedgerInvalid

MAX_ORIGIN_BYTES: Final = 255
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class TreeHead:
    """A claim, signed or not: the log `origin` has `size` entries and this 32-byte root."""

    origin: str
    size: int
    root: bytes


def encode_tree_head(head: TreeHead) -> str:
    """The three lines. Raises LedgerInvalid for an origin, size or root that cannot stand in them."""
    _check(head)
    return f"{head.origin}\n{head.size}\n{encode_hash(head.root)}\n"


def parse_tree_head(text: str) -> TreeHead:
    """The tree head in a checkpoint's text. Raises LedgerInvalid unless it is exactly the three lines."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise LedgerInvalid(why="a checkpoint's text is three lines: origin, size, root")
    origin, size, root = lines[:3]
    if _SIZE.fullmatch(size) is None:
        raise LedgerInvalid(why="the checkpoint's size is not a decimal number")
    head = TreeHead(origin, int(size), parse_hash(root, "the checkpoint's root"))
    _check(head)
    return head


def _check(head: TreeHead) -> None:
    if not head.origin.isprintable() or not 1 <= len(head.origin.encode()) <= MAX_ORIGIN_BYTES:
        raise LedgerInvalid(why=f"the checkpoint's origin is not a line of 1 to {MAX_ORIGIN_BYTES} bytes")
    check_size(head.size)
    check_hash(head.root, "the checkpoint's root")
    if head.size == 0 and head.root != EMPTY_ROOT:
        raise LedgerInvalid(why="the root of an empty tree is not the hash of nothing")


def encode_hash(value: bytes) -> str:
    """Standard base64 (RFC 4648 §4), as checkpoints and proofs write hashes."""
    return b64encode(value).decode("ascii")


def parse_hash(text: str, what: str) -> bytes:
    """32 bytes from their one base64 form. Raises LedgerInvalid naming `what`."""
    return check_hash(parse_base64(text, what), what)


def parse_base64(text: str, what: str) -> bytes:
    """Bytes from their one base64 form (RFC 4648 §4, padded). Raises LedgerInvalid naming `what`."""
    try:
        value = b64decode(text.encode("ascii"), validate=True)
    except ValueError:  # binascii.Error and UnicodeEncodeError are ValueErrors
        raise LedgerInvalid(why=f"{what} is not base64") from None
    if encode_hash(value) != text:
        raise LedgerInvalid(why=f"{what} is not canonical base64")
    return value
