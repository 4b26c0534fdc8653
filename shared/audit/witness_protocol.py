"""What a log and a witness say to each other, as bytes: `add-checkpoint` (C2SP tlog-witness, "HTTP Interface").

Request: `old <size>`, at most 63 lines of a consistency proof in base64, an empty line, the checkpoint verbatim.
Answers: 200 with signature lines (`notes.parse_signature_lines`), or 409 with the size that the witness knows, as
`text/x.tlog.size`. What the numbers mean is said in docs/spec/witness.md; here is no HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from shared.audit.tree_head import encode_hash, parse_hash
from shared.errors import LedgerInvalid

MAX_PROOF_LINES: Final = 63
MAX_REQUEST_BYTES: Final = 64 * 1024
"""A checkpoint with both signatures of its log has 3.6 KiB, a whole proof 3 KiB; foreign logs may send cosignatures."""
MAX_ANSWER_BYTES: Final = 64 * 1024
SIZE_TYPE: Final = "text/x.tlog.size"
ADD_CHECKPOINT: Final = "add-checkpoint"
_OLD: Final = re.compile(rb"old (0|[1-9][0-9]{0,18})")
_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


@dataclass(frozen=True)
class AddCheckpoint:
    """As received: nothing in it is verified."""

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: bytes


def encode_add_checkpoint(old_size: int, proof: Sequence[bytes], checkpoint: bytes) -> bytes:
    """The request's body. Raises LedgerInvalid for more than 63 hashes."""
    if len(proof) > MAX_PROOF_LINES:
        raise LedgerInvalid(why=f"a consistency proof has at most {MAX_PROOF_LINES} hashes")
    lines = [f"old {old_size}", *map(encode_hash, proof), "", ""]
    return "\n".join(lines).encode() + checkpoint


def parse_add_checkpoint(raw: bytes) -> AddCheckpoint:
    """The parts of a request. Raises LedgerInvalid."""
    if len(raw) > MAX_REQUEST_BYTES:
        raise LedgerInvalid(why=f"the request has more than {MAX_REQUEST_BYTES} bytes")
    head, blank, checkpoint = raw.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    old = _OLD.fullmatch(first)
    if not blank or old is None or len(lines) > MAX_PROOF_LINES:
        raise LedgerInvalid(why="a request is `old` with a size, at most 63 hashes, an empty line, a checkpoint")
    try:
        proof = tuple(parse_hash(line.decode("ascii"), "a hash of the consistency proof") for line in lines)
    except UnicodeDecodeError:
        raise LedgerInvalid(why="a hash of the consistency proof is not base64") from None
    return AddCheckpoint(int(old[1]), proof, checkpoint)


def encode_size(size: int) -> bytes:
    return f"{size}\n".encode()


def parse_size(raw: bytes) -> int:
    """Raises LedgerInvalid."""
    size = _SIZE.fullmatch(raw)
    if size is None:
        raise LedgerInvalid(why="a witness answered with something that is not the size of a tree")
    return int(size[1])


def place_of(origin: str) -> str:
    """Under what a witness shows its newest checkpoint of this log: `<prefix>/<this>/checkpoint`."""
    return sha256(origin.encode()).hexdigest()
